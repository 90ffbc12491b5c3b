#include "platform/core/config.hpp"

#include <algorithm>

namespace bv {
namespace {

bool is_key(std::string_view key) noexcept {
    if (key.empty() || key.front() == '.' || key.back() == '.') return false;
    return std::ranges::all_of(key, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_'; });
}

[[noreturn]] void bug(const std::string& what) { assertion_failed(what.c_str(), __FILE__, __LINE__); }

}  // namespace

std::string config_entry::variable() const {
    std::string out = "BV_";
    for (const char c : key) out += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return out;
}

config_schema& config_schema::add(config_entry e) {
    if (!is_key(e.key)) bug("config key '" + e.key + "' is malformed: lower case letters, digits, _ and dots");
    if (e.description.empty()) bug("config key " + e.key + " has no description");
    // A secret's default is empty, and so may a list's be; everything else must accept its own default.
    if (e.kind != config_kind::secret && e.kind != config_kind::list && e.kind != config_kind::text)
        if (const auto ok = detail::parse_config_value(e, detail::config_text(e.standard)); !ok) bug("default of config key " + e.key + " " + ok.error());
    for (const auto& [key, other] : entries_)
        if (other.variable() == e.variable()) bug("config keys " + key + " and " + e.key + " collide");
    auto key = e.key;
    entries_.emplace(std::move(key), std::move(e));
    return *this;
}

config_schema& config_schema::boolean(std::string key, bool standard, std::string description) {
    return add({std::move(key), config_kind::boolean, standard, std::move(description)});
}

config_schema& config_schema::integer(std::string key, std::int64_t standard, config_range<std::int64_t> range, std::string description) {
    return add({std::move(key), config_kind::integer, standard, std::move(description), range.least, range.most});
}

config_schema& config_schema::duration(std::string key, std::chrono::milliseconds standard, config_range<std::chrono::milliseconds> range,
                                       std::string description) {
    return add({std::move(key), config_kind::duration, standard, std::move(description), range.least.count(), range.most.count()});
}

config_schema& config_schema::size(std::string key, byte_count standard, config_range<byte_count> range, std::string description) {
    return add({std::move(key), config_kind::size, standard, std::move(description), static_cast<std::int64_t>(range.least.bytes),
                static_cast<std::int64_t>(range.most.bytes)});
}

config_schema& config_schema::text(std::string key, std::string standard, std::string description) {
    return add({std::move(key), config_kind::text, std::move(standard), std::move(description)});
}

config_schema& config_schema::choice(std::string key, std::string standard, std::vector<std::string> allowed, std::string description) {
    config_entry e{std::move(key), config_kind::choice, std::move(standard), std::move(description)};
    e.allowed = std::move(allowed);
    return add(std::move(e));
}

config_schema& config_schema::secret(std::string key, std::string description) {
    return add({std::move(key), config_kind::secret, std::string(), std::move(description)});
}

config_schema& config_schema::list(std::string key, std::vector<std::string> standard, std::string description) {
    return add({std::move(key), config_kind::list, std::move(standard), std::move(description)});
}

config_schema& config_schema::ignore_variable(std::string name) {
    ignored_.push_back(std::move(name));
    return *this;
}

bool config_schema::ignores(const std::string& variable) const noexcept { return std::ranges::find(ignored_, variable) != ignored_.end(); }

const config::setting& config::find(std::string_view key) const {
    const auto it = settings_.find(key);
    if (it == settings_.end()) bug("config key " + std::string(key) + " is not in the schema");
    return it->second;
}

void config::wrong_type(std::string_view key) { bug("config key " + std::string(key) + " is read as another type than the schema's"); }

const std::string& config::origin(std::string_view key) const { return find(key).origin; }

std::string config::print() const {
    std::string out;
    for (const auto& [key, s] : settings_) {
        std::string shown = detail::config_text(s.value);
        if (s.entry.kind == config_kind::secret && !shown.empty()) shown = "******";
        out += key + " = " + shown + "  (" + s.origin + ")  " + s.entry.description + "\n";
    }
    return out;
}

}  // namespace bv
