// What a Redis server answers, and the reader that makes it of bytes: RESP2 and RESP3 (the Redis serialization protocol
// specification). Without sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bv::redis {

struct reply {
    enum class kind : std::uint8_t {
        null,
        text,     // simple, bulk and verbatim strings
        error,    // a refusal: "WRONGTYPE Operation against …"
        integer,  // booleans too
        number,   // doubles and big numbers, as the server wrote them in `text`
        list,     // arrays and sets; maps as key, value, key, value …
        push,     // sent unasked
    };
    kind is = kind::null;
    std::string text{};
    std::int64_t integer = 0;
    std::vector<reply> items{};

    [[nodiscard]] bool is_null() const noexcept { return is == kind::null; }
    [[nodiscard]] bool is_text() const noexcept { return is == kind::text; }
    [[nodiscard]] bool is_error() const noexcept { return is == kind::error; }
    // Of an error, its first word: "MOVED".
    [[nodiscard]] std::string_view error_code() const noexcept;
};

struct reply_limits {
    std::size_t text_bytes = 32 * 1024 * 1024;  // of one string
    std::size_t items = 1'000'000;              // of one reply, in all its lists
    std::size_t depth = 16;
};

// Bytes in as they arrive, replies out. One thread at a time.
class reply_reader {
public:
    enum class step : std::uint8_t {
        more,       // the reply is not complete
        ready,
        malformed,  // or beyond the limits: nothing more can be read from this connection
    };
    explicit reply_reader(reply_limits limits = {}) : limits_(limits) {}

    void feed(std::string_view bytes);
    [[nodiscard]] step next(reply& out);

private:
    struct frame {
        reply of;
        std::size_t missing = 0;
        bool dropped = false;  // an attribute, which comes before the reply that it is about
    };
    enum class token : std::uint8_t { more, value, opened, malformed };

    [[nodiscard]] token read(reply& out);
    [[nodiscard]] token read_string(std::string_view size, reply::kind, bool verbatim, reply& out);
    [[nodiscard]] token open(char type, std::string_view size, reply& out);
    // True when it completed the outermost.
    [[nodiscard]] bool place(reply& value);
    void forget_read();

    reply_limits limits_;
    std::string in_;
    std::size_t at_ = 0;
    std::vector<frame> open_;
    std::size_t items_ = 0;
    bool malformed_ = false;
};

}  // namespace bv::redis
