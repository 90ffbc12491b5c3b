#include "app/kafka_access.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace bv::app {

namespace {

constexpr const char* password_setting = "kafka.password";

// Properties that have a setting: so a password is never printed, and what is wrong is told in one language.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> with_settings{{{"bootstrap.servers", "kafka.brokers"},
                                                                                      {"security.protocol", "kafka.security"},
                                                                                      {"ssl.ca.location", "kafka.ca_file"},
                                                                                      {"ssl.certificate.location", "kafka.certificate_file"},
                                                                                      {"ssl.key.location", "kafka.key_file"},
                                                                                      {"sasl.mechanism", "kafka.sasl_mechanism"},
                                                                                      {"sasl.mechanisms", "kafka.sasl_mechanism"},
                                                                                      {"sasl.username", "kafka.user"},
                                                                                      {"sasl.password", password_setting}}};

[[noreturn]] void refuse(const std::string& message) { throw failure(code::invalid_argument, "INVALID_SETTING", message); }

events::kafka::properties more_properties(const config& c) {
    events::kafka::properties out;
    for (const auto& one : c.get<std::vector<std::string>>("kafka.client")) {
        const auto equals = one.find('=');
        if (equals == one.npos) refuse(fmt::format("kafka.client: \"{}\" is not of the form linger.ms=5", one));
        const auto name = one.substr(0, equals);
        const auto* const own = std::ranges::find(with_settings, name, [](const auto& p) { return p.first; });
        if (own != with_settings.end()) refuse(fmt::format("kafka.client: {} has a setting of its own: {}", name, own->second));
        out.emplace(name, one.substr(equals + 1));
    }
    return out;
}

std::string password_of(const config& c, security::secrets& s) {
    if (auto given = c.get<std::string>(password_setting); !given.empty()) return given;
    auto kept = s.get(password_setting);
    return kept ? std::move(*kept) : std::string{};
}

}  // namespace

events::kafka::connection kafka_connection(const config& c, security::secrets& s, std::string brokers) {
    events::kafka::connection out{std::move(brokers), {}, more_properties(c)};
    auto& p = out.security;
    p.protocol = c.get<std::string>("kafka.security");
    p.ca_file = c.get<std::string>("kafka.ca_file");
    p.certificate_file = c.get<std::string>("kafka.certificate_file");
    p.key_file = c.get<std::string>("kafka.key_file");
    p.mechanism = c.get<std::string>("kafka.sasl_mechanism");
    p.user = c.get<std::string>("kafka.user");
    if (p.has_login()) p.password = password_of(c, s);
    if (const auto checked = check(p); !checked) throw failure(checked.error());
    return out;
}

result<void> check_private_kafka(const config& c) {
    if (c.get<std::string>("kafka.security") == "plaintext" && c.get<std::string>("kafka.user").empty()) return {};
    return fail(code::invalid_argument, "INVALID_SETTING",
                "kafka.security and kafka.user are of brokers that kafka.brokers names, and none are named: the private broker listens on this machine alone, without TLS and logins");
}

}  // namespace bv::app
