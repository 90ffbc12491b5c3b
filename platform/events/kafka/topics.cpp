#include "platform/events/kafka/topics.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "platform/telemetry/log.hpp"

namespace bv::events::kafka {
namespace {

constexpr int patience_ms = 3'000;  // with one call
constexpr milliseconds between_looks{1'000};
constexpr milliseconds while_made{100};
constexpr int looks_between = 10;  // that ask for brokers only, once the topics were there

using metadata = std::unique_ptr<const struct rd_kafka_metadata, destroyer<rd_kafka_metadata_destroy>>;
using new_topic = std::unique_ptr<rd_kafka_NewTopic_t, destroyer<rd_kafka_NewTopic_destroy>>;
using config_resource = std::unique_ptr<rd_kafka_ConfigResource_t, destroyer<rd_kafka_ConfigResource_destroy>>;

const rd_kafka_metadata_topic* find(const struct rd_kafka_metadata& all, const std::string& name) {
    for (int i = 0; i < all.topic_cnt; ++i)
        if (name == all.topics[i].topic) return &all.topics[i];
    return nullptr;
}

// Why a topic that is there cannot be worked with; empty: it can.
std::string fault_of(const rd_kafka_metadata_topic& there, const topic& t) {
    if (there.partition_cnt != t.partitions)
        return fmt::format("topic {} has {} partitions and kafka.partitions says {}: set kafka.partitions={}. To have another number, let every group "
                           "catch up (bv status), stop the platform, delete the topics and start it with the new one",
                           t.name, there.partition_cnt, t.partitions, there.partition_cnt);
    for (int p = 0; p < there.partition_cnt; ++p)
        if (there.partitions[p].leader < 0) return fmt::format("topic {}: partition {} has no leader", t.name, there.partitions[p].id);
    return {};
}

new_topic described(const topic& t) {
    std::array<char, 512> why{};
    new_topic out(rd_kafka_NewTopic_new(t.name.c_str(), t.partitions, t.replication, why.data(), why.size()));
    if (!out) throw failure(code::invalid_argument, "KAFKA_CONFIGURATION", fmt::format("topic {}: {}", t.name, why.data()));
    rd_kafka_NewTopic_set_config(out.get(), "cleanup.policy", "delete");
    rd_kafka_NewTopic_set_config(out.get(), "retention.ms", fmt::to_string(t.retention.count()).c_str());
    if (t.replication >= 3) rd_kafka_NewTopic_set_config(out.get(), "min.insync.replicas", "2");
    return out;
}

}  // namespace

topic_keeper::topic_keeper(connection c, std::vector<topic> topics, std::function<void()> changed)
    : connection_(std::move(c)), topics_(std::move(topics)), changed_(std::move(changed)),
      client_(make_client(RD_KAFKA_PRODUCER, connection_, {}, &set_up, this)), trouble_(does_not_answer("it was not asked yet")) {}

topic_keeper::~topic_keeper() { stop(); }

// Called by rd_kafka_poll on the thread. What is said begins with the connection's name: "sasl_ssl://kafka-1:9093/bootstrap: …".
void topic_keeper::set_up(rd_kafka_conf_t* conf) {
    rd_kafka_conf_set_error_cb(conf, [](rd_kafka_t*, int e, const char* why, void* opaque) {
        const auto code = static_cast<rd_kafka_resp_err_t>(e);
        if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;  // follows of the others, and says less
        const std::string_view said = why;
        static_cast<topic_keeper*>(opaque)->broken_.insert_or_assign(std::string(said.substr(0, said.find(": "))), broken{code, std::string(said)});
    });
}

void topic_keeper::listen() {
    while (rd_kafka_poll(client_.get(), 0) > 0) {
    }
}

// Whatever was wrong with connections before is so no more.
void topic_keeper::answered() {
    listen();
    broken_.clear();
}

// A login or a certificate that is wrong looks like brokers that are away, but for what the client says of its connections.
std::string topic_keeper::does_not_answer(std::string_view why) {
    listen();
    for (const auto& [name, b] : broken_)
        if (const auto found = diagnosis(connection_.security, b.code, b.why); !found.empty())
            return fmt::format("Kafka at {} {}. Events wait in the outboxes meanwhile ({})", connection_.brokers, found, b.why);
    return fmt::format("Kafka at {} does not answer ({}): events wait in the outboxes and follow when it does", connection_.brokers, why);
}

void topic_keeper::start() {
    thread_ = std::jthread([this](const std::stop_token& over) { run(over); });
}

void topic_keeper::stop() noexcept { thread_.request_stop(); }

bool topic_keeper::ready() const {
    const std::lock_guard hold(mutex_);
    return ready_;
}

bool topic_keeper::is_awaited(const std::string& topic) const {
    const std::lock_guard hold(mutex_);
    return awaited_.contains(topic);
}

void topic_keeper::make(const std::string& topic) {
    const std::lock_guard hold(mutex_);
    if (awaited_.erase(topic) > 0) to_be_made_.insert(topic);
}

std::string topic_keeper::trouble() const {
    const std::lock_guard hold(mutex_);
    return trouble_;
}

void topic_keeper::tell(bool ready, std::string trouble) {
    {
        const std::lock_guard hold(mutex_);
        if (ready == ready_ && trouble == trouble_) return;
        ready_ = ready;
        trouble_ = trouble;
    }
    if (trouble.empty()) telemetry::info("kafka.ready", {{"brokers", connection_.brokers}});
    else telemetry::warn("kafka.trouble", {{"message", trouble}});
    changed_();
}

void topic_keeper::run(const std::stop_token& over) {
    for (int n = 0; !over.stop_requested(); ++n) {
        const bool was_ready = ready();
        auto found = was_ready && n % looks_between != 0 ? look_for_brokers() : look();
        const bool making = found.answered && !found.well && found.trouble.empty();
        if (over.stop_requested()) return;
        if (found.well) tell(true, drift_);
        else if (!found.answered) tell(was_ready, std::move(found.trouble));
        else if (!making) tell(false, std::move(found.trouble));
        else if (was_ready) tell(false, "topics are gone: they are made anew, and get all that the outboxes still have");
        std::unique_lock hold(mutex_);
        wake_.wait_for(hold, over, making ? while_made : between_looks, [] { return false; });
    }
}

topic_keeper::finding topic_keeper::look_for_brokers() {
    const struct rd_kafka_metadata* all = nullptr;
    const auto e = rd_kafka_metadata(client_.get(), 0, nullptr, &all, patience_ms);
    const metadata holder(all);
    if (e != RD_KAFKA_RESP_ERR_NO_ERROR) return {.trouble = does_not_answer(rd_kafka_err2str(e))};
    answered();
    return {.answered = true, .well = true};
}

// What stands between us and topics that are as they should be. Makes those that are missing.
topic_keeper::finding topic_keeper::look() {
    const struct rd_kafka_metadata* got = nullptr;
    const auto e = rd_kafka_metadata(client_.get(), 1, nullptr, &got, patience_ms);
    const metadata all(got);
    if (e != RD_KAFKA_RESP_ERR_NO_ERROR) return {.trouble = does_not_answer(rd_kafka_err2str(e))};
    answered();
    std::vector<topic> missing;
    for (const auto& t : topics_) {
        const auto* there = find(*all, t.name);
        if (!there) missing.push_back(t);
        else if (auto wrong = fault_of(*there, t); !wrong.empty()) return {.answered = true, .trouble = std::move(wrong)};
    }
    const auto wanted = to_make(missing);
    if (missing.empty()) {
        drift_ = other_retention();
        return {.answered = true, .well = true};
    }
    return {.answered = true, .trouble = wanted.empty() ? std::string{} : make(wanted)};
}

// Of those that are missing what is to be made at once; the others are awaited from now on.
std::vector<topic> topic_keeper::to_make(const std::vector<topic>& missing) {
    std::vector<topic> out;
    std::set<std::string> awaited, told;
    bool more = false;
    {
        const std::lock_guard hold(mutex_);
        for (const auto& t : missing) {
            if (t.waits && !to_be_made_.contains(t.name)) {
                more = !awaited_.contains(t.name) || more;
                awaited.insert(t.name);
            } else {
                out.push_back(t);
                if (t.waits) told.insert(t.name);
            }
        }
        awaited_ = std::move(awaited);
        to_be_made_ = std::move(told);  // what is there by now waits when it is missing again
    }
    if (more) changed_();
    return out;
}

std::string topic_keeper::make(const std::vector<topic>& missing) {
    std::vector<new_topic> wanted;
    std::vector<rd_kafka_NewTopic_t*> raw;
    for (const auto& t : missing) raw.push_back(wanted.emplace_back(described(t)).get());
    const queue answers(rd_kafka_queue_new(client_.get()));
    rd_kafka_CreateTopics(client_.get(), raw.data(), raw.size(), nullptr, answers.get());
    const client_event said(rd_kafka_queue_poll(answers.get(), patience_ms * 3));
    if (!said) return does_not_answer("no topic was made");
    if (const auto e = rd_kafka_event_error(said.get())) return fmt::format("topics cannot be made: {}", rd_kafka_err2str(e));
    std::size_t n = 0;
    const auto* results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(said.get()), &n);
    for (std::size_t i = 0; i < n; ++i) {
        const std::string name = rd_kafka_topic_result_name(results[i]);
        const auto e = rd_kafka_topic_result_error(results[i]);
        if (e == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue;
        if (e != RD_KAFKA_RESP_ERR_NO_ERROR) {
            const char* text = rd_kafka_topic_result_error_string(results[i]);
            return fmt::format("topic {} cannot be made: {}", name, text ? text : rd_kafka_err2str(e));
        }
        telemetry::info("kafka.topic_made", {{"topic", name}});
    }
    return {};
}

// Retention that is not what is set: told, and no reason to stand still.
std::string topic_keeper::other_retention() {
    std::vector<config_resource> holders;
    std::vector<rd_kafka_ConfigResource_t*> raw;
    for (const auto& t : topics_) raw.push_back(holders.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, t.name.c_str())).get());
    const queue answers(rd_kafka_queue_new(client_.get()));
    rd_kafka_DescribeConfigs(client_.get(), raw.data(), raw.size(), nullptr, answers.get());
    const client_event said(rd_kafka_queue_poll(answers.get(), patience_ms));
    if (!said || rd_kafka_event_error(said.get())) return {};
    std::size_t n = 0, entries = 0;
    const auto* found = rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(said.get()), &n);
    for (std::size_t i = 0; i < n; ++i) {
        const std::string_view name = rd_kafka_ConfigResource_name(found[i]);
        const auto t = std::ranges::find(topics_, name, &topic::name);
        const auto* all = rd_kafka_ConfigResource_configs(found[i], &entries);
        for (std::size_t k = 0; t != topics_.end() && k < entries; ++k) {
            const char* value = rd_kafka_ConfigEntry_value(all[k]);
            if (std::string_view(rd_kafka_ConfigEntry_name(all[k])) != "retention.ms" || !value) continue;
            if (value != fmt::to_string(t->retention.count()))
                return fmt::format("topic {} keeps events for {} ms and {} says {}: alter its retention.ms, or the setting", t->name, value, t->retention_setting, t->retention.count());
        }
    }
    return {};
}

}  // namespace bv::events::kafka
