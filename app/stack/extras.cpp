#include "app/stack/extras.hpp"

#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "platform/rpc/nearest.hpp"

namespace bv::stack {

namespace {

struct extra {
    std::string_view name;
    bool extras::*wanted;
    bool watches = false;
};
constexpr extra known[] = {{"kafka", &extras::kafka},
                           {"rabbitmq", &extras::rabbitmq},
                           {"redis", &extras::redis},
                           {"registry", &extras::registry},
                           {"vault", &extras::vault},
                           {"jaeger", &extras::jaeger, true},
                           {"collector", &extras::collector, true},
                           {"prometheus", &extras::prometheus, true},
                           {"alertmanager", &extras::alertmanager, true},
                           {"victoria-metrics", &extras::victoria_metrics, true},
                           {"victoria-logs", &extras::victoria_logs, true}};
constexpr std::string_view all_that_watch = "observability";

result<void> add(std::string_view name, extras& to) {
    std::vector<std::string_view> names{all_that_watch};
    bool found = false;
    for (const auto& e : known) {
        names.push_back(e.name);
        if (e.name != name && !(e.watches && name == all_that_watch)) continue;
        to.*e.wanted = found = true;
    }
    if (found) return {};
    const auto near = nearest(name, names);
    return fail(code::invalid_argument, "UNKNOWN_EXTRA",
                fmt::format("--with: there is no \"{}\"{}; there is: {}", name, near.empty() ? "" : fmt::format(" (did you mean {}?)", near), fmt::join(names, ", ")));
}

}  // namespace

result<extras> parse_extras(std::span<const std::string> names) {
    extras out;
    for (std::string_view list : names) {
        while (!list.empty()) {
            const auto comma = list.find(',');
            if (auto added = add(list.substr(0, comma), out); !added) return std::unexpected(std::move(added.error()));
            list = comma == list.npos ? std::string_view{} : list.substr(comma + 1);
        }
    }
    return out;
}

}  // namespace bv::stack
