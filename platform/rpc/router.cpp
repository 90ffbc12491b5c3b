#include "platform/rpc/router.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "platform/net/http/message.hpp"
#include "platform/rpc/path_template.hpp"

namespace bv::rpc {
namespace {

constexpr std::size_t max_segments = 24;

struct leaf {
    std::string_view verb;     // "GET"
    std::string suffix;        // "cancel"
    rpc::route route;
    std::vector<path_template::variable> variables;
};

// A path taken apart: the segments as sent.
struct split_path {
    std::array<std::string_view, max_segments> parts;
    std::size_t count = 0;
    bool good = false;
};

split_path split(std::string_view path) {
    split_path out;
    if (path.empty() || path.front() != '/') return out;
    path.remove_prefix(1);
    while (out.count < max_segments) {
        const auto slash = path.find('/');
        out.parts[out.count++] = path.substr(0, slash);
        if (slash == path.npos) {
            out.good = std::ranges::none_of(std::span(out.parts.data(), out.count), &std::string_view::empty);
            return out;
        }
        path.remove_prefix(slash + 1);
    }
    return out;
}

bool same_text(std::string_view sent, std::string_view literal) {
    if (sent == literal) return true;
    return sent.find('%') != sent.npos && http::percent_decode(sent) == literal;
}

}  // namespace

struct router::node {
    std::vector<std::pair<std::string, std::unique_ptr<node>>> literals;  // sorted
    std::unique_ptr<node> any;
    std::vector<leaf> leaves;
    std::vector<leaf> rest;  // of templates that end in "**" here

    node& child(const path_template::segment& s) {
        if (s.kind == path_template::kind::any) {
            if (!any) any = std::make_unique<node>();
            return *any;
        }
        auto at = std::ranges::lower_bound(literals, s.text, {}, [](const auto& l) { return std::string_view(l.first); });
        if (at == literals.end() || at->first != s.text) at = literals.emplace(at, s.text, std::make_unique<node>());
        return *at->second;
    }

    [[nodiscard]] const node* literal(std::string_view text) const {
        if (text.find('%') != text.npos) {
            const auto at = std::ranges::find_if(literals, [&](const auto& l) { return same_text(text, l.first); });
            return at == literals.end() ? nullptr : at->second.get();
        }
        const auto at = std::ranges::lower_bound(literals, text, {}, [](const auto& l) { return std::string_view(l.first); });
        return at == literals.end() || at->first != text ? nullptr : at->second.get();
    }

    // Calls visit(leaves, suffix) for every place the path may end at, the most specific first, until it returns true.
    template <class Visit>
    bool walk(const split_path& path, std::size_t i, Visit& visit) const {
        if (i == path.count) return visit(leaves, std::string_view{});
        const std::string_view part = path.parts[i];
        if (const node* next = literal(part); next != nullptr && next->walk(path, i + 1, visit)) return true;
        if (i + 1 == path.count) {
            const auto colon = part.rfind(':');
            if (colon != part.npos && colon > 0 && colon + 1 < part.size()) {
                const std::string_view suffix = part.substr(colon + 1);
                bool is_custom = false;
                for (const node* next : {literal(part.substr(0, colon)), static_cast<const node*>(any.get())}) {
                    if (next == nullptr) continue;
                    if (visit(next->leaves, suffix)) return true;
                    is_custom = is_custom || std::ranges::any_of(next->leaves, [&](const leaf& l) { return l.suffix == suffix; });
                }
                if (is_custom) return false;  // the path of a custom method is no id, whatever the verb
            }
        }
        if (any && any->walk(path, i + 1, visit)) return true;
        return visit(rest, std::string_view{});
    }
};

router::router() : root_(std::make_unique<node>()) {}
router::~router() = default;
router::router(router&&) noexcept = default;
router& router::operator=(router&&) noexcept = default;

void router::add(const served& s) {
    for (const rpc::method& method : s.methods) {
        for (std::size_t i = 0; i < method.http.size(); ++i) {
            const http_binding& http = method.http[i];
            const auto parsed = path_template::parse(http.path);
            const std::string name = std::string(method.service) + '.' + std::string(method.name);
            if (!parsed) throw failure(code::internal, "ROUTE_MALFORMED", name + ": malformed path template " + std::string(http.path));
            node* at = root_.get();
            bool is_rest = false;
            for (const auto& segment : parsed->segments) {
                is_rest = segment.kind == path_template::kind::rest;
                if (!is_rest) at = &at->child(segment);
            }
            auto& leaves = is_rest ? at->rest : at->leaves;
            for (const leaf& other : leaves)
                if (other.verb == http.verb && other.suffix == parsed->verb)
                    throw failure(code::internal, "ROUTE_CONFLICT",
                                  name + " and " + std::string(other.route.method->service) + '.' + std::string(other.route.method->name) + " both have " +
                                      std::string(http.verb) + ' ' + std::string(http.path));
            leaves.push_back({http.verb, parsed->verb, {s.service, &method, i}, parsed->variables});
        }
    }
}

namespace {

// What a leaf's variables hold. nullopt: a malformed percent escape.
std::optional<parameters> capture(const leaf& found, const split_path& path, std::string_view suffix) {
    parameters out;
    out.reserve(found.variables.size());
    for (const auto& variable : found.variables) {
        std::string value;
        const std::size_t end = std::min(variable.last, path.count);
        for (std::size_t i = variable.first; i < end; ++i) {
            std::string_view part = path.parts[i];
            if (i + 1 == path.count && !suffix.empty()) part.remove_suffix(suffix.size() + 1);
            auto decoded = http::percent_decode(part);
            if (!decoded) return std::nullopt;
            if (i > variable.first) value += '/';
            value += *decoded;
        }
        out.emplace_back(variable.field, std::move(value));
    }
    return out;
}

}  // namespace

result<routed> router::find(std::string_view verb, std::string_view path) const {
    const split_path parts = split(path);
    if (verb == "HEAD") verb = "GET";
    const leaf* found = nullptr;
    std::string_view found_suffix;
    bool path_exists = false;
    const auto visit = [&](const std::vector<leaf>& leaves, std::string_view suffix) {
        for (const leaf& l : leaves) {
            if (l.suffix != suffix) continue;
            path_exists = true;
            if (l.verb != verb) continue;
            found = &l;
            found_suffix = suffix;
            return true;
        }
        return false;
    };
    if (parts.good) root_->walk(parts, 0, visit);
    if (found != nullptr) {
        auto captured = capture(*found, parts, found_suffix);
        if (!captured) return fail(code::invalid_argument, "MALFORMED_PATH", "The path has a malformed percent escape: each '%' needs two hexadecimal digits.");
        return routed{found->route, std::move(*captured)};
    }
    if (path_exists) return fail(code::unimplemented, "METHOD_NOT_ALLOWED", "This path does not have the method " + std::string(verb) + "; it has " + allowed(path) + '.');
    return fail(code::not_found, "NO_SUCH_PATH", "There is nothing at this path; /docs lists what there is.");
}

std::string router::allowed(std::string_view path) const {
    const split_path parts = split(path);
    std::vector<std::string_view> verbs;
    const auto visit = [&](const std::vector<leaf>& leaves, std::string_view suffix) {
        for (const leaf& l : leaves) {
            if (l.suffix != suffix || std::ranges::find(verbs, l.verb) != verbs.end()) continue;
            verbs.push_back(l.verb);
            if (l.verb == "GET") verbs.push_back("HEAD");
        }
        return false;
    };
    if (parts.good) root_->walk(parts, 0, visit);
    if (verbs.empty()) return {};
    verbs.push_back("OPTIONS");
    std::string out;
    for (const std::string_view v : verbs) {
        if (!out.empty()) out += ", ";
        out += v;
    }
    return out;
}

}  // namespace bv::rpc
