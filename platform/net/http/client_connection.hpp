// One connection of the client: connects, exchanges one request at a time, checks whether it is still usable.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>

#include "platform/net/http/client.hpp"
#include "platform/net/http/read_buffer.hpp"

namespace bv::http {

class client_connection : public std::enable_shared_from_this<client_connection> {
public:
    enum class fault : unsigned char { none, lost, deadline, malformed, too_large };
    struct exchanged {
        client_connection::fault fault = fault::none;
        bool answer_began = false;
        bool reusable = false;
        client_response response{};
    };

    // generation: of the identity that it is to show (mutual_tls), asked before its context is.
    explicit client_connection(const asio::any_io_executor&, std::uint64_t generation = 0);

    // Throws failure CONNECT_FAILED, or DEADLINE_EXCEEDED when `deadline` passes first. tls: null for plain text.
    task<void> connect(const client_options&, std::shared_ptr<asio::ssl::context> tls, steady_point deadline);
    // Sends the request's bytes and reads the answer. Throws only when cancelled.
    task<exchanged> exchange(const std::string& bytes, bool to_head, std::size_t max_body_bytes, steady_point deadline);
    // Of one that has had an answer. False: the peer has closed it, or has sent what nobody asked for.
    [[nodiscard]] bool is_usable() noexcept;
    void close() noexcept;

    // For another protocol on a connected one. 0: it is over. try_write sends what the socket takes at once and removes it from `out`;
    // with TLS it leaves all to write_some. False: it is over.
    task<std::size_t> read_some(std::span<char>);
    task<std::size_t> write_some(std::string_view);
    bool try_write(std::string& out) noexcept;
    // Why the peer ended TLS, if it said so: then it has read nothing. Empty: it did not.
    [[nodiscard]] const std::string& refused() const noexcept { return refused_; }
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
    [[nodiscard]] asio::any_io_executor executor() { return socket_.get_executor(); }

private:
    using tcp = asio::ip::tcp;
    using tls_stream = asio::ssl::stream<tcp::socket&>;

    task<boost::system::error_code> connect_to(const client_options&);
    task<boost::system::error_code> handshake(const client_options&, std::shared_ptr<asio::ssl::context>);
    [[nodiscard]] std::string refusal_of(const client_options&) const;
    [[nodiscard]] std::string why_not(const boost::system::error_code&) const;
    void note_alert(const boost::system::error_code&);
    task<bool> send(const std::string& bytes);
    task<boost::system::error_code> read();
    // Ends the pending operation at that time. One timer serves many exchanges: it is only set anew for an earlier time.
    void until(steady_point);
    void set_timer(steady_point);

    tcp::socket socket_;
    tcp::resolver resolver_;
    asio::steady_timer timer_;
    std::unique_ptr<tls_stream> tls_;
    std::string refused_;
    std::uint64_t generation_;
    read_buffer in_;
    steady_point deadline_ = steady_point::max(), timer_at_ = steady_point::max();
    bool expired_ = false;
};

}  // namespace bv::http
