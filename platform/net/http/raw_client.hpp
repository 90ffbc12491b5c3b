// For tests: a blocking socket that sends exact bytes, and a server on a runtime of its own.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/net/http/server.hpp"
#include "platform/runtime/runtime.hpp"

namespace bv::http::testing {

class raw_client {
public:
    explicit raw_client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(port);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const timeval patience{20, 0};  // only so that a failing test ends
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (::connect(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) close();
    }
    ~raw_client() { close(); }
    raw_client(const raw_client&) = delete;
    raw_client& operator=(const raw_client&) = delete;

    [[nodiscard]] bool connected() const noexcept { return fd_ >= 0; }
    bool send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }
    [[nodiscard]] int descriptor() const noexcept { return fd_; }
    void finish_sending() const { ::shutdown(fd_, SHUT_WR); }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }

    struct answer {
        int status = 0;  // 0: the connection ended instead
        std::string head, body;
        [[nodiscard]] bool has(std::string_view text) const { return head.find(text) != std::string::npos; }
    };
    // Reads one answer; to a HEAD: without a body.
    answer read(bool to_head = false) {
        answer a;
        std::size_t end;
        while ((end = in_.find("\r\n\r\n")) == std::string::npos)
            if (!more()) return a;
        a.head = in_.substr(0, end + 4);
        in_.erase(0, end + 4);
        a.status = std::atoi(a.head.c_str() + 9);
        if (to_head || a.status < 200 || a.status == 204 || a.status == 304) return a;
        if (const auto at = a.head.find("Content-Length: "); at != std::string::npos) {
            a.body = take(static_cast<std::size_t>(std::atoll(a.head.c_str() + at + 16)));
        } else if (a.has("Transfer-Encoding: chunked")) {
            for (;;) {
                const auto size = std::strtoul(line().c_str(), nullptr, 16);
                a.body += take(size);
                if (line() != "" || size == 0) break;
            }
        } else {
            a.body = rest();
        }
        return a;
    }
    // Everything up to the end of the connection.
    std::string rest() {
        while (more()) {}
        return std::exchange(in_, {});
    }
    // Whether the peer closes without another byte.
    bool at_end() { return in_.empty() && !more(); }

private:
    bool more() {
        char piece[16384];
        const auto n = ::recv(fd_, piece, sizeof piece, 0);
        if (n <= 0) return false;
        in_.append(piece, static_cast<std::size_t>(n));
        return true;
    }
    std::string take(std::size_t n) {
        while (in_.size() < n && more()) {}
        auto out = in_.substr(0, n);
        in_.erase(0, n);
        return out;
    }
    std::string line() {
        std::size_t end;
        while ((end = in_.find("\r\n")) == std::string::npos)
            if (!more()) return "cut";
        auto out = in_.substr(0, end);
        in_.erase(0, end + 2);
        return out;
    }

    int fd_;
    std::string in_;
};

// A started server; drained at the end. Handlers are called on its runtime's threads.
class running_server {
public:
    explicit running_server(handler h, server_options options = {}, std::size_t cores = 1)
        : runtime_(cores), server_(runtime_, std::move(options), std::move(h)) {
        runtime_.start();
        server_.start();
    }
    ~running_server() {
        drain(milliseconds(0));
        runtime_.stop();
        runtime_.join();
    }
    running_server(const running_server&) = delete;
    running_server& operator=(const running_server&) = delete;

    void drain(milliseconds grace) { runtime_.block_on(server_.drain(grace)); }
    [[nodiscard]] std::uint16_t port() const { return server_.port(); }
    [[nodiscard]] bv::runtime& runtime() noexcept { return runtime_; }
    [[nodiscard]] http::server& server() noexcept { return server_; }

private:
    bv::runtime runtime_;
    http::server server_;
};

}  // namespace bv::http::testing
