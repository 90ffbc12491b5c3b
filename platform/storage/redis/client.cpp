#include "platform/storage/redis/client.hpp"

#include <algorithm>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "platform/storage/redis/servers.hpp"

namespace bv::redis {
namespace {

constexpr int most_hops = 5;
constexpr milliseconds moving_pause{5};  // of a slot that is being moved

std::unexpected<error> nobody() { return fail(code::unavailable, "REDIS_AWAY", "no Redis server is known that holds this key; redis.endpoints says where to look"); }

result<reply> refused(const reply& r) { return fail(code::failed_precondition, "REDIS_REFUSED", fmt::format("Redis refuses a command: {}", r.text)); }

}  // namespace

struct client::impl {
    explicit impl(std::shared_ptr<shared_state> s) : all(std::make_shared<servers>(std::move(s))) {}

    // One step of a command: to a server, and what it said.
    struct hop {
        std::shared_ptr<link> by;
        result<link::ticket> sent;
    };
    hop send_to(thread_links& mine, const asio::any_io_executor& e, const std::optional<address>& at, const std::string& bytes, bool asking, steady_point until);
    task<result<reply>> follow(command, asio::any_io_executor, std::optional<address> at, bool asking, steady_point until, int hops);
    // The outcome of a hop, followed where it leads.
    task<result<reply>> settle(hop, command, asio::any_io_executor, steady_point until, int hops);

    [[nodiscard]] steady_point until(steady_point deadline) {
        auto& s = all->shared();
        return std::min(deadline, s.clock.steady_now() + s.options.call_timeout);
    }

    std::shared_ptr<servers> all;
};

client::impl::hop client::impl::send_to(thread_links& mine, const asio::any_io_executor& e, const std::optional<address>& at, const std::string& bytes, bool asking,
                                        steady_point until) {
    auto by = at ? all->to(mine, e, *at) : nullptr;
    if (!by) return {nullptr, nobody()};
    if (asking) {
        static const std::string first = command::of("ASKING").encoded();
        if (auto sent = by->submit(first, until); !sent) return {by, std::move(sent)};
    }
    auto sent = by->submit(bytes, until);
    return {std::move(by), std::move(sent)};
}

task<result<reply>> client::impl::follow(command c, asio::any_io_executor e, std::optional<address> at, bool asking, steady_point until, int hops) {
    auto first = send_to(all->of_thread(e), e, at, c.encoded(), asking, until);
    co_return co_await settle(std::move(first), std::move(c), std::move(e), until, hops);
}

task<result<reply>> client::impl::settle(hop h, command c, asio::any_io_executor e, steady_point until, int hops) {
    using kind = redirection::kind;
    result<reply> said = nobody();
    if (h.sent) said = co_await link::wait(*h.sent);
    else said = std::unexpected(std::move(h.sent.error()));
    if (!said) {
        if (said.error().code == code::unavailable) all->look_again();
        co_return said;
    }
    const auto way = redirection_of(*said, h.by->at());
    if (way.is == kind::none) co_return said;
    if (way.is == kind::no_script) {
        auto whole = c.with_text();
        if (!whole) co_return said;
        co_return co_await follow(std::move(*whole), std::move(e), h.by->at(), false, until, hops + 1);
    }
    auto& s = all->shared();
    s.redirections.add();
    if (way.is == kind::not_now || hops >= most_hops) {
        all->look_again();
        co_return fail(code::unavailable, "REDIS_AWAY", fmt::format("Redis at {} does not serve this now: {}", h.by->at().str(), said->text));
    }
    if (way.is == kind::moved) all->look_again();
    if (way.is == kind::try_again) {
        if (s.clock.steady_now() + 2 * moving_pause > until) co_return fail(code::unavailable, "REDIS_AWAY", "the key's slot is being moved");
        co_await s.clock.sleep_for(moving_pause);
    }
    const auto to = way.is == kind::try_again ? h.by->at() : way.to;
    co_return co_await follow(std::move(c), std::move(e), to, way.is == kind::ask, until, hops + 1);
}

client::client(options o, clock& c, rng& r) : impl_(std::make_shared<impl>(std::make_shared<shared_state>(std::move(o), c, r))) {}
client::~client() = default;

task<void> client::start() {
    const auto self = impl_;
    self->all->spawn(co_await asio::this_coro::executor, servers::follow(self->all));
    co_await self->all->first_look();
}

task<void> client::stop() {
    const auto self = impl_;
    co_await self->all->stop();
}

task<result<reply>> client::call(command c, steady_point deadline) {
    const auto self = impl_;
    const auto executor = co_await asio::this_coro::executor;
    const auto at = self->all->owner(c.slot());
    auto said = co_await self->follow(std::move(c), executor, at, false, self->until(deadline), 0);
    if (said && said->is_error()) co_return refused(*said);
    co_return said;
}

task<std::vector<result<reply>>> client::call_all(std::vector<command> all, steady_point deadline) {
    const auto self = impl_;
    const auto executor = co_await asio::this_coro::executor;
    const auto until = self->until(deadline);
    std::vector<impl::hop> sent;
    sent.reserve(all.size());
    auto& mine = self->all->of_thread(executor);
    for (const auto& c : all) sent.push_back(self->send_to(mine, executor, self->all->owner(c.slot()), c.encoded(), false, until));
    std::vector<result<reply>> out;
    out.reserve(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto said = co_await self->settle(std::move(sent[i]), std::move(all[i]), executor, until, 0);
        if (said && said->is_error()) said = refused(*said);
        out.push_back(std::move(said));
    }
    co_return out;
}

task<void> client::send(command c) {
    const auto self = impl_;
    const auto executor = co_await asio::this_coro::executor;
    (void)self->send_to(self->all->of_thread(executor), executor, self->all->owner(c.slot()), c.encoded(), false, self->until(steady_point::max()));
}

void client::subscribe(const asio::any_io_executor& e, const std::string& channel, std::function<void(std::string_view)> heard, std::function<void()> subscribed) {
    auto l = std::make_shared<listener>();
    l->subscribe = command::of("SUBSCRIBE", channel).encoded();
    // ["message", channel, text] or ["subscribe", channel, count], as a push of RESP3 or a list of RESP2.
    l->heard = [to_hear = std::move(heard), begun = std::move(subscribed)](const reply& said) {
        if (said.items.size() != 3) return;
        if (said.items[0].text == "message") to_hear(said.items[2].text);
        if (said.items[0].text == "subscribe") begun();
    };
    impl_->all->spawn(e, servers::listen(impl_->all, std::move(l)));
}

std::string client::trouble() const { return impl_->all->trouble(); }

bool client::is_cluster() const {
    const auto now = impl_->all->known();
    return now && now->is_cluster();
}

}  // namespace bv::redis
