// How a role's process is given its certificates: over a socket whose other end only its supervisor has, so that they are on no disk
// and the process need not know the authority's key. A message is one whole identity; the latest holds.
#pragma once

#include <functional>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "app/stack/identity_source.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/runtime/scope.hpp"

namespace bv::stack {

// The supervisor's end.
class identity_sender {
public:
    identity_sender() = default;
    // Throws failure UNAVAILABLE when there can be no more sockets.
    [[nodiscard]] static identity_sender open();
    identity_sender(identity_sender&&) noexcept;
    identity_sender& operator=(identity_sender&&) noexcept;
    ~identity_sender();

    // The other end, until give_away(): for child::start.
    [[nodiscard]] int others_end() const noexcept { return other_; }
    void give_away() noexcept;
    // False: the process does not take it now.
    [[nodiscard]] bool send(const security::svid&) noexcept;

private:
    int own_ = -1, other_ = -1;
};

// The process's end.
class identity_receiver final : public identity_source {
public:
    // Takes the descriptor, and waits for the first identity. Throws failure FAILED_PRECONDITION "NO_IDENTITY".
    identity_receiver(int descriptor, bv::runtime&);
    ~identity_receiver() override { identity_receiver::stop(); }
    identity_receiver(const identity_receiver&) = delete;
    identity_receiver& operator=(const identity_receiver&) = delete;
    [[nodiscard]] const security::svid& first() const noexcept override { return first_; }
    void follow(std::function<void(const security::svid&)> take) override;
    void stop() override;

private:
    task<void> receive(std::function<void(const security::svid&)>);

    bv::runtime& runtime_;
    asio::posix::stream_descriptor end_;
    security::svid first_;
    scope tasks_{"identity"};
    bool follows_ = false;
};

}  // namespace bv::stack
