// One request of an HTTP/2 connection, on its way to a handler and back.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/cancellation_signal.hpp>

#include "platform/net/http/body_reader.hpp"
#include "platform/net/http/connection.hpp"
#include "platform/net/http/server.hpp"
#include "platform/net/http2/frames.hpp"
#include "platform/runtime/waiter.hpp"

namespace bv::http2 {

class server_stream;

// What a stream needs of its session.
class stream_owner {
public:
    virtual ~stream_owner() = default;
    [[nodiscard]] virtual const http::server_options& options() const noexcept = 0;
    // The request is whole, or its body is wanted piece by piece.
    virtual void handle(const std::shared_ptr<server_stream>&) = 0;
    // Answers by itself.
    virtual void refuse(server_stream&, int status, std::string_view detail) = 0;
    virtual void consume(const server_stream&, std::size_t) = 0;
    // Something is to be sent.
    virtual void flush_soon() = 0;
};

class server_stream final : public stream, public http::body_reader, public std::enable_shared_from_this<server_stream> {
public:
    server_stream(stream_owner& owner, const http::connection& from);

    void on_field(std::string_view name, std::string_view value) override;
    void on_fields_end() override;
    void on_data(std::string_view) override;
    void on_end() override;
    void on_drained() override { wake(writer_); }
    void on_close(std::uint32_t error, bool unhandled) override;

    // For the handler of a streamed body.
    task<result<std::optional<std::string>>> read() override;
    // Until little of what was written is left; false once the stream is closed.
    task<bool> drained();

    // Whether the peer has kept its body waiting too long: then nobody waits for it any more.
    bool overdue(steady_point now);
    // Whether the peer has taken nothing for too long of an answer that is held for it whole. Asked now and then.
    [[nodiscard]] bool stalled(steady_point now);
    // What a streamed body that broke is answered with, whatever its handler says; 0: it did not.
    [[nodiscard]] std::pair<int, std::string_view> fault() const noexcept;
    [[nodiscard]] bool receiving() const noexcept {
        return state_ == state::fields || state_ == state::body || (state_ == state::stream && reader_ != nullptr && !wanted->unhurried);
    }

    http::request request;
    const http::body_stream* wanted = nullptr;  // when its body is streamed
    asio::cancellation_signal cancel;           // of its handler
    bool closed = false;
    bool answered_whole = false;                // all of its answer waits here for the peer
    bool cancellable = false;                   // its handler ends with it: nobody is left to answer

private:
    // answered: by the session itself, and the rest is dropped.
    enum class state : unsigned char { fields, body, stream, whole, answered };

    static void wake(std::shared_ptr<waiter>&);
    void begin_body();
    void refuse(int status, std::string_view detail);

    stream_owner& owner_;
    std::string piece_;                     // of a streamed body, not yet taken
    std::shared_ptr<waiter> reader_, writer_;
    std::optional<std::uint64_t> length_;   // Content-Length
    std::uint64_t received_ = 0;
    std::size_t field_bytes_ = 0, left_ = 0;  // left_: of a whole answer, when it was looked at last
    steady_point since_;                    // when the peer began what is waited for: its fields, its whole body, a piece of a streamed one
    steady_point taken_;                    // when it had last taken something of a whole answer
    state state_ = state::fields;
    bool late_ = false, too_large_ = false;
};

// Whether a target is a path with nothing in it that must be percent-encoded, or "*".
[[nodiscard]] bool is_target(std::string_view) noexcept;

}  // namespace bv::http2
