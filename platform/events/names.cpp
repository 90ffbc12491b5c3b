#include "platform/events/names.hpp"

#include <algorithm>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "platform/core/error.hpp"

namespace bv::events {
namespace {

std::string replace_all(std::string_view text, std::string_view with) {
    std::string out;
    while (true) {
        const auto at = text.find("{}");
        out += text.substr(0, at);
        if (at == std::string_view::npos) return out;
        out += with;
        text.remove_prefix(at + 2);
    }
}

}  // namespace

void check_service_name(std::string_view service) {
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
    if (service.empty() || service.size() > 48 || service[0] < 'a' || service[0] > 'z' || !std::ranges::all_of(service, fits))
        throw failure(code::invalid_argument, "BAD_NAME",
                      fmt::format("\"{}\" names no service: use 1 to 48 of a-z, 0-9 and _, a letter first", service));
}

pg::statement statement_for(std::string_view schema, std::string_view name, std::string_view sql) {
    struct text {
        std::string sql;
    };
    static std::mutex mutex;
    // Never destroyed: connections may outlive static objects.
    static auto& texts = *new std::map<std::string, text>;  // node-based: views into it stay valid
    check_service_name(schema);
    const std::string full = fmt::format("{}.{}", schema, name);
    std::lock_guard lock(mutex);
    auto it = texts.find(full);
    if (it == texts.end()) it = texts.emplace(full, text{replace_all(sql, fmt::format("\"{}\"", schema))}).first;
    return {it->first, it->second.sql};
}

}  // namespace bv::events
