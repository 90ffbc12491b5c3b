// What clients and brokers show each other, and whether what passes between them can be read on the way: TLS and SASL, in the
// platform's settings' words.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <librdkafka/rdkafka.h>

#include "platform/core/error.hpp"

namespace bv::events::kafka {

using properties = std::map<std::string, std::string>;  // librdkafka's names

struct protection {
    std::string protocol = "plaintext";       // ssl, sasl_plaintext, sasl_ssl
    std::string ca_file{};                    // PEM of the authority that the brokers' certificates are checked with; empty: the system's
    std::string certificate_file{}, key_file{};  // PEM of ours, where brokers ask for one
    std::string mechanism = "PLAIN";          // SCRAM-SHA-256, SCRAM-SHA-512
    std::string user{}, password{};

    [[nodiscard]] bool is_encrypted() const noexcept { return protocol.ends_with("ssl"); }
    [[nodiscard]] bool has_login() const noexcept { return protocol.starts_with("sasl"); }
};

// INVALID_ARGUMENT "INVALID_SETTING" naming what is missing, does not go together, or is a file that cannot be read.
[[nodiscard]] result<void> check(const protection&);

[[nodiscard]] properties properties_of(const protection&);

// Why a broker is not spoken with, and how to mend it, from what librdkafka says of a connection; empty: for no reason of protection.
// It follows the broker's name: "refuses the login of …". library: librdkafka's version.
[[nodiscard]] std::string diagnosis(const protection&, rd_kafka_resp_err_t, std::string_view said, int library = rd_kafka_version());

}  // namespace bv::events::kafka
