// Topics as code: made where they are missing, also when they are lost later, and checked against what is set. And the one who asks,
// all the time, whether the brokers answer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/events/kafka/client.hpp"

namespace bv::events::kafka {

struct topic {
    std::string name;
    std::int32_t partitions = 1;
    std::int16_t replication = 1;
    milliseconds retention{0};
    const char* retention_setting = "kafka.retention";
    bool waits = false;  // while it is missing it is made only when make() says so
};

// Its calls block, so it has a thread of its own. Thread-safe.
class topic_keeper {
public:
    // changed is called on that thread whenever ready(), is_awaited() or trouble() is another.
    topic_keeper(connection, std::vector<topic>, std::function<void()> changed);
    // Waits for the call in hand: seconds at most.
    ~topic_keeper();

    void start();
    void stop() noexcept;

    // All topics are there, with as many partitions as are set.
    [[nodiscard]] bool ready() const;
    // It is missing, and waits for make(): what was sent before is lost.
    [[nodiscard]] bool is_awaited(const std::string& topic) const;
    void make(const std::string& topic);
    // Empty when all is well, else what is not and how to mend it.
    [[nodiscard]] std::string trouble() const;

private:
    static void set_up(rd_kafka_conf_t*);
    void run(const std::stop_token&);
    void listen();
    void answered();
    [[nodiscard]] std::string does_not_answer(std::string_view why);
    struct finding {
        bool answered = false;     // the brokers did
        bool well = false;         // every topic is there, and as it should be
        std::string trouble{};     // empty: topics are being made
    };
    [[nodiscard]] finding look();
    [[nodiscard]] finding look_for_brokers();
    [[nodiscard]] std::vector<topic> to_make(const std::vector<topic>& missing);
    [[nodiscard]] std::string make(const std::vector<topic>&);
    [[nodiscard]] std::string other_retention();
    void tell(bool ready, std::string trouble);

    const connection connection_;
    const std::vector<topic> topics_;
    const std::function<void()> changed_;
    client client_;
    struct broken {
        rd_kafka_resp_err_t code;
        std::string why;
    };
    std::map<std::string, broken, std::less<>> broken_;  // of the thread alone: what the client last said of each connection, since an answer
    std::string drift_;  // of the thread alone: what it found when the topics were there
    mutable std::mutex mutex_;
    std::condition_variable_any wake_;
    bool ready_ = false;
    std::set<std::string> awaited_;    // of topics that wait: missing, and not told of
    std::set<std::string> to_be_made_;
    std::string trouble_;
    std::jthread thread_;
};

}  // namespace bv::events::kafka
