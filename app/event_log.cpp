#include "app/event_log.hpp"

#include <algorithm>

#include <google/protobuf/descriptor.h>

#include "app/kafka_access.hpp"
#include "app/modules.hpp"
#include "bitvelocity/options/v1/options.pb.h"
#include "platform/events/embedded_log.hpp"
#include "platform/events/kafka/kafka_log.hpp"
#include "platform/events/pg_bell.hpp"
#include "platform/rpc/registry.hpp"

namespace bv::app {

namespace {

// Where services are processes of their own, an event of another is seen when that one rings; while that is not heard, by looking.
constexpr milliseconds look_for_others_events{25};

events::tailer_options tail_options(const process& p, pg::database& log) {
    events::tailer_options out;
    if (p.peers == nullptr) return out;
    out.poll_max = look_for_others_events;
    std::vector<std::string> own, followed;
    for (const auto& r : roles()) {
        if (!p.holds(r.name)) continue;
        own.emplace_back(r.schema);
        followed.emplace_back(r.schema);
        for (const auto f : r.follows) followed.emplace_back(std::ranges::find(roles(), f, &role::name)->schema);
    }
    std::ranges::sort(followed);
    followed.erase(std::ranges::unique(followed).begin(), followed.end());
    out.bell = std::make_shared<events::pg_bell>(log, own, followed, p.runtime.context(0).get_executor(), p.clock, p.rng);
    return out;
}

std::unique_ptr<events::platform_log> make_embedded(const process& p, pg::database& log) {
    events::embedded_log_options o;
    o.tail = tail_options(p, log);
    o.retention = p.settings.get<std::chrono::hours>("events.retention");
    o.leases.life = p.settings.get<milliseconds>("leases.life");
    return std::make_unique<events::embedded_log>(p.runtime, log, o);
}

// The schemas whose events somebody follows, of the roles that the process holds.
std::vector<std::string> relayed_by(const process& p) {
    std::vector<std::string> out;
    for (const auto& r : roles()) {
        const auto follows = [&r](const role& other) { return std::ranges::find(other.follows, r.name) != other.follows.end(); };
        if (p.holds(r.name) && std::ranges::any_of(roles(), follows)) out.emplace_back(r.schema);
    }
    return out;
}

std::optional<events::registry::registry_options> registry_of(const process& p) {
    if (p.registry_url.empty()) return std::nullopt;
    return events::registry::registry_options{.url = p.registry_url,
                                              .user = p.settings.get<std::string>("registry.user"),
                                              .password = p.settings.get<std::string>("registry.password"),
                                              .ca_file = p.settings.get<std::string>("registry.ca_file")};
}

std::unique_ptr<events::platform_log> make_kafka(const process& p, pg::database& log) {
    const auto& c = p.settings;
    events::kafka::kafka_log_options o;
    o.brokers = kafka_connection(c, p.secrets, p.kafka_brokers);
    o.relays = relayed_by(p);
    o.prefix = c.get<std::string>("kafka.prefix");
    o.partitions = c.get<std::int32_t>("kafka.partitions");
    o.replication = c.get<std::int16_t>("kafka.replication");
    o.topic_retention = c.get<milliseconds>("kafka.retention");
    o.dead_letter_retention = c.get<milliseconds>("kafka.dead_letter_retention");
    o.registry = registry_of(p);
    for (const auto& r : roles()) o.services.emplace(r.schema, r.name);
    o.types = published_types();
    o.leases.life = c.get<milliseconds>("leases.life");
    o.session_timeout = c.get<milliseconds>("kafka.session_timeout");
    o.tail = tail_options(p, log);
    o.retention = c.get<std::chrono::hours>("events.retention");
    return std::make_unique<events::kafka::kafka_log>(p.runtime, log, std::move(o), p.clock, p.rng);
}

}  // namespace

std::map<std::string, std::vector<std::string>> published_types() {
    namespace options = ::bitvelocity::options::v1;
    std::map<std::string, std::vector<std::string>> out;
    for (const auto& t : rpc::registered_types()) {
        const auto* message = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(std::string(t.name));
        if (message && !message->options().GetExtension(options::event_key).empty()) out[message->file()->options().GetExtension(options::event_source)].emplace_back(t.name);
    }
    return out;
}

std::unique_ptr<events::platform_log> make_event_log(const process& p, pg::database& log) {
    return p.kafka_brokers.empty() ? make_embedded(p, log) : make_kafka(p, log);
}

}  // namespace bv::app
