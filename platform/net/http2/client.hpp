// One HTTP/2 connection of a client: many exchanges at once, each with its deadline.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "platform/net/http/client_connection.hpp"
#include "platform/net/http2/frames.hpp"
#include "platform/runtime/waiter.hpp"

namespace bv::http2 {

struct client_settings {
    frame_options frames{.max_streams = 0, .stream_window = 1024 * 1024, .max_header_bytes = 64 * 1024};
    std::size_t max_body_bytes = 64 * 1024 * 1024;  // of one answer
    milliseconds ping_interval{20'000};             // of silence while answers are awaited; a second one ends the connection
};

// What kept an answer away. unhandled: the peer surely did nothing of the request; lost: it may have.
enum class call_fault : unsigned char { none, unhandled, lost, deadline, too_large };

struct exchanged {
    call_fault fault = call_fault::none;
    int status = 0;
    http::fields fields{};                 // of the head, then of the trailers
    std::string body{};
};

// Used on the thread of its executor only.
class client_connection : public std::enable_shared_from_this<client_connection> {
public:
    explicit client_connection(std::shared_ptr<http::client_connection> connected, client_settings);
    client_connection(const client_connection&) = delete;
    client_connection& operator=(const client_connection&) = delete;

    // Reads until the connection ends; to be spawned once, in a scope.
    static task<void> run(std::shared_ptr<client_connection>);
    // Sends a request with its whole body and waits for the whole answer. Throws only when cancelled, which cancels it at the peer.
    static task<exchanged> exchange(std::shared_ptr<client_connection>, std::span<const field>, std::string body, steady_point deadline);
    // Whether it takes one more now.
    [[nodiscard]] bool has_room() const noexcept;
    // Whether it will take more: the peer has not said goodbye, and is there.
    [[nodiscard]] bool is_usable() const noexcept { return !ended_ && !retired_ && !frames_.goaway_received(); }
    // Takes no more, and ends with the last that is under way.
    void retire() noexcept;
    [[nodiscard]] std::uint64_t generation() const noexcept { return link_->generation(); }
    [[nodiscard]] std::size_t open() const noexcept { return frames_.open(); }
    void end() noexcept;

private:
    friend class client_stream;
    void flush_soon();
    void flush();
    static task<void> write_rest(std::shared_ptr<client_connection>);
    void watch();

    std::shared_ptr<http::client_connection> link_;
    client_settings settings_;
    frames frames_;
    asio::steady_timer silence_;
    std::array<char, 64 * 1024> in_{};
    std::string out_;
    std::shared_ptr<waiter> joined_;  // by run(), when a write outlasts it
    int writers_ = 0;
    bool flush_posted_ = false, writing_ = false, ended_ = false, heard_ = true, pinged_ = false, retired_ = false;
};

}  // namespace bv::http2
