#include "platform/events/kafka/protection.hpp"

#include <array>
#include <cerrno>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "platform/core/os_error.hpp"

namespace bv::events::kafka {
namespace {

// Before it, librdkafka answers SCRAM's challenge with a wrong nonce, which Kafka 4 refuses.
constexpr int right_scram = 0x020601ff;

std::unexpected<error> wrong(std::string message) { return fail(code::invalid_argument, "INVALID_SETTING", std::move(message)); }

result<void> check_login(const protection& p) {
    if (!p.has_login()) {
        if (p.user.empty()) return {};
        return wrong(fmt::format("kafka.user is given, and kafka.security={} has no login: set it to sasl_ssl", p.protocol));
    }
    if (p.user.empty()) return wrong(fmt::format("kafka.security={} needs kafka.user", p.protocol));
    if (p.password.empty())
        return wrong(fmt::format("kafka.security={} needs the password of {}: kafka.password, best as BV_KAFKA_PASSWORD in the environment, or the secret kafka.password in Vault", p.protocol, p.user));
    return {};
}

}  // namespace

result<void> check(const protection& p) {
    if (auto login = check_login(p); !login) return login;
    if (p.certificate_file.empty() != p.key_file.empty()) return wrong("kafka.certificate_file and kafka.key_file go together: one of them is missing");
    const std::array<std::pair<const char*, const std::string*>, 3> files{
        {{"kafka.ca_file", &p.ca_file}, {"kafka.certificate_file", &p.certificate_file}, {"kafka.key_file", &p.key_file}}};
    for (const auto& [setting, file] : files) {
        if (file->empty()) continue;
        if (!p.is_encrypted()) return wrong(fmt::format("{} is given, and kafka.security={} uses no TLS: set it to ssl or sasl_ssl", setting, p.protocol));
        errno = 0;
        if (!std::ifstream(*file).good()) return wrong(fmt::format("{}: \"{}\" cannot be read: {}", setting, *file, os_error()));
    }
    return {};
}

properties properties_of(const protection& p) {
    properties out{{"security.protocol", p.protocol}};
    if (p.is_encrypted() && !p.ca_file.empty()) out.emplace("ssl.ca.location", p.ca_file);
    if (p.is_encrypted() && !p.certificate_file.empty()) {
        out.emplace("ssl.certificate.location", p.certificate_file);
        out.emplace("ssl.key.location", p.key_file);
    }
    if (!p.has_login()) return out;
    out.emplace("sasl.mechanism", p.mechanism);
    out.emplace("sasl.username", p.user);
    out.emplace("sasl.password", p.password);
    return out;
}

// librdkafka tells the kinds apart by its code as far as it can, and where a peer has only hung up by what it guesses.
std::string diagnosis(const protection& p, rd_kafka_resp_err_t e, std::string_view said, int library) {
    if (e == RD_KAFKA_RESP_ERR__AUTHENTICATION) {
        if (said.contains("nsupported SASL mechanism")) return fmt::format("does not take a login by {}: set kafka.sasl_mechanism to one that it does", p.mechanism);
        const bool may_be_ours = p.mechanism.starts_with("SCRAM") && library < right_scram;
        return fmt::format("refuses the login of {}: see kafka.user, kafka.password and kafka.sasl_mechanism{}", p.user,
                           may_be_ours ? fmt::format(". Kafka 4 refuses every login by SCRAM of librdkafka before 2.6.1, and here is {}: use PLAIN over TLS, or a certificate", rd_kafka_version_str()) : "");
    }
    if (p.is_encrypted() && said.contains("alert")) return "refuses our certificate, or that there is none: see kafka.certificate_file and kafka.key_file";
    if (e == RD_KAFKA_RESP_ERR__SSL) {
        if (said.contains("PLAINTEXT")) return "speaks no TLS there: see kafka.security, or name another port in kafka.brokers";
        return "does not show a certificate that is trusted, and of the name it is called by: see kafka.ca_file and kafka.brokers";
    }
    if (!p.is_encrypted() && (e == RD_KAFKA_RESP_ERR__BAD_MSG || said.contains("SSL listener")))
        return fmt::format("does not speak without TLS there: see kafka.security, which is {}", p.protocol);
    if (!p.has_login() && said.contains("require SASL authentication")) return fmt::format("takes nobody there without a login: see kafka.security, which is {}", p.protocol);
    return {};
}

}  // namespace bv::events::kafka
