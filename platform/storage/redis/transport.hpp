// The bytes of one connection to a server: TCP, TLS or a Unix socket. Private to redis; used on the thread of its executor.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "platform/core/task.hpp"
#include "platform/storage/redis/topology.hpp"

namespace bv::redis {

// TLS 1.2 and later. ca_file: PEM; empty: the system's authorities. Throws failure INVALID_ARGUMENT "REDIS_TLS".
[[nodiscard]] std::shared_ptr<asio::ssl::context> make_tls(const std::string& ca_file);

class transport : public std::enable_shared_from_this<transport> {
public:
    // tls: null for plain bytes.
    transport(asio::any_io_executor, std::shared_ptr<asio::ssl::context> tls);

    // Once. Throws failure UNAVAILABLE "REDIS_AWAY".
    task<void> connect(address);
    // Bytes that have arrived; the error of the connection's end.
    task<std::size_t> read(std::span<char> to, boost::system::error_code&);
    // In order, many at a time. An error shows in read().
    void send(std::string_view bytes);
    // Not yet written.
    [[nodiscard]] std::size_t queued() const noexcept { return out_.size(); }
    // What waits ends with an error.
    void close() noexcept;

private:
    using socket = asio::generic::stream_protocol::socket;
    task<boost::system::error_code> reach(const address&);
    task<boost::system::error_code> agree(const address&);
    void write();

    asio::any_io_executor executor_;
    std::shared_ptr<asio::ssl::context> context_;
    socket socket_;
    std::unique_ptr<asio::ssl::stream<socket&>> tls_;
    std::string out_, in_flight_;
    bool writing_ = false;
};

}  // namespace bv::redis
