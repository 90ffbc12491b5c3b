// Reads the sources of a configuration and reports every problem at once.
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <yaml-cpp/yaml.h>

#include "platform/core/config.hpp"

namespace bv {

class config_loader {
public:
    explicit config_loader(const config_schema& schema) : schema_(schema) {
        for (const auto& [key, e] : schema.entries()) out_.settings_.emplace(key, config::setting{e, e.standard, "default"});
    }

    void read_file(const std::string& path) {
        const auto name = std::filesystem::path(path).filename().string();
        std::ifstream in(path, std::ios::binary);
        std::ostringstream text;
        if (!in || (in.peek() != std::ifstream::traits_type::eof() && !(text << in.rdbuf())))
            return problem(path, "the configuration file " + path + " cannot be read: check that it exists and its permissions");
        try {
            const auto root = YAML::Load(text.str());
            if (!root.IsDefined() || root.IsNull()) return;
            if (!root.IsMap()) return problem(name, name + " must be a map of keys to values");
            walk(root, "", name);
        } catch (const YAML::Exception& e) {
            problem(name, name + ":" + std::to_string(e.mark.line + 1) + ": is not valid YAML: " + e.msg);
        }
    }

    void read_environment(const std::vector<std::string>& environment) {
        std::map<std::string, std::string> keys;  // variable → key
        for (const auto& [key, e] : schema_.entries()) keys.emplace(e.variable(), key);
        for (const auto& line : environment) {
            const auto equals = line.find('=');
            if (!line.starts_with("BV_") || equals == std::string::npos) continue;
            const auto variable = line.substr(0, equals);
            if (schema_.ignores(variable)) continue;
            if (const auto it = keys.find(variable); it != keys.end())
                set(it->second, line.substr(equals + 1), variable, variable);
            else
                unknown(variable, "environment variable " + variable, "in the environment", names(keys));
        }
    }

    void read_flags(const std::vector<std::string>& flags) {
        for (const auto& flag : flags) {
            const auto equals = flag.find('=');
            const auto key = flag.substr(0, equals);
            if (!schema_.entries().contains(key))
                unknown(key, "key " + key, "on the command line", names(schema_.entries()));
            else if (equals == std::string::npos)
                problem(key, key + " on the command line has no value: write " + key + "=value");
            else
                set(key, flag.substr(equals + 1), "command line", "command line");
        }
    }

    result<config> finish() {
        if (problems_.empty()) return std::move(out_);
        std::string message = "the configuration has " + std::to_string(problems_.size()) + (problems_.size() == 1 ? " problem:" : " problems:");
        for (const auto& p : problems_) message += "\n  " + p.description;
        return std::unexpected(error{code::invalid_argument, "CONFIG_INVALID", std::move(message), std::move(problems_), {}});
    }

private:
    static std::string dotted(const std::string& section, const std::string& name) { return section.empty() ? name : section + "." + name; }

    template <class Map>
    static std::vector<std::string> names(const Map& map) {
        std::vector<std::string> out;
        for (const auto& [name, value] : map) out.push_back(name);
        return out;
    }

    void problem(std::string field, std::string description) { problems_.push_back({std::move(field), std::move(description)}); }

    void unknown(const std::string& field, const std::string& what, const std::string& where, const std::vector<std::string>& candidates) {
        const auto near = detail::nearest_name(field, candidates);
        problem(field, "unknown " + what + " " + where + (near.empty() ? "" : "; did you mean " + near + "?"));
    }

    void set(const std::string& key, std::string_view text, const std::string& origin, const std::string& place) {
        auto& s = out_.settings_.find(key)->second;
        auto value = detail::parse_config_value(s.entry, text);
        if (!value) return problem(key, place + ": " + key + " " + value.error() + ", not \"" + std::string(text) + "\"");
        s.value = std::move(*value);
        s.origin = origin;
    }

    void walk(const YAML::Node& map, const std::string& section, const std::string& file) {
        for (const auto& pair : map) {
            const std::string place = file + ":" + std::to_string(pair.first.Mark().line + 1);
            if (!pair.first.IsScalar()) {
                problem(section, place + ": a key must be a plain name");
                continue;
            }
            const auto key = dotted(section, pair.first.Scalar());
            if (schema_.entries().contains(key)) {
                if (!in_file_.insert(key).second)
                    problem(key, place + ": " + key + " is given twice");
                else
                    set_node(key, pair.second, place);
            } else if (pair.second.IsMap() && is_section(key)) {
                walk(pair.second, key, file);
            } else if (is_section(key) && pair.second.IsNull()) {
                continue;  // a section with every line commented out
            } else {
                unknown(key, "key " + key, "in " + file + " line " + std::to_string(pair.first.Mark().line + 1), names(schema_.entries()));
            }
        }
    }

    [[nodiscard]] bool is_section(const std::string& key) const {
        const auto it = schema_.entries().lower_bound(key + ".");
        return it != schema_.entries().end() && it->first.starts_with(key + ".");
    }

    void set_node(const std::string& key, const YAML::Node& node, const std::string& place) {
        auto& s = out_.settings_.find(key)->second;
        if (s.entry.kind == config_kind::list && node.IsSequence()) {
            std::vector<std::string> items;
            for (const auto& item : node) {
                if (!item.IsScalar()) return problem(key, place + ": " + key + " must be a list of plain texts");
                items.push_back(item.Scalar());
            }
            s.value = std::move(items);
            s.origin = place;
            return;
        }
        if (node.IsScalar()) return set(key, node.Scalar(), place, place);
        // Only what is allowed is said: an empty node and a nested one have no text to quote.
        const auto allowed = detail::parse_config_value(s.entry, "");
        const auto expects = s.entry.kind == config_kind::list ? "must be a list of plain texts" : allowed ? "must be a plain text" : allowed.error();
        problem(key, place + ": " + key + " " + expects + (node.IsNull() ? ", and is empty" : ""));
    }

    const config_schema& schema_;
    config out_;
    std::set<std::string> in_file_;
    std::vector<field_violation> problems_;
};

result<config> config::load(const config_schema& schema, const config_sources& from) {
    config_loader loader(schema);
    if (!from.file.empty()) loader.read_file(from.file);
    loader.read_environment(from.environment);
    loader.read_flags(from.flags);
    return loader.finish();
}

}  // namespace bv
