#include "platform/telemetry/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "platform/core/assert.hpp"
#include "platform/telemetry/process_metrics.hpp"

namespace bv::telemetry {

namespace {

constexpr std::size_t max_series = 1000;
constexpr std::string_view overflow_labels = "overflow=\"true\"";

using reader = std::function<double()>;
using series = std::variant<std::unique_ptr<counter>, std::unique_ptr<gauge>, std::unique_ptr<histogram>, reader>;

struct family {
    std::string help;
    std::string_view type;
    bool observed = false;
    std::map<std::string, series, std::less<>> all;  // by rendered labels
};

struct registry {
    std::mutex mutex;
    std::map<std::string, family, std::less<>> families;
};

// Never destroyed: handles live as long as the process, and threads may use them until its very end.
registry& the_registry() {
    static auto* const instance = new registry;
    return *instance;
}

bool valid_name(std::string_view name, bool colons) noexcept {
    const auto letter = [colons](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':');
    };
    return !name.empty() && letter(name.front()) &&
           std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
    for (const char c : text) {
        if (c == '\\') out += "\\\\";
        else if (c == '\n') out += "\\n";
        else if (c == '"' && quotes) out += "\\\"";
        else out += c;
    }
}

// route="/v1/orders",status="2xx", in the order of the names.
std::string render(labels ls) {
    std::vector<std::pair<std::string_view, std::string_view>> sorted(ls);
    std::ranges::sort(sorted);
    std::string out;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        BV_ASSERT(valid_name(sorted[i].first, false) && !sorted[i].first.starts_with("__") && sorted[i].first != "le");
        BV_ASSERT(i == 0 || sorted[i].first != sorted[i - 1].first);
        if (i > 0) out += ',';
        out.append(sorted[i].first).append("=\"");
        append_escaped(out, sorted[i].second, true);
        out += '"';
    }
    return out;
}

family& family_of(registry& r, std::string_view name, std::string_view help, std::string_view type, bool observed) {
    auto found = r.families.find(name);
    if (found == r.families.end()) {
        BV_ASSERT(valid_name(name, true));
        found = r.families.emplace(name, family{std::string(help), type, observed, {}}).first;
    }
    BV_ASSERT(found->second.type == type && found->second.observed == observed);
    return found->second;
}

template <class Metric>
Metric& find_or_add(std::string_view name, std::string_view help, std::string_view type, labels ls) {
    std::string key = render(ls);
    registry& r = the_registry();
    const std::scoped_lock lock(r.mutex);
    family& f = family_of(r, name, help, type, false);
    auto found = f.all.find(key);
    if (found == f.all.end()) {
        if (f.all.size() >= max_series) key = overflow_labels;
        found = f.all.try_emplace(std::move(key), std::make_unique<Metric>()).first;
    }
    return *std::get<std::unique_ptr<Metric>>(found->second);
}

void append_value(std::string& out, double value) {
    if (std::isnan(value)) out += "NaN";
    else if (std::isinf(value)) out += value > 0 ? "+Inf" : "-Inf";
    else fmt::format_to(std::back_inserter(out), "{}", value);
}

void append_sample(std::string& out, std::string_view name, std::string_view suffix, std::string_view ls, double value) {
    out.append(name).append(suffix);
    if (!ls.empty()) out.append("{").append(ls).append("}");
    out += ' ';
    append_value(out, value);
    out += '\n';
}

struct sample_writer {
    std::string& out;
    std::string_view name;
    std::string_view ls;

    void operator()(const std::unique_ptr<counter>& c) const {
        out.append(name);
        if (!ls.empty()) out.append("{").append(ls).append("}");
        fmt::format_to(std::back_inserter(out), " {}\n", c->value());
    }
    void operator()(const std::unique_ptr<gauge>& g) const { append_sample(out, name, {}, ls, g->value()); }
    void operator()(const reader& read) const {
        double value = 0;
        try {
            value = read();
        } catch (...) {
            value = std::nan("");  // one broken reader does not hide all other metrics
        }
        append_sample(out, name, {}, ls, value);
    }
    void operator()(const std::unique_ptr<histogram>& h) const {
        const std::string before = ls.empty() ? std::string() : std::string(ls) + ",";
        std::uint64_t below = 0;
        for (int i = 0; i <= histogram::buckets; ++i) {
            below += h->bucket(i);
            out.append(name).append("_bucket{").append(before).append("le=\"");
            if (i == histogram::buckets) out += "+Inf";
            else append_value(out, histogram::bounds()[i]);
            fmt::format_to(std::back_inserter(out), "\"}} {}\n", below);
        }
        append_sample(out, name, "_sum", ls, h->sum());
        // The count is that of the buckets just written, though others observe meanwhile.
        out.append(name).append("_count");
        if (!ls.empty()) out.append("{").append(ls).append("}");
        fmt::format_to(std::back_inserter(out), " {}\n", below);
    }
};

}  // namespace

counter& count(std::string_view name, std::string_view help, labels ls) {
    return find_or_add<counter>(name, help, "counter", ls);
}
gauge& measure(std::string_view name, std::string_view help, labels ls) {
    return find_or_add<gauge>(name, help, "gauge", ls);
}
histogram& time(std::string_view name, std::string_view help, labels ls) {
    return find_or_add<histogram>(name, help, "histogram", ls);
}

void observe(std::string_view name, std::string_view help, std::function<double()> read, labels ls) {
    std::string key = render(ls);
    registry& r = the_registry();
    const std::scoped_lock lock(r.mutex);
    family_of(r, name, help, "gauge", true).all.insert_or_assign(std::move(key), std::move(read));
}

void forget(std::string_view name, labels ls) {
    const std::string key = render(ls);
    registry& r = the_registry();
    const std::scoped_lock lock(r.mutex);
    const auto found = r.families.find(name);
    if (found == r.families.end() || !found->second.observed) return;
    found->second.all.erase(key);
    if (found->second.all.empty()) r.families.erase(found);
}

std::string exposition() {
    std::string out;
    append_process_metrics(out);
    registry& r = the_registry();
    const std::scoped_lock lock(r.mutex);
    for (const auto& [name, f] : r.families) {
        out.append("# HELP ").append(name).append(" ");
        append_escaped(out, f.help, false);
        out.append("\n# TYPE ").append(name).append(" ").append(f.type).append("\n");
        for (const auto& [ls, metric] : f.all) std::visit(sample_writer{out, name, ls}, metric);
    }
    return out;
}

}  // namespace bv::telemetry
