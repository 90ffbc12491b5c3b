#include "platform/events/kafka/broker.hpp"

#include <array>
#include <csignal>
#include <fstream>
#include <string_view>
#include <thread>

#include <fmt/format.h>

#include "platform/core/error.hpp"
#include "platform/runtime/loopback.hpp"
#include "platform/storage/postgres/server_process.hpp"

namespace bv::events::kafka {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::string_view main_class = "kafka.Kafka";
constexpr std::string_view started_line = "Kafka Server started";

// 16 random bytes as Kafka writes them: base64 without padding, and no dash in front.
std::string cluster_id() {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", last = "AQgw";
    std::string out;
    for (int i = 0; i < 21; ++i) out += digits[system_rng().below(i == 0 ? 62 : 64)];
    return out + last[system_rng().below(4)];
}

}  // namespace

broker::broker(broker_options o)
    : options_(std::move(o)), process_(options_.directory, options_.directory / "broker.log", (options_.directory / "server.properties").string()) {}

void broker::check_installed() const {
    if (!find_java(options_.java_home))
        throw failure(code::failed_precondition, "KAFKA_NOT_INSTALLED",
                      "Kafka runs on Java 17 or later, and there is none here: install openjdk-17-jre-headless, or name brokers that run already in kafka.brokers");
    std::error_code ec;
    for (const auto& file : fs::directory_iterator(options_.jars, ec))
        if (file.path().filename().string().starts_with("kafka_2.")) return;
    throw failure(code::failed_precondition, "KAFKA_NOT_INSTALLED",
                  fmt::format("Kafka's jars are not in \"{}\": infra/kafka/fetch puts them there with Maven, 65 MB once; or name brokers that run already in kafka.brokers", options_.jars.string()));
}

std::vector<std::string> broker::command(std::vector<std::string> arguments) const {
    std::vector<std::string> out{find_java(options_.java_home)->string(), "-Xms64m", "-Xmx" + options_.heap, "-XX:+UseSerialGC", "-XX:MaxMetaspaceSize=160m", "-Xss512k",
                                 "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
                                 "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info", "-cp", (options_.jars / "*").string()};
    out.insert(out.end(), std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
    return out;
}

// Those of the last start when they are still free. One that is started again keeps them, for its clients know no others: should somebody
// have taken one meanwhile, it ends again, and is started until it is free.
void broker::choose_ports() {
    if (port_ != 0) return;
    std::array<std::uint16_t, 2> ports{};
    std::ifstream(options_.directory / "ports") >> ports[0] >> ports[1];
    keep_loopback_ports(ports);
    port_ = ports[0], controller_port_ = ports[1];
    std::ofstream(options_.directory / "ports") << port_ << ' ' << controller_port_ << '\n';
}

void broker::write_properties() const {
    std::ofstream(options_.directory / "server.properties") << fmt::format(R"(process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{1}
listeners=PLAINTEXT://127.0.0.1:{0},CONTROLLER://127.0.0.1:{1}
advertised.listeners=PLAINTEXT://127.0.0.1:{0}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={2}
num.network.threads=2
num.io.threads=2
background.threads=2
num.partitions=3
auto.create.topics.enable=false
message.max.bytes=16777216
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=5
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=16777216
)", port_, controller_port_, (options_.directory / "data").string());
}

void broker::format() const {
    if (fs::exists(options_.directory / "data" / "meta.properties")) return;
    const auto pid = pg::start_process({.arguments = command({"kafka.tools.StorageTool", "format", "-t", cluster_id(), "-c", (options_.directory / "server.properties").string()}),
                                        .output = process_.log(), .signal_with_parent = SIGKILL});
    const auto ended = pg::wait_exit(pid, options_.start_timeout);
    if (!ended) {
        ::kill(pid, SIGQUIT);  // Java then says what its threads are at
        (void)pg::wait_exit(pid, 2s);
        ::kill(pid, SIGKILL);
        (void)pg::wait_exit(pid, 5s);
    }
    if (!ended || *ended != 0) throw failure(code::unavailable, "KAFKA_START", fmt::format("Kafka's storage was not made; the end of {}:\n{}", process_.log().string(), end_of(process_.said())));
}

void broker::launch() {
    check_installed();
    fs::create_directories(options_.directory);
    process_.end_orphan();
    choose_ports();
    write_properties();
    process_.mark_log();
    format();
    process_.start(command({std::string(main_class), (options_.directory / "server.properties").string()}));
}

bool broker::is_up() {
    const bool lives = running();
    if (lives && process_.said().find(started_line) != std::string::npos && is_listening_on_loopback(port_)) return true;
    if (lives && system_clock().steady_now() < process_.started_at() + options_.start_timeout) return false;
    stop(milliseconds(0));
    throw failure(code::unavailable, "KAFKA_START",
                  fmt::format("Kafka {}; the end of {}:\n{}", lives ? "is not ready in time" : "has ended", process_.log().string(), end_of(process_.said())));
}

void broker::await() {
    while (!is_up()) std::this_thread::sleep_for(50ms);
}

}  // namespace bv::events::kafka
