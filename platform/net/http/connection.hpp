// One accepted connection: its socket, TLS when there is any, and the deadline of what it is doing. The per-core
// listener sweeps the deadlines every so often, which costs a request one store instead of a timer.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"
#include "platform/net/http/mutual_tls.hpp"

namespace bv::http {

class core_listener;

class connection {
public:
    using tcp = asio::ip::tcp;
    using tls_stream = asio::ssl::stream<tcp::socket&>;

    enum class phase : unsigned char { handshake, idle, reading, handling, writing, lingering };

    // Registers with the listener, on whose thread it lives.
    connection(tcp::socket, std::string remote_address, core_listener&);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // Says what the connection is about to wait for, and until when.
    void arm(phase p, steady_point deadline) noexcept { phase_ = p, deadline_ = deadline, expired_ = false; }
    // The same, while something is pending: that the earlier deadline has passed is not forgotten.
    void rearm(phase p, steady_point deadline) noexcept { phase_ = p, deadline_ = deadline; }
    [[nodiscard]] phase doing() const noexcept { return phase_; }
    [[nodiscard]] bool expired() const noexcept { return expired_; }
    [[nodiscard]] bool take_expired() noexcept { return std::exchange(expired_, false); }
    // Ends the pending operation when the deadline has passed.
    void expire(steady_point now) noexcept;
    // The listener drains: what an idle connection waits for is ended; one with a hook of its own is told.
    void drain();
    void on_drain(std::function<void()> hook) { on_drain_ = std::move(hook); }
    // Ends the pending operation, whatever it is.
    void cancel() noexcept;
    void close() noexcept;

    // 0: the peer has gone, or the operation was ended.
    task<std::size_t> read_some(std::span<char>);
    // Sends what the socket takes at once and removes it from `out`. False: the connection is broken. Plain text only.
    bool try_write(std::string& out) noexcept;
    // Sends all of `out` and clears it. False: broken or too slow; `timeout` is for each piece that makes progress.
    task<bool> write(std::string& out, milliseconds timeout);
    // Sends some of it and returns how much; 0: the connection is broken, or the operation was ended. Its deadline is the caller's.
    task<std::size_t> write_some(std::string_view);
    // Tells the peer that no more follows and reads on for a moment, so that a last answer is not lost to a reset.
    task<void> linger();
    // Waits for the first byte, which it leaves there: whether it begins a TLS handshake. nullopt: none came.
    task<std::optional<bool>> begins_tls();
    // TLS handshake. Empty: it is done; else why not.
    task<std::string> secure(std::shared_ptr<asio::ssl::context>);

    [[nodiscard]] bool is_secure() const noexcept { return tls_ != nullptr; }
    // The protocol agreed on in TLS (ALPN), e.g. "http/1.1"; empty: none.
    [[nodiscard]] std::string protocol() const;
    [[nodiscard]] const std::string& remote_address() const noexcept { return remote_address_; }
    // Whom TLS has shown the other side to be.
    void set_peer(tls_peer);
    [[nodiscard]] const std::shared_ptr<const tls_peer>& peer() const noexcept { return peer_; }
    [[nodiscard]] result<tls_peer> shown_peer() const;
    [[nodiscard]] tcp::socket& socket() noexcept { return socket_; }

private:
    friend class core_listener;

    tcp::socket socket_;
    std::unique_ptr<tls_stream> tls_;
    std::string remote_address_;
    std::shared_ptr<const tls_peer> peer_;
    core_listener& listener_;
    std::size_t index_ = 0;  // in the listener's list
    steady_point deadline_ = steady_point::max();
    std::function<void()> on_drain_;
    phase phase_ = phase::idle;
    bool expired_ = false;
};

}  // namespace bv::http
