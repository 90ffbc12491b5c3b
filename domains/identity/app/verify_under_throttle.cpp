#include <exception>

#include "domains/identity/app/steps.hpp"
#include "domains/identity/model/network.hpp"
#include "platform/security/envelope.hpp"

namespace bv::identity {

namespace {

struct attempt {
    std::vector<std::string> subjects;  // the account's, and the address's where it is known
    std::optional<account> who;
};

std::unexpected<error> too_many(milliseconds wait) {
    error e{code::resource_exhausted, "TOO_MANY_ATTEMPTS",
            fmt::format("Too many failed attempts: try again in {} s.", std::chrono::ceil<seconds>(wait).count()), {}, wait};
    return std::unexpected(std::move(e));
}

const throttle_policy& policy_of(const environment& env, std::size_t subject) { return subject == 0 ? env.settings.per_account : env.settings.per_address; }

task<result<attempt>> begin(environment& env, storage::unit_of_work& uow, std::string email, std::vector<std::string> subjects) {
    auto states = co_await env.throttle.lock(uow, subjects);
    const auto now = env.clock.now();
    milliseconds wait{0};
    for (const auto& s : states) wait = std::max(wait, wait_of(s, now));
    if (wait > milliseconds(0)) co_return too_many(wait);
    for (std::size_t i = 0; i < states.size(); ++i) states[i] = begin_attempt(states[i], policy_of(env, i), now);
    co_await env.throttle.save(uow, subjects, std::move(states));
    auto who = co_await env.accounts.find_by_email(uow, std::move(email));
    co_return attempt{std::move(subjects), std::move(who)};
}

// The right password forgets the account's failures, but of the address only this attempt: whoever has one account could
// otherwise go on guessing at others.
task<void> forgive(environment& env, storage::unit_of_work& uow, std::vector<std::string> subjects, bool was_right) {
    auto states = co_await env.throttle.lock(uow, subjects);
    for (std::size_t i = 0; i < states.size(); ++i) states[i] = take_back(states[i], policy_of(env, i));
    if (was_right) states.front() = throttle_state{.last_attempt = states.front().last_attempt};
    co_await env.throttle.save(uow, subjects, std::move(states));
}

}  // namespace

task<result<std::optional<account>>> verify_under_throttle(environment& env, const rpc::context& ctx, std::string email, std::string password) {
    email = security::normalised_email(email);
    std::vector<std::string> subjects{"account:" + email};
    if (!ctx.remote_address.empty()) subjects.push_back("address:" + network_of(ctx.remote_address));
    auto begun = co_await env.transactor.transact(as_platform(ctx), [&](storage::unit_of_work& uow) { return begin(env, uow, email, subjects); });
    if (!begun) co_return std::unexpected(std::move(begun.error()));

    bool right = false;
    std::exception_ptr broken;
    try {
        right = co_await env.hasher.verify(std::move(password), begun->who ? begun->who->password_hash : std::nullopt);
    } catch (...) {
        broken = std::current_exception();  // it was not judged: it does not count
    }
    if (right || broken)
        co_await env.transactor.run(as_platform(ctx), [&](storage::unit_of_work& uow) { return forgive(env, uow, begun->subjects, right); });
    if (broken) std::rethrow_exception(broken);
    if (!right) co_return std::optional<account>{};
    co_return std::move(begun->who);
}

}  // namespace bv::identity
