// One exchange of a client whose request and answer go on for as long as both sides talk.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/steady_timer.hpp>

#include "platform/core/task.hpp"
#include "platform/net/http2/client.hpp"
#include "platform/net/http2/frames.hpp"
#include "platform/runtime/waiter.hpp"

namespace bv::http2 {

// Used on the thread of its connection only. One read and one write at a time. To be cancelled, or read to its end.
class client_stream final : public stream, public std::enable_shared_from_this<client_stream> {
public:
    client_stream(std::shared_ptr<client_connection>, steady_point deadline);
    // Sends the head. Null: the connection takes no more, and the peer surely has seen nothing. At the deadline it is cancelled.
    static std::shared_ptr<client_stream> open(std::shared_ptr<client_connection>, std::span<const field>, steady_point deadline);

    // Resumes once little of what was written waits for the peer. False: the exchange is over.
    task<bool> write(std::string_view);
    void finish();
    // The next piece of the answer; until it is taken the peer may send no more than the window holds. nullopt: that was all.
    task<std::optional<std::string>> read();
    // Tells the peer that nobody waits any more, unless both sides have ended.
    void cancel() noexcept;

    // How it ended, after read() has given nullopt.
    [[nodiscard]] call_fault fault() const noexcept;
    [[nodiscard]] int status() const noexcept { return status_; }
    [[nodiscard]] const http::fields& head() const noexcept { return head_; }
    [[nodiscard]] const http::fields& trailers() const noexcept { return trailers_; }

    void on_field(std::string_view name, std::string_view value) override;
    void on_fields_end() override;
    void on_data(std::string_view) override;
    void on_end() override;
    void on_drained() override { wake(writer_); }
    void on_close(std::uint32_t error, bool unhandled) override;

private:
    static void wake(std::shared_ptr<waiter>&);
    void watch();
    [[nodiscard]] bool is_over() const noexcept { return whole_ || closed_ || late_; }

    std::shared_ptr<client_connection> connection_;
    asio::steady_timer timer_;
    std::shared_ptr<waiter> reader_, writer_;
    std::string piece_;
    http::fields head_, trailers_;
    int status_ = 0;
    bool head_done_ = false, whole_ = false, closed_ = false, unhandled_ = false, late_ = false, finished_ = false;
};

}  // namespace bv::http2
