// Typed configuration with one schema. A value comes from, weakest first: its default, a YAML file, the environment
// (BV_HTTP_PORT for http.port), the command line (http.port=8080).
//
//   config_schema schema;
//   schema.integer("http.port", 8080, {1, 65535}, "port of the public listener")
//         .duration("http.idle_timeout", 60s, {1s, 1h}, "closes a connection that asks nothing");
//   auto cfg = config::load(schema, {.file = "bv.yaml", .environment = environ_of_process, .flags = {"http.port=9090"}});
//   cfg->get<int>("http.port");
//
// Unknown keys and wrong values are refused, all at once, each with its place and what is allowed. Secrets are never printed.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "platform/core/assert.hpp"
#include "platform/core/error.hpp"

namespace bv {

enum class config_kind : std::uint8_t { boolean, integer, duration, size, text, choice, secret, list };

struct byte_count {
    std::uint64_t bytes = 0;
    friend auto operator<=>(const byte_count&, const byte_count&) = default;
};

using config_value = std::variant<bool, std::int64_t, std::chrono::milliseconds, byte_count, std::string, std::vector<std::string>>;

struct config_entry {
    std::string key;  // dotted, lower case: "http.idle_timeout"
    config_kind kind{};
    config_value standard;  // the default
    std::string description;
    std::int64_t least = std::numeric_limits<std::int64_t>::min();  // integer, duration (ms), size (bytes)
    std::int64_t most = std::numeric_limits<std::int64_t>::max();
    std::vector<std::string> allowed{};  // choice

    [[nodiscard]] std::string variable() const;  // "BV_HTTP_IDLE_TIMEOUT"
};

template <class T>
struct config_range {
    T least, most;  // inclusive
};

// Declared by code once, at start. A doubled key, two keys with one environment variable, a malformed key or a default
// outside its own range is a bug, and asserted.
class config_schema {
public:
    config_schema& boolean(std::string key, bool standard, std::string description);
    config_schema& integer(std::string key, std::int64_t standard, config_range<std::int64_t> range, std::string description);
    config_schema& duration(std::string key, std::chrono::milliseconds standard, config_range<std::chrono::milliseconds> range, std::string description);
    config_schema& size(std::string key, byte_count standard, config_range<byte_count> range, std::string description);
    config_schema& text(std::string key, std::string standard, std::string description);
    config_schema& choice(std::string key, std::string standard, std::vector<std::string> allowed, std::string description);
    // Empty by default: the code that needs it says so when it is missing.
    config_schema& secret(std::string key, std::string description);
    config_schema& list(std::string key, std::vector<std::string> standard, std::string description);
    // A BV_ variable that belongs to someone else, such as the launcher.
    config_schema& ignore_variable(std::string name);

    [[nodiscard]] const std::map<std::string, config_entry>& entries() const noexcept { return entries_; }
    [[nodiscard]] bool ignores(const std::string& variable) const noexcept;

private:
    config_schema& add(config_entry);
    std::map<std::string, config_entry> entries_;
    std::vector<std::string> ignored_;
};

struct config_sources {
    std::string file{};                      // path of a YAML file; empty for none. One that cannot be read is refused
    std::vector<std::string> environment{};  // "NAME=value" as in environ(7); what does not begin with BV_ is skipped
    std::vector<std::string> flags{};        // "key=value"; the last of a key counts
};

// Immutable after load: read from any thread.
class config {
public:
    // INVALID_ARGUMENT "CONFIG_INVALID" with one violation for each problem found.
    [[nodiscard]] static result<config> load(const config_schema&, const config_sources&);

    // bool; any integer (integer and size keys); any duration (at least as fine as it needs); std::string (text, choice,
    // secret); std::vector<std::string>. An unknown key or another type is a bug, and asserted.
    template <class T>
    [[nodiscard]] T get(std::string_view key) const;

    // "default", "bv.yaml:3", "BV_HTTP_PORT", "command line".
    [[nodiscard]] const std::string& origin(std::string_view key) const;

    // One line a key in order: "http.port = 8080  (bv.yaml:3)  port of the public listener". Secrets as ******.
    [[nodiscard]] std::string print() const;

private:
    struct setting {
        config_entry entry;
        config_value value;
        std::string origin;
    };
    friend class config_loader;
    [[nodiscard]] const setting& find(std::string_view key) const;
    [[noreturn]] static void wrong_type(std::string_view key);
    template <class V>
    [[nodiscard]] const V& as(std::string_view key) const {
        if (const auto* v = std::get_if<V>(&find(key).value)) return *v;
        wrong_type(key);
    }
    std::map<std::string, setting, std::less<>> settings_;
};

namespace detail {
template <class T>
inline constexpr bool is_duration = false;
template <class R, class P>
inline constexpr bool is_duration<std::chrono::duration<R, P>> = true;

// A text as a value of an entry's type, or what is allowed ("must be an integer from 1 to 65535").
[[nodiscard]] std::expected<config_value, std::string> parse_config_value(const config_entry&, std::string_view text);
// The value as a file would have it; parse_config_value reads it back.
[[nodiscard]] std::string config_text(const config_value&);
// The candidate nearest to a mistyped name, or empty when none is near.
[[nodiscard]] std::string nearest_name(std::string_view typed, const std::vector<std::string>& candidates);
}  // namespace detail

template <class T>
T config::get(std::string_view key) const {
    if constexpr (std::same_as<T, bool> || std::same_as<T, std::string> || std::same_as<T, std::vector<std::string>> || std::same_as<T, byte_count>) {
        return as<T>(key);
    } else if constexpr (detail::is_duration<T>) {
        return std::chrono::duration_cast<T>(as<std::chrono::milliseconds>(key));
    } else {
        static_assert(std::integral<T>, "config::get: bool, an integer, a duration, std::string or std::vector<std::string>");
        if (const auto* size = std::get_if<byte_count>(&find(key).value)) {
            BV_ASSERT(std::in_range<T>(size->bytes));
            return static_cast<T>(size->bytes);
        }
        const auto value = as<std::int64_t>(key);
        BV_ASSERT(std::in_range<T>(value));
        return static_cast<T>(value);
    }
}

}  // namespace bv
