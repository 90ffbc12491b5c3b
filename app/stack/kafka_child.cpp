#include "app/stack/kafka_child.hpp"

#include <cstdlib>

#include <fmt/format.h>

#include "app/kafka_access.hpp"
#include "app/stack/extras.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::stack {

namespace {

std::filesystem::path variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): this process sets none
    return value ? value : "";
}

std::filesystem::path jars(const config& c) {
    if (auto given = c.get<std::string>("kafka.jars"); !given.empty()) return std::filesystem::absolute(given);
    const auto root = variable("BV_ROOT");
    return std::filesystem::absolute(root / "build/tools/kafka");
}

}  // namespace

bool is_kafka_wanted(const config& c) {
    const auto with = parse_extras(c.get<std::vector<std::string>>("stack.with"));
    if (!with) throw failure(with.error());
    return with->kafka || c.get<std::string>("events.log") == "kafka";
}

std::string given_brokers(const config& c) {
    if (!is_kafka_wanted(c)) return {};
    return fmt::format("{}", fmt::join(c.get<std::vector<std::string>>("kafka.brokers"), ","));
}

void kafka_child::launch(const config& c, const data_dir& dir, security::secrets& secrets) {
    brokers_ = given_brokers(c);
    if (!is_kafka_wanted(c)) return;
    if (!brokers_.empty()) {
        (void)app::kafka_connection(c, secrets, brokers_);  // what is wrong is told before anything starts
        return;
    }
    if (const auto fits = app::check_private_kafka(c); !fits) throw failure(fits.error());
    broker_ = std::make_unique<events::kafka::broker>(events::kafka::broker_options{
        .directory = std::filesystem::absolute(dir.folder("kafka")),
        .jars = jars(c),
        .java_home = variable("JAVA_HOME"),
        .heap = std::to_string(c.get<std::size_t>("kafka.heap"))});
    broker_->launch();
    brokers_ = broker_->address();
}

bool kafka_child::is_up() { return !broker_ || broker_->is_up(); }

bool kafka_child::tend() {
    if (!broker_ || broker_->running()) return false;
    const auto step = pause_.look(system_clock().steady_now());
    if (step == restart_pause::step::ended) telemetry::error("stack.kafka_ended", {{"pause_ms", pause_.pause().count()}});
    if (step != restart_pause::step::start) return step == restart_pause::step::ended;
    try {
        broker_->launch();
    } catch (const failure& f) {
        telemetry::error("stack.kafka_restart_failed", {{"error", f.error().message}});
    }
    return true;
}

void kafka_child::stop() noexcept {
    if (broker_) broker_->stop();
}

}  // namespace bv::stack
