#include "app/stack/registry_child.hpp"

#include <cstdlib>

#include "app/stack/extras.hpp"
#include "app/stack/kafka_child.hpp"
#include "platform/exporters/endpoint.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::stack {

namespace {

bool is_wanted(const config& c) {
    const auto with = parse_extras(c.get<std::vector<std::string>>("stack.with"));
    return with && with->registry;
}

std::filesystem::path variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): this process sets none
    return value ? value : "";
}

std::filesystem::path program(const config& c) {
    if (auto given = c.get<std::string>("registry.program"); !given.empty()) return std::filesystem::absolute(given);
    return std::filesystem::absolute(variable("BV_ROOT") / "build/tools/registry");
}

}  // namespace

void registry_child::launch(const config& c, const data_dir& dir) {
    url_ = c.get<std::string>("registry.url");
    if (!url_.empty() || !is_wanted(c)) return;
    server_ = std::make_unique<events::kafka::registry_server>(events::kafka::registry_server_options{
        .directory = std::filesystem::absolute(dir.folder("registry")),
        .program = program(c),
        .java_home = variable("JAVA_HOME"),
        .heap = std::to_string(c.get<std::size_t>("registry.heap"))});
    server_->launch();
    url_ = server_->url();
}

bool registry_child::tend() {
    if (!server_ || server_->running()) return false;
    const auto step = pause_.look(system_clock().steady_now());
    if (step == restart_pause::step::ended) telemetry::error("stack.registry_ended", {{"pause_ms", pause_.pause().count()}});
    if (step != restart_pause::step::start) return step == restart_pause::step::ended;
    try {
        server_->launch();
    } catch (const failure& f) {
        telemetry::error("stack.registry_restart_failed", {{"error", f.error().message}});
    }
    return true;
}

void registry_child::stop() noexcept {
    if (server_) server_->stop();
}

result<void> check_registry_settings(const config& c) {
    const auto url = c.get<std::string>("registry.url");
    if (url.empty() && !is_wanted(c)) return {};
    if (!is_kafka_wanted(c))
        return fail(code::invalid_argument, "INVALID_SETTING", "a schema registry serves the events that Kafka carries: with it goes --with kafka, or events.log=kafka");
    if (url.empty()) return {};
    if (const auto parsed = exporters::parse_endpoint("registry.url", url, "", "http://registry:8081"); !parsed) return std::unexpected(parsed.error());
    return {};
}

}  // namespace bv::stack
