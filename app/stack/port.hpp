// Free and taken TCP ports.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace bv::stack {

// A port that is bound, but not listened on, until this ends: no other program can take it meanwhile, and a listener of this
// account with SO_REUSEPORT can.
class claimed_port {
public:
    explicit claimed_port(int fd, std::uint16_t number) noexcept : fd_(fd), number_(number) {}
    claimed_port(claimed_port&& other) noexcept : fd_(std::exchange(other.fd_, -1)), number_(other.number_) {}
    claimed_port& operator=(claimed_port&&) = delete;
    ~claimed_port();
    [[nodiscard]] std::uint16_t number() const noexcept { return number_; }

private:
    int fd_;
    std::uint16_t number_;
};

// The port itself when it can be listened on now, or a free one for 0. Throws failure UNAVAILABLE "PORT_TAKEN" that says
// what to do, FAILED_PRECONDITION when the address is none of this machine's or the port needs root.
[[nodiscard]] claimed_port claim_port(const std::string& address, std::uint16_t wanted);

}  // namespace bv::stack
