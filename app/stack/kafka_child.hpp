// Kafka, when the event log is carried by it: the brokers that are given, or a private one as a child process of the platform.
#pragma once

#include <memory>
#include <string>

#include "app/stack/data_dir.hpp"
#include "app/stack/restart_pause.hpp"
#include "platform/core/config.hpp"
#include "platform/events/kafka/broker.hpp"
#include "platform/security/secrets.hpp"

namespace bv::stack {

class kafka_child {
public:
    // Launches the private broker when the settings ask for one. It answers some seconds later, and nothing needs to wait for it but
    // who wants all of the platform. Throws what broker::launch does; of brokers that are given, what app::kafka_connection does.
    void launch(const config&, const data_dir&, security::secrets&);
    [[nodiscard]] bool started() const noexcept { return broker_ != nullptr; }
    // True once it answers. Throws failure UNAVAILABLE "KAFKA_START" when it has ended instead, or takes too long.
    [[nodiscard]] bool is_up();
    // Launches it again when it has ended by itself, on the same port and with what it keeps. True when it did.
    bool tend();
    void stop() noexcept;

    [[nodiscard]] pid_t pid() const noexcept { return broker_ ? broker_->pid() : 0; }
    // "host:port,…" of whichever it is; empty: the log is the embedded one.
    [[nodiscard]] const std::string& brokers() const noexcept { return brokers_; }

private:
    std::unique_ptr<events::kafka::broker> broker_;
    restart_pause pause_;
    std::string brokers_;
};

// Whether the event log is carried by Kafka.
[[nodiscard]] bool is_kafka_wanted(const config&);
// The brokers of kafka.brokers, when the event log is carried by Kafka; empty: none are given.
[[nodiscard]] std::string given_brokers(const config&);

}  // namespace bv::stack
