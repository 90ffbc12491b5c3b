#include "platform/jobs/rabbitmq/link.hpp"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "platform/core/assert.hpp"
#include "platform/core/error.hpp"
#include "platform/core/os_error.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::jobs::rabbitmq {
namespace {

constexpr milliseconds first_pause{100}, longest_pause{5'000};
constexpr milliseconds longest_wait{250};  // a wake-up ends it; heartbeats need it to end

}  // namespace

link::link(server s, const topology& t, std::string name, clock& c, rng& r) : server_(std::move(s)), topology_(t), name_(std::move(name)), clock_(c), rng_(r) {
    BV_ASSERT(!server_.endpoints.empty());
    wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake_ < 0) throw failure(code::unavailable, "RABBITMQ_AWAY", fmt::format("no eventfd: {}", os_error()));
}

link::~link() {
    BV_ASSERT(!thread_.joinable());
    ::close(wake_);
}

void link::start() { thread_ = std::thread([this] { run(); }); }

void link::halt() noexcept {
    stopping_ = true;
    wake();
}

void link::stop() noexcept {
    halt();
    if (thread_.joinable()) thread_.join();
}

void link::wake() noexcept {
    const std::uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);
}

std::string link::trouble() const {
    const std::lock_guard hold(mutex_);
    return trouble_;
}

void link::set_trouble(std::string what) {
    const std::lock_guard hold(mutex_);
    trouble_ = std::move(what);
}

const address& link::next_address() { return server_.endpoints[tried_++ % server_.endpoints.size()]; }

void link::run() noexcept {
    auto pause = first_pause;
    std::string told;
    while (!stopping_) {
        was_up_ = false;
        try {
            serve();
        } catch (...) {
            const auto why = current_error();
            set_trouble(why.message);
            if (was_up_) pause = first_pause, told.clear();
            if (std::exchange(told, why.reason) != why.reason)  // once for each reason, however often it is tried
                telemetry::log(why.code == code::unavailable ? telemetry::level::warn : telemetry::level::error, "rabbitmq.connection_lost", {{"connection", name_}, {"reason", why.reason}, {"error", why.message}});
        }
        lost();
        if (stopping_) break;
        telemetry::count("bv_rabbitmq_reconnects_total", "Connections to RabbitMQ that ended or were not made", {{"connection", name_}}).add();
        rest(pause / 2 + milliseconds(static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(pause.count() / 2)))));
        pause = std::min(pause * 2, longest_pause);
    }
}

void link::serve() {
    connection c(server_, next_address(), name_);
    topology_.declare(c);
    opened(c);
    was_up_ = true;
    set_trouble({});
    telemetry::info("rabbitmq.connected", {{"connection", name_}});
    while (!stopping_) {
        work(c);
        while (auto one = c.next()) received(std::move(*one));
        c.wait(wake_, longest_wait);
        std::uint64_t count = 0;
        (void)!::read(wake_, &count, sizeof count);
    }
    work(c);
    c.close();
}

// A wake-up for something to send is no reason to connect sooner; the end is.
void link::rest(milliseconds most) {
    const auto end = clock_.steady_now() + most;
    for (auto now = clock_.steady_now(); now < end && !stopping_; now = clock_.steady_now()) {
        pollfd watched{wake_, POLLIN, 0};
        ::poll(&watched, 1, static_cast<int>(std::chrono::ceil<milliseconds>(end - now).count()));
        std::uint64_t count = 0;
        (void)!::read(wake_, &count, sizeof count);
    }
}

}  // namespace bv::jobs::rabbitmq
