#include "app/stack/companions.hpp"

#include <thread>
#include <utility>

#include <fmt/format.h>

#include "app/stack/extras.hpp"
#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::stack {

companions::companions(const config& c, const data_dir& d, security::secrets& s, running_platform& state, reporter r)
    : config_(c), dir_(d), secrets_(s), state_(state), report_(std::move(r)) {}

void companions::launch_slow() {
    kafka_.launch(config_, dir_, secrets_);
    state_.kafka = kafka_.brokers();
    state_.kafka_pid = kafka_.pid();
    if (!state_.kafka.empty()) report_(kafka_.started() ? "kafka: starting a broker" : "kafka: using the brokers given");
    registry_.launch(config_, dir_);
    state_.registry = registry_.url();
    state_.registry_pid = registry_.pid();
    if (!state_.registry.empty()) report_(registry_.started() ? "schema registry: starting" : "schema registry: using the one given");
    rabbitmq_.launch(config_, dir_, secrets_);
    state_.rabbitmq = rabbitmq_.address();
    state_.rabbitmq_management = rabbitmq_.management();
    state_.rabbitmq_pid = rabbitmq_.pid();
    if (rabbitmq_.started()) report_("rabbitmq: starting");
}

void companions::start_quick() {
    start_provider();
    start_redis();
}

void companions::start_provider() {
    if (!config_.get<std::string>("provider.url").empty()) return;
    report_("payment provider: starting");
    provider_.start(dir_, secrets_, state_.url, state_.certificate);
    state_.provider_pid = provider_.pid();
    state_.provider_port = provider_.port();
}

void companions::start_redis() {
    const auto wanted = parse_extras(config_.get<std::vector<std::string>>("stack.with"));
    if (!wanted) throw failure(wanted.error());
    if (!wanted->redis || !config_.get<std::vector<std::string>>("redis.endpoints").empty()) return;
    report_("redis: starting");
    redis_.start(dir_, config_.get<std::string>("database.account"));
    state_.redis_pid = redis_.pid();
    state_.redis = redis_.endpoint();
}

void companions::await(const std::function<bool()>& stop_asked) {
    const auto until_up = [&](auto& child, const char* waiting) {
        for (bool told = false; !child.is_up() && !stop_asked(); std::this_thread::sleep_for(milliseconds(50)))
            if (!std::exchange(told, true)) report_(waiting);
    };
    until_up(kafka_, "kafka: waiting for the broker");
    until_up(registry_, "schema registry: waiting for it");
    until_up(rabbitmq_, "rabbitmq: waiting for it");
}

bool companions::tend() {
    bool changed = false;
    const auto note = [&changed](auto& child, bool again, pid_t& pid) {
        if (again) pid = child.pid();
        changed = changed || again;
    };
    note(redis_, redis_.tend(system_clock().steady_now()), state_.redis_pid);
    note(kafka_, kafka_.tend(), state_.kafka_pid);
    note(registry_, registry_.tend(), state_.registry_pid);
    note(rabbitmq_, rabbitmq_.tend(), state_.rabbitmq_pid);
    note(provider_, tend_provider(), state_.provider_pid);
    return changed;
}

bool companions::tend_provider() {
    if (!provider_.started() || provider_.running()) return false;
    telemetry::error("stack.provider_ended", {});
    try {
        provider_.start_again();
        return true;
    } catch (const failure& f) {
        telemetry::error("stack.provider_restart_failed", {{"error", f.error().message}});
        return false;
    }
}

void companions::stop() noexcept {
    provider_.stop();
    redis_.stop();
    kafka_.stop();
    registry_.stop();
    rabbitmq_.stop();
}

std::string companions::provider_url() const {
    auto given = config_.get<std::string>("provider.url");
    return given.empty() ? fmt::format("http://127.0.0.1:{}", provider_.port()) : given;
}

std::vector<std::string> companions::redis_endpoints() const {
    if (redis_.started()) return {redis_.endpoint()};
    return config_.get<std::vector<std::string>>("redis.endpoints");
}

}  // namespace bv::stack
