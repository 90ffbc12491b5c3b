#include "platform/events/kafka/registry_server.hpp"

#include <fstream>
#include <thread>

#include <fmt/format.h>

#include "platform/core/error.hpp"
#include "platform/runtime/loopback.hpp"

namespace bv::events::kafka {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::string_view started_line = "Listening on: ";

}  // namespace

registry_server::registry_server(registry_server_options o)
    : options_(std::move(o)), process_(options_.directory, options_.directory / "registry.log", "jdbc:h2:file:" + store().string()) {}

fs::path registry_server::runner() const {
    std::error_code ec;
    for (const auto& file : fs::directory_iterator(options_.program, ec))
        if (file.path().filename().string().ends_with("-runner.jar")) return file.path();
    throw failure(code::failed_precondition, "REGISTRY_NOT_INSTALLED",
                  fmt::format("Apicurio Registry is not in \"{}\": infra/registry/fetch puts it there with Maven, 142 MB once; or name a registry that runs already in registry.url",
                              options_.program.string()));
}

// One that is started again keeps its own, for its clients know no other.
void registry_server::choose_port() {
    if (port_ != 0) return;
    std::ifstream(options_.directory / "port") >> port_;
    port_ = keep_loopback_port(port_);
    std::ofstream(options_.directory / "port") << port_ << '\n';
}

void registry_server::launch() {
    const auto java = find_java(options_.java_home);
    if (!java)
        throw failure(code::failed_precondition, "REGISTRY_NOT_INSTALLED",
                      "the schema registry runs on Java 17, and there is none here: install openjdk-17-jre-headless, or name one that runs already in registry.url");
    const auto jar = runner();
    fs::create_directories(options_.directory);
    process_.end_orphan();
    choose_port();
    process_.mark_log();
    // WRITE_DELAY=0: an id that was given is on disk before it is answered.
    process_.start({java->string(), "-Xms32m", "-Xmx" + options_.heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k",
                    fmt::format("-Dquarkus.datasource.jdbc.url=jdbc:h2:file:{};WRITE_DELAY=0", store().string()),
                    "-Dquarkus.datasource.jdbc.initial-size=1", "-Dquarkus.datasource.jdbc.min-size=1", "-Dquarkus.datasource.jdbc.max-size=4",
                    "-Dquarkus.datasource.jdbc.acquisition-timeout=60",  // its store is opened in the first one, on a busy machine for seconds
                    "-Dquarkus.http.host=127.0.0.1", fmt::format("-Dquarkus.http.port={}", port_), "-Dquarkus.http.io-threads=2",
                    "-Dquarkus.http.access-log.enabled=false", "-Dquarkus.log.console.color=false", "-jar", jar.string()});
}

bool registry_server::is_up() {
    const bool lives = running();
    if (lives && process_.said().find(started_line) != std::string::npos && is_listening_on_loopback(port_)) return true;
    if (lives && system_clock().steady_now() < process_.started_at() + options_.start_timeout) return false;
    stop(milliseconds(0));
    throw failure(code::unavailable, "REGISTRY_START",
                  fmt::format("the schema registry {}; the end of {}:\n{}", lives ? "is not ready in time" : "has ended", process_.log().string(), end_of(process_.said())));
}

void registry_server::await() {
    while (!is_up()) std::this_thread::sleep_for(50ms);
}

}  // namespace bv::events::kafka
