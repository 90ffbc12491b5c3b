// Replies of an SMTP server (RFC 5321 section 4.2), read without I/O.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bv::notification {

struct smtp_reply {
    int code = 0;                    // 200 … 599
    std::vector<std::string> lines;  // the text behind the code, a line each
    [[nodiscard]] bool is_positive() const noexcept { return code < 400; }
    [[nodiscard]] bool is_permanent() const noexcept { return code >= 500; }
};

// Whether the reply to EHLO offers an extension: ("STARTTLS"), ("AUTH", "PLAIN"). Case does not matter.
[[nodiscard]] bool offers(const smtp_reply& ehlo, std::string_view extension, std::string_view parameter = {});

class smtp_reply_reader {
public:
    enum class state : unsigned char { more, done, malformed };

    // Takes bytes up to the end of one reply and tells how many.
    std::size_t put(std::string_view bytes);
    [[nodiscard]] state where() const noexcept { return state_; }
    // The reply that is done; the reader is ready for the next one.
    [[nodiscard]] smtp_reply take();

private:
    void end_of_line();
    std::string line_;
    smtp_reply reply_;
    state state_ = state::more;
};

// The DATA section for a message with CRLF line ends: a leading dot is doubled (section 4.5.2), and the final "." is there.
[[nodiscard]] std::string smtp_data(std::string_view message);

}  // namespace bv::notification
