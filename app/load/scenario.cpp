// scenario: its YAML.
#include "app/load/scenario.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace bv::load {

namespace {

constexpr std::array placeholders{"sku", "category", "word", "lines", "order", "n", "email", "password"};

std::unexpected<error> wrong(std::string what) { return fail(code::invalid_argument, "SCENARIO_INVALID", std::move(what)); }

template <class Range>
std::string listed(const Range& names) { return fmt::format("{}", fmt::join(names, ", ")); }

class reader {
public:
    reader(std::string name, std::filesystem::path folder) : folder_(std::move(folder)) { out_.name = std::move(name); }

    result<scenario> read(const std::string& text) {
        try {
            const auto root = YAML::Load(text);
            if (!root.IsMap()) return wrong(out_.name + " must be a map of keys to values; bv load --print calls shows one");
            for (const auto& pair : root) top(pair.first.as<std::string>(), pair.second);
        } catch (const YAML::Exception& e) {
            return wrong(fmt::format("{}:{}: {}", out_.name, e.mark.line + 1, e.msg));
        } catch (const failure& f) {
            return std::unexpected(f.error());
        }
        if (out_.calls.empty()) return wrong(out_.name + " names no call: it needs \"calls:\" with at least one");
        return std::move(out_);
    }

private:
    [[noreturn]] void refuse(const YAML::Node& at, const std::string& what) const {
        throw failure(wrong(fmt::format("{}:{}: {}", out_.name, at.Mark().line + 1, what)).error());
    }

    void top(const std::string& key, const YAML::Node& value) {
        if (key == "rate") out_.rate = number(key, value, 0.01, 1'000'000);
        else if (key == "callers") out_.callers = static_cast<int>(number(key, value, 1, 10'000));
        else if (key == "shoppers") out_.shoppers = static_cast<int>(number(key, value, 1, 1'000));
        else if (key == "duration") out_.duration = time(key, value);
        else if (key == "warm_up") out_.warm_up = time(key, value);
        else if (key == "calls") calls(value);
        else refuse(value, fmt::format("there is no key {}; known are rate, callers, duration, warm_up, shoppers and calls", key));
    }

    double number(const std::string& key, const YAML::Node& value, double least, double most) const {
        double out = 0;
        if (!value.IsScalar() || !YAML::convert<double>::decode(value, out) || !(out >= least && out <= most)) refuse(value, fmt::format("{} must be a number from {} to {}", key, least, most));
        return out;
    }
    std::chrono::nanoseconds time(const std::string& key, const YAML::Node& value) const {
        const auto out = parse_duration(value.IsScalar() ? value.Scalar() : std::string{});
        if (!out) refuse(value, key + " " + out.error().message);
        return *out;
    }
    std::string text(const std::string& key, const YAML::Node& value) const {
        if (!value.IsScalar()) refuse(value, key + " must be a text");
        return value.Scalar();
    }

    void calls(const YAML::Node& all) {
        if (!all.IsMap()) refuse(all, "calls must be a map of names to weights, such as \"read-product: 40\"");
        for (const auto& pair : all) {
            const auto name = pair.first.as<std::string>();
            out_.calls.push_back(pair.second.IsMap() ? own(name, pair.second) : known(name, pair.first, pair.second));
        }
    }

    call known(const std::string& name, const YAML::Node& at, const YAML::Node& weight) const {
        const auto all = builtin_calls();
        const auto found = std::ranges::find(all, name, &call::name);
        if (found == all.end()) {
            std::vector<std::string> names;
            for (const auto& c : all) names.push_back(c.name);
            refuse(at, fmt::format("there is no call {} built in; there are {}. A call of your own is a map with verb, target and weight", name, listed(names)));
        }
        auto out = *found;
        out.weight = number(name, weight, 0.001, 1'000'000);
        return out;
    }

    call own(const std::string& name, const YAML::Node& all) const {
        call out{.name = name};
        for (const auto& pair : all) {
            const auto key = pair.first.as<std::string>();
            const auto& value = pair.second;
            if (key == "weight") out.weight = number(key, value, 0.001, 1'000'000);
            else if (key == "verb") out.verb = verb(value);
            else if (key == "target") out.target = checked(text(key, value), value);
            else if (key == "body") out.bodies = {checked(text(key, value), value)};
            else if (key == "bodies") out.bodies = lines_of(folder_ / text(key, value), value);
            else if (key == "as") out.as = who(value);
            else if (key == "headers") out.headers = headers(value);
            else if (key == "key") out.keyed = value.as<bool>();
            else refuse(value, fmt::format("{} has no key {}; known are weight, verb, target, body, bodies, headers, as and key", name, key));
        }
        if (!out.target.starts_with('/')) refuse(all, name + " needs a target that begins with /");
        return out;
    }

    http::verb verb(const YAML::Node& value) const {
        const auto out = http::parse_verb(text("verb", value));
        if (out == http::verb::other) refuse(value, "verb must be GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS");
        return out;
    }
    caller who(const YAML::Node& value) const {
        const auto name = text("as", value);
        if (name == "anyone") return caller::anyone;
        if (name == "shopper") return caller::shopper;
        if (name == "importer") return caller::importer;
        refuse(value, "as must be anyone, shopper or importer");
    }
    std::vector<std::pair<std::string, std::string>> headers(const YAML::Node& all) const {
        if (!all.IsMap()) refuse(all, "headers must be a map of names to texts");
        std::vector<std::pair<std::string, std::string>> out;
        for (const auto& pair : all) out.emplace_back(pair.first.as<std::string>(), text("a header", pair.second));
        return out;
    }
    // {word} that is no placeholder would be sent as it stands: a mistake of the scenario's author. JSON's braces are followed by a quote or a space.
    std::string checked(std::string text, const YAML::Node& at) const {
        for (auto open = text.find('{'); open != text.npos; open = text.find('{', open + 1)) {
            const auto close = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", open + 1);
            if (close == text.npos || close == open + 1 || text[close] != '}') continue;
            const auto name = text.substr(open + 1, close - open - 1);
            if (std::ranges::find(placeholders, name) == placeholders.end()) refuse(at, fmt::format("there is no placeholder {{{}}}; known are {}", name, listed(placeholders)));
        }
        return text;
    }
    std::vector<std::string> lines_of(const std::filesystem::path& file, const YAML::Node& at) const {
        std::ifstream in(file);
        std::vector<std::string> out;
        for (std::string line; std::getline(in, line);)
            if (!line.empty()) out.push_back(std::move(line));
        if (out.empty()) refuse(at, file.string() + " cannot be read or has no line: bodies names a file with one body a line");
        return out;
    }

    scenario out_;
    std::filesystem::path folder_;
};

}  // namespace

bool scenario::needs(std::string_view placeholder) const {
    return std::ranges::any_of(calls, [&](const call& c) {
        return c.is_journey || c.target.contains(placeholder) || std::ranges::any_of(c.bodies, [&](const auto& b) { return b.contains(placeholder); });
    });
}

result<scenario> parse_scenario(const std::string& text, const std::string& name, const std::filesystem::path& folder) { return reader(name, folder).read(text); }

result<scenario> find_scenario(const std::string& name_or_file) {
    for (const auto& b : builtin_scenarios())
        if (b.name == name_or_file) return parse_scenario(std::string(b.text), name_or_file);
    std::ifstream in(name_or_file, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf())) {
        std::vector<std::string_view> names;
        for (const auto& b : builtin_scenarios()) names.push_back(b.name);
        return wrong(fmt::format("there is no scenario {0} built in ({1}), and no file {0} that can be read", name_or_file, listed(names)));
    }
    const std::filesystem::path path(name_or_file);
    return parse_scenario(text.str(), path.filename().string(), path.has_parent_path() ? path.parent_path() : ".");
}

result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, double>, 4> units{{{"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
    double value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
    const auto found = std::ranges::find(units, unit, &std::pair<std::string_view, double>::first);
    if (problem != std::errc{} || found == units.end() || !(value >= 0) || value * found->second > 24 * 3600e9)
        return fail(code::invalid_argument, "DURATION_INVALID", fmt::format("must be a time such as 500ms, 30s, 2m or 1h, at most 24h; \"{}\" is none", text));
    return std::chrono::nanoseconds(static_cast<std::int64_t>(value * found->second));
}

}  // namespace bv::load
