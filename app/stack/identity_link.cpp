#include "app/stack/identity_link.hpp"

#include <array>
#include <charconv>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/core/os_error.hpp"
#include "platform/security/digest.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::stack {

namespace {

constexpr std::size_t longest = 16 * 1024;
constexpr milliseconds patience{10'000};
constexpr char part_end = '\0';

std::string write(const security::svid& s) {
    const auto until = std::to_string(s.not_after.time_since_epoch().count());
    return s.certificate + part_end + s.private_key + part_end + s.trust + part_end + until;
}

std::optional<security::svid> read(std::string_view text) {
    std::array<std::string_view, 4> parts;
    for (auto& p : parts) {
        const auto end = text.find(part_end);
        p = text.substr(0, end);
        text = end == text.npos ? std::string_view{} : text.substr(end + 1);
    }
    std::int64_t until = 0;
    if (std::from_chars(parts[3].data(), parts[3].data() + parts[3].size(), until).ec != std::errc{}) return std::nullopt;
    return security::svid{std::string(parts[0]), std::string(parts[1]), std::string(parts[2]), time_point(microseconds(until))};
}

std::optional<security::svid> take_from(int descriptor) {
    std::string buffer(longest, '\0');
    const auto n = ::recv(descriptor, buffer.data(), buffer.size(), MSG_DONTWAIT);
    auto out = n > 0 ? read(std::string_view(buffer).substr(0, static_cast<std::size_t>(n))) : std::nullopt;
    security::wipe(buffer);
    return out;
}

security::svid wait_for_first(int descriptor) {
    pollfd ready{descriptor, POLLIN, 0};
    if (descriptor >= 0 && ::poll(&ready, 1, static_cast<int>(patience.count())) == 1)
        if (auto got = take_from(descriptor)) return std::move(*got);
    throw failure(code::failed_precondition, "NO_IDENTITY", "a role's process is given its certificate by its supervisor, and none came. Start it with: bv up --profile full; or give it files (peers.certificate_file), which bv identity issue makes");
}

}  // namespace

identity_sender identity_sender::open() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw failure(code::unavailable, "CHILD_FAILED", "no socket for a process's identity: " + os_error());
    identity_sender out;
    out.own_ = ends[0], out.other_ = ends[1];
    return out;
}

identity_sender::identity_sender(identity_sender&& other) noexcept : own_(std::exchange(other.own_, -1)), other_(std::exchange(other.other_, -1)) {}
identity_sender& identity_sender::operator=(identity_sender&& other) noexcept {
    std::swap(own_, other.own_);
    std::swap(other_, other.other_);
    return *this;
}
identity_sender::~identity_sender() {
    give_away();
    if (own_ >= 0) ::close(own_);
}

void identity_sender::give_away() noexcept {
    if (other_ >= 0) ::close(std::exchange(other_, -1));
}

bool identity_sender::send(const security::svid& s) noexcept {
    auto text = write(s);
    const auto n = ::send(own_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    security::wipe(text);
    return n > 0;
}

identity_receiver::identity_receiver(int descriptor, bv::runtime& r) : runtime_(r), end_(r.context(0)), first_(wait_for_first(descriptor)) { end_.assign(descriptor); }

void identity_receiver::follow(std::function<void(const security::svid&)> take) {
    follows_ = true;
    tasks_.spawn(runtime_.context(0).get_executor(), receive(std::move(take)));
}

task<void> identity_receiver::receive(std::function<void(const security::svid&)> take) {
    while (true) {
        const auto [ec] = co_await end_.async_wait(asio::posix::stream_descriptor::wait_read, asio::as_tuple(asio::use_awaitable));
        if (ec) co_return;
        const auto got = take_from(end_.native_handle());
        if (!got) co_return;  // the supervisor has gone, and this process goes too
        try {
            take(*got);
        } catch (const failure& f) {
            telemetry::error("identity.not_replaced", {{"reason", f.error().reason}, {"error", f.error().message}});
        }
    }
}

void identity_receiver::stop() {
    if (!std::exchange(follows_, false)) return;
    tasks_.stop();
    runtime_.block_on(tasks_.join());
}

}  // namespace bv::stack
