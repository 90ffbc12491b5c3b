#include "platform/events/kafka/broker.hpp"

#include <array>
#include <csignal>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <thread>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/core/error.hpp"
#include "platform/storage/postgres/server_process.hpp"

namespace bv::events::kafka {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::string_view main_class = "kafka.Kafka";
constexpr std::string_view started_line = "Kafka Server started";

bool is_program(const fs::path& p) { return ::access(p.c_str(), X_OK) == 0; }

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.sin_port = htons(port);
    return a;
}

// The port itself when it is free, or a free one for 0; 0 when it is taken.
std::uint16_t free_port(std::uint16_t wanted) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    auto a = loopback(wanted);
    socklen_t size = sizeof a;
    const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&a), size) == 0 && ::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size) == 0;
    ::close(fd);
    return bound ? ntohs(a.sin_port) : 0;
}

bool answers(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto a = loopback(port);
    const bool up = ::connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0;
    ::close(fd);
    return up;
}

// 16 random bytes as Kafka writes them: base64 without padding, and no dash in front.
std::string cluster_id() {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", last = "AQgw";
    std::string out;
    for (int i = 0; i < 21; ++i) out += digits[system_rng().below(i == 0 ? 62 : 64)];
    return out + last[system_rng().below(4)];
}

std::string end_of(const std::string& text) { return text.size() > 2'000 ? text.substr(text.size() - 2'000) : text; }

bool is_broker_of(pid_t pid, const fs::path& directory) {
    std::ifstream in(fmt::format("/proc/{}/cmdline", pid));
    std::stringstream text;
    text << in.rdbuf();
    const auto line = text.str();
    return line.find(main_class) != line.npos && line.find((directory / "server.properties").string()) != line.npos;
}

}  // namespace

std::optional<fs::path> broker::java() const {
    for (const auto& path : {options_.java_home / "bin/java", fs::path("/usr/local/bin/java"), fs::path("/usr/bin/java")})
        if (path.is_absolute() && is_program(path)) return path;
    return std::nullopt;
}

void broker::check_installed() const {
    if (!java())
        throw failure(code::failed_precondition, "KAFKA_NOT_INSTALLED",
                      "Kafka runs on Java 17 or later, and there is none here: install openjdk-17-jre-headless, or name brokers that run already in kafka.brokers");
    std::error_code ec;
    for (const auto& file : fs::directory_iterator(options_.jars, ec))
        if (file.path().filename().string().starts_with("kafka_2.")) return;
    throw failure(code::failed_precondition, "KAFKA_NOT_INSTALLED",
                  fmt::format("Kafka's jars are not in \"{}\": infra/kafka/fetch puts them there with Maven, 50 MB once; or name brokers that run already in kafka.brokers", options_.jars.string()));
}

std::vector<std::string> broker::command(std::vector<std::string> arguments) const {
    std::vector<std::string> out{java()->string(), "-Xms64m", "-Xmx" + options_.heap, "-XX:+UseSerialGC", "-XX:MaxMetaspaceSize=160m", "-Xss512k",
                                 "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
                                 "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info", "-cp", (options_.jars / "*").string()};
    out.insert(out.end(), std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
    return out;
}

// One whose platform was killed before it could end it.
void broker::end_orphan() const {
    pid_t pid = 0;
    std::ifstream(options_.directory / "pid") >> pid;
    if (pid <= 0 || !is_broker_of(pid, options_.directory)) return;
    ::kill(pid, SIGTERM);
    for (const auto end = system_clock().steady_now() + 20s; is_broker_of(pid, options_.directory); std::this_thread::sleep_for(20ms))
        if (system_clock().steady_now() > end) ::kill(pid, SIGKILL);
}

// Those of the last start when they are still free.
void broker::choose_ports() {
    std::ifstream(options_.directory / "ports") >> port_ >> controller_port_;
    port_ = free_port(port_);
    if (port_ == 0) port_ = free_port(0);
    controller_port_ = free_port(controller_port_);
    if (controller_port_ == 0) controller_port_ = free_port(0);
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
                                        .output = log_file(), .signal_with_parent = SIGKILL});
    const auto ended = pg::wait_exit(pid, options_.start_timeout);
    if (!ended) {
        ::kill(pid, SIGQUIT);  // Java then says what its threads are at
        (void)pg::wait_exit(pid, 2s);
        ::kill(pid, SIGKILL);
        (void)pg::wait_exit(pid, 5s);
    }
    if (!ended || *ended != 0) throw failure(code::unavailable, "KAFKA_START", fmt::format("Kafka's storage was not made; the end of {}:\n{}", log_file().string(), end_of(said())));
}

void broker::launch() {
    check_installed();
    fs::create_directories(options_.directory);
    end_orphan();
    choose_ports();
    write_properties();
    std::error_code ec;
    log_from_ = fs::file_size(log_file(), ec);
    if (ec) log_from_ = 0;
    format();
    pid_ = pg::start_process({.arguments = command({std::string(main_class), (options_.directory / "server.properties").string()}),
                              .output = log_file(), .signal_with_parent = SIGTERM});
    launched_ = system_clock().steady_now();
    std::ofstream(options_.directory / "pid") << pid_ << '\n';
}

std::string broker::said() const {
    std::ifstream in(log_file());
    in.seekg(static_cast<std::streamoff>(log_from_));
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

bool broker::is_up() {
    const bool lives = running();
    if (lives && said().find(started_line) != std::string::npos && answers(port_)) return true;
    if (lives && system_clock().steady_now() < launched_ + options_.start_timeout) return false;
    stop(milliseconds(0));
    throw failure(code::unavailable, "KAFKA_START", fmt::format("Kafka {}; the end of {}:\n{}", lives ? "is not ready in time" : "has ended", log_file().string(), end_of(said())));
}

void broker::await() {
    while (!is_up()) std::this_thread::sleep_for(50ms);
}

bool broker::running() noexcept {
    if (pid_ <= 0) return false;
    if (::waitpid(pid_, nullptr, WNOHANG) == 0) return true;
    pid_ = 0;
    return false;
}

void broker::stop(milliseconds patience) noexcept {
    if (!running()) return;
    ::kill(pid_, SIGCONT);
    ::kill(pid_, SIGTERM);
    if (!pg::wait_exit(pid_, patience)) ::kill(pid_, SIGKILL), (void)pg::wait_exit(pid_, 5s);
    pid_ = 0;
}

}  // namespace bv::events::kafka
