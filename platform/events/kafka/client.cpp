#include "platform/events/kafka/client.hpp"

#include <array>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "platform/core/os_error.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::events::kafka {
namespace {

constexpr std::size_t error_text = 512;

void set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
    std::array<char, error_text> why{};
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why.data(), why.size()) != RD_KAFKA_CONF_OK)
        throw failure(code::invalid_argument, "KAFKA_CONFIGURATION", fmt::format("the client's property {}: {}; kafka.client sets it", name, why.data()));
}

// On a thread of librdkafka. Its lines about connections that come and go are told by the log's health in fewer words.
void write_line(const rd_kafka_t*, int severity, const char* facility, const char* text) {
    const auto level = severity <= 2 ? telemetry::level::warn : telemetry::level::debug;
    telemetry::log(level, "kafka.client", {{"facility", facility}, {"message", text}});
}

}  // namespace

client make_client(rd_kafka_type_t type, const connection& to, const properties& given, void (*set_up)(rd_kafka_conf_t*), void* opaque) {
    if (const auto checked = check(to.security); !checked) throw failure(checked.error());
    const std::unique_ptr<rd_kafka_conf_t, destroyer<rd_kafka_conf_destroy>> holder(rd_kafka_conf_new());
    auto* conf = holder.get();
    rd_kafka_conf_set_log_cb(conf, &write_line);
    // A broker that stands still is given up on sooner, and one that returns is found sooner, than librdkafka would by itself.
    const properties base{{"client.id", "bitvelocity"}, {"socket.timeout.ms", "10000"}, {"reconnect.backoff.max.ms", "1000"}, {"broker.address.family", "v4"}};
    const auto security = properties_of(to.security);
    for (const auto* some : {&base, &security, &given, &to.more})
        for (const auto& [name, value] : *some) set(conf, name, value);
    set(conf, "bootstrap.servers", to.brokers);
    if (set_up) set_up(conf);
    rd_kafka_conf_set_opaque(conf, opaque);
    std::array<char, error_text> why{};
    // It takes the configuration over only when it succeeds.
    auto* made = rd_kafka_new(type, rd_kafka_conf_dup(conf), why.data(), why.size());
    if (!made) throw failure(code::invalid_argument, "KAFKA_CONFIGURATION", fmt::format("the Kafka client was not made: {}. See kafka.ca_file, kafka.certificate_file, kafka.key_file and kafka.client", why.data()));
    return client(made);
}

failure unavailable(std::string_view doing, rd_kafka_resp_err_t e) {
    return {code::unavailable, "KAFKA_UNAVAILABLE", fmt::format("{}: {} ({})", doing, rd_kafka_err2str(e), rd_kafka_err2name(e))};
}

partition_list make_partitions(int room) { return partition_list(rd_kafka_topic_partition_list_new(room)); }

struct queue_watch::impl {
    impl(asio::any_io_executor e, queue q, std::shared_ptr<signal> s) : events(std::move(q)), wakes(std::move(s)), descriptor(std::move(e)) {
        fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (fd < 0) throw failure(code::unavailable, "KAFKA_UNAVAILABLE", fmt::format("no eventfd: {}", os_error()));
        descriptor.assign(fd);
        const std::uint64_t one = 1;
        rd_kafka_queue_io_event_enable(events.get(), fd, &one, sizeof one);
    }

    queue events;
    const std::shared_ptr<signal> wakes;
    asio::posix::stream_descriptor descriptor;
    int fd = -1;
};

queue_watch::queue_watch(asio::any_io_executor e, queue q, std::shared_ptr<signal> s) : impl_(std::make_unique<impl>(std::move(e), std::move(q), std::move(s))) {}
queue_watch::~queue_watch() { stop(); }

task<void> queue_watch::run(std::shared_ptr<queue_watch> self) {
    auto& i = *self->impl_;
    while (i.descriptor.is_open()) {
        const auto [ec] = co_await i.descriptor.async_wait(asio::posix::descriptor_base::wait_read, asio::as_tuple(asio::use_awaitable));
        if (ec) co_return;
        std::uint64_t count = 0;
        (void)!::read(i.fd, &count, sizeof count);
        i.wakes->notify();
    }
}

void queue_watch::stop() noexcept {
    auto& i = *impl_;
    if (!i.descriptor.is_open()) return;
    rd_kafka_queue_io_event_enable(i.events.get(), -1, nullptr, 0);
    i.events.reset();
    boost::system::error_code ignored;
    i.descriptor.close(ignored);
}

watched::watched(asio::any_io_executor e, scope& tasks, queue q, std::shared_ptr<signal> s) : watch_(std::make_shared<queue_watch>(e, std::move(q), std::move(s))) {
    tasks.spawn(std::move(e), queue_watch::run(watch_));
}

}  // namespace bv::events::kafka
