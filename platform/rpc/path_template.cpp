#include "platform/rpc/path_template.hpp"

namespace bv::rpc {
namespace {

// Segments of "orders/*"; false when one is empty.
bool add_segments(std::string_view text, path_template& out) {
    while (true) {
        const auto slash = text.find('/');
        const auto part = text.substr(0, slash);
        if (part.empty() || part.find_first_of("{}") != part.npos) return false;
        if (part == "*") out.segments.push_back({path_template::kind::any});
        else if (part == "**") out.segments.push_back({path_template::kind::rest});
        else out.segments.push_back({path_template::kind::text, std::string(part)});
        if (slash == text.npos) return true;
        text.remove_prefix(slash + 1);
    }
}

bool add_variable(std::string_view inside, path_template& out) {
    const auto equals = inside.find('=');
    const std::size_t first = out.segments.size();
    const auto field = inside.substr(0, equals);
    if (field.empty() || !add_segments(equals == inside.npos ? "*" : inside.substr(equals + 1), out)) return false;
    const bool is_rest = out.segments.back().kind == path_template::kind::rest;
    out.variables.push_back({std::string(field), first, is_rest ? path_template::to_the_end : out.segments.size()});
    return true;
}

}  // namespace

std::optional<path_template> path_template::parse(std::string_view text) {
    path_template out;
    if (text.empty() || text.front() != '/') return std::nullopt;
    const auto colon = text.rfind(':');
    if (colon != text.npos && text.find_first_of("/}", colon) == text.npos) {
        out.verb = text.substr(colon + 1);
        if (out.verb.empty()) return std::nullopt;
        text = text.substr(0, colon);
    }
    while (!text.empty()) {
        text.remove_prefix(1);  // the slash
        if (text.starts_with('{')) {
            const auto close = text.find('}');
            if (close == text.npos || !add_variable(text.substr(1, close - 1), out)) return std::nullopt;
            text.remove_prefix(close + 1);
            if (!text.empty() && text.front() != '/') return std::nullopt;
            continue;
        }
        const auto part = text.substr(0, text.find('/'));
        if (!add_segments(part, out)) return std::nullopt;
        text.remove_prefix(part.size());
    }
    for (std::size_t i = 0; i + 1 < out.segments.size(); ++i)
        if (out.segments[i].kind == kind::rest) return std::nullopt;
    return out;
}

}  // namespace bv::rpc
