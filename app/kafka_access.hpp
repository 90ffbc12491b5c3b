// How the brokers that carry the event log are reached, as the settings say.
#pragma once

#include <string>

#include "platform/core/config.hpp"
#include "platform/core/error.hpp"
#include "platform/events/kafka/client.hpp"
#include "platform/security/secrets.hpp"

namespace bv::app {

// Of brokers that are given: with the password of kafka.password, or else the secret of that name. Throws failure INVALID_ARGUMENT
// "INVALID_SETTING" that says how to mend it, and what secrets::get does.
[[nodiscard]] events::kafka::connection kafka_connection(const config&, security::secrets&, std::string brokers);

// The private broker listens on this machine alone: INVALID_ARGUMENT "INVALID_SETTING" for settings that would protect it.
[[nodiscard]] result<void> check_private_kafka(const config&);

}  // namespace bv::app
