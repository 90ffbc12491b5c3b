#include "app/stack/surroundings.hpp"

#include <charconv>
#include <filesystem>

#include <fmt/format.h>

#include "app/stack/kafka_child.hpp"
#include "platform/core/clock.hpp"

namespace bv::stack {

namespace {

std::string required(const config& c, const char* setting, std::string_view by_whom) {
    auto given = c.get<std::string>(setting);
    if (given.empty())
        throw failure(code::failed_precondition, "SETTING_MISSING", fmt::format("{} needs {}: with peers.addresses no platform of this machine is looked for", by_whom, setting));
    return given;
}

}  // namespace

surroundings of_running(const config& c, const data_dir& dir) {
    const auto state = dir.is_locked() ? dir.read_state() : std::nullopt;
    if (!state || state->profile != "full")
        throw failure(code::failed_precondition, "NOT_RUNNING",
                      fmt::format("a role joins a platform of many processes, and none runs in {}. Start it with: bv up --profile full; or say where the other roles are, with peers.addresses", dir.path().string()));
    const auto provider = c.get<std::string>("provider.url");
    return {.provider_url = provider.empty() ? fmt::format("http://127.0.0.1:{}", state->provider_port) : provider,
            .url = state->public_url,
            .redis = state->redis.empty() ? c.get<std::vector<std::string>>("redis.endpoints") : std::vector{state->redis},
            .kafka = state->kafka,
            .registry = state->registry,
            .rabbitmq = state->rabbitmq,
            .port = state->port,
            .port_is_held = true,
            .peers = std::make_unique<app::role_directory>(dir.path(), system_clock())};
}

surroundings as_given(const config& c, const data_dir& dir, std::string_view role) {
    if (c.get<std::string>("secrets.backend") == "file" && !std::filesystem::exists(dir.path() / "secrets"))
        throw failure(code::failed_precondition, "NO_SECRETS", fmt::format("{} has no secrets: bv migrate makes them, and all roles of a platform share them", dir.path().string()));
    (void)required(c, "database.url", "every role");
    auto peers = app::parse_addresses(c.get<std::vector<std::string>>("peers.addresses"));
    if (!peers) throw failure(peers.error());
    const bool makes_or_checks_tokens = role == "identity" || role == "gateway";
    return {.provider_url = role == "payment" ? required(c, "provider.url", role) : c.get<std::string>("provider.url"),
            .url = makes_or_checks_tokens ? required(c, "http.public_url", role) : c.get<std::string>("http.public_url"),
            .redis = c.get<std::vector<std::string>>("redis.endpoints"),
            .kafka = given_brokers(c),
            .registry = c.get<std::string>("registry.url"),
            .port = c.get<std::uint16_t>("http.port"),
            .peers = std::make_unique<app::role_directory>(std::move(*peers), system_clock())};
}

result<listening_place> parse_listening_place(std::string_view text) {
    listening_place out;
    const auto colon = text.rfind(':');
    if (colon != text.npos) {
        auto host = text.substr(0, colon);
        if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
        const auto port = text.substr(colon + 1);
        const auto [end, broken] = std::from_chars(port.data(), port.data() + port.size(), out.port);
        out.address = host;
        if (!host.empty() && broken == std::errc{} && end == port.data() + port.size()) return out;
    }
    return fail(code::invalid_argument, "INVALID_SETTING", fmt::format("peers.listen: \"{}\" is not of the form 10.0.0.5:7001", text));
}

}  // namespace bv::stack
