#include "app/database_logins.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "platform/core/assert.hpp"

namespace bv::app {

namespace {

std::int64_t seconds_until(time_point at, clock& now) { return std::max<std::int64_t>(0, std::chrono::floor<seconds>(at - now.now()).count()); }

task<void> nothing() { co_return; }

task<void> stop_logins(database_logins* logins) {
    if (logins != nullptr) logins->stop();
    co_return;
}

std::string what_holds(const vault::client& client, const database_logins* logins, clock& time) {
    const auto stands = client.now();
    const auto holding = logins != nullptr ? logins->holding() : std::string{};
    if (stands.trouble.empty()) return holding.empty() ? std::string{} : fmt::format("database logins are not renewed: {}", holding);
    auto out = fmt::format("away since {}: {}; what was read is used on, the log-in holds for {} s", rfc3339(std::chrono::floor<seconds>(stands.since)), stands.trouble,
                           seconds_until(stands.token_until, time));
    if (logins != nullptr) out += holding.empty() ? ", database logins are not due yet" : fmt::format(", database logins: {}", holding);
    return out;
}

}  // namespace

database_logins::database_logins(vault::client& c, clock& t, vault::place roles) : client_(c), clock_(t), roles_(std::move(roles)) {}

void database_logins::prepare(std::string_view service, pg::options& to) {
    auto& it = all_[std::string(service)];
    it.lease = std::make_shared<vault::database_login>(client_, clock_, vault::place{roles_.mount, fmt::format("{}-{}", roles_.name, service)}, std::string(service));
    it.first = it.lease->take();
    // What the service may do is its role's, whose policies and grants name it; the login is a member that inherits nothing by itself.
    to.assumed_role = fmt::format("bv_{}", service);
    to.search_path = fmt::format("{},platform", service);
    to.on_refused = [lease = it.lease](const std::string& user) { lease->refused(user); };
}

void database_logins::give(std::string_view service, pg::database& db) {
    const auto it = all_.find(service);
    BV_ASSERT(it != all_.end());
    db.log_in_as({it->second.first.user, it->second.first.password});
    it->second.lease->keep([&db](const vault::login& next) { db.log_in_as({next.user, next.password}); });
}

void database_logins::stop() {
    for (auto& [service, it] : all_) it.lease->stop();
}

std::string database_logins::ended() const {
    std::string out;
    for (const auto& [service, it] : all_)
        if (it.lease->now().until <= clock_.now()) out += (out.empty() ? "" : ", ") + service;
    return out;
}

std::string database_logins::holding() const {
    std::string out;
    for (const auto& [service, it] : all_)
        if (const auto now = it.lease->now(); !now.trouble.empty()) out += fmt::format("{}{} for {} s", out.empty() ? "" : ", ", service, seconds_until(now.until, clock_));
    return out;
}

bv::module vault_lifecycle(vault::client& client, database_logins* logins, clock& time) {
    return {.name = "vault",
            .needs = {},
            .start = [] { return nothing(); },
            .stop = [logins] { return stop_logins(logins); },
            .unready =
                [&client, logins] {
                    const auto ended = logins != nullptr ? logins->ended() : std::string{};
                    return ended.empty() ? std::string{} : fmt::format("the database login has ended of: {}. {}", ended, client.now().trouble);
                },
            .degraded = [&client, logins, &time] { return what_holds(client, logins, time); }};
}

}  // namespace bv::app
