#include "platform/runtime/loopback.hpp"

#include <algorithm>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bv {
namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.sin_port = htons(port);
    return a;
}

// 0: somebody has it.
std::uint16_t free_port(std::uint16_t wanted) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    auto a = loopback(wanted);
    socklen_t size = sizeof a;
    const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&a), size) == 0 && ::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size) == 0;
    ::close(fd);
    return bound ? ntohs(a.sin_port) : 0;
}

}  // namespace

std::uint16_t keep_loopback_port(std::uint16_t last) {
    const auto same = free_port(last);
    return same != 0 ? same : free_port(0);
}

// Each is free by itself, and the system may give one twice while nobody holds it.
void keep_loopback_ports(std::span<std::uint16_t> last) {
    for (auto at = last.begin(); at != last.end(); ++at) {
        const auto is_chosen = [&](std::uint16_t port) { return port != 0 && std::find(last.begin(), at, port) != at; };
        *at = keep_loopback_port(is_chosen(*at) ? 0 : *at);
        while (is_chosen(*at)) *at = keep_loopback_port(0);
    }
}

bool is_listening_on_loopback(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto a = loopback(port);
    const bool up = ::connect(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a) == 0;
    ::close(fd);
    return up;
}

}  // namespace bv
