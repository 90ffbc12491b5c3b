#include "platform/rpc/peer/caller_text.hpp"

#include <algorithm>
#include <array>
#include <ranges>

namespace bv::rpc {

namespace {

constexpr char field_end = ';', item_end = ' ';  // neither is in a role or a scope
constexpr std::array<std::string_view, 4> kinds{"anonymous", "user", "api_key", "service"};  // as caller_kind has them

void append(std::string& out, const std::vector<std::string>& items) {
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0) out += item_end;
        out += items[i];
    }
}

// Nothing if an item is empty: what is read is written as the same bytes again.
std::optional<std::vector<std::string>> split(std::string_view text) {
    std::vector<std::string> out;
    if (text.empty()) return out;
    for (const auto item : std::views::split(text, item_end)) {
        if (item.empty()) return std::nullopt;
        out.emplace_back(std::string_view(item));
    }
    return out;
}

}  // namespace

std::string caller_text(const principal& who) {
    std::string out(kinds[static_cast<std::size_t>(who.kind)]);
    out += field_end, out += who.id.str();
    out += field_end, append(out, who.roles);
    out += field_end, append(out, who.scopes);
    return out;
}

std::optional<principal> parse_caller(std::string_view text) {
    if (std::ranges::count(text, field_end) != 3) return std::nullopt;
    std::array<std::string_view, 4> fields;
    for (auto& f : fields) {
        const auto end = text.find(field_end);
        f = text.substr(0, end);
        text = end == text.npos ? std::string_view{} : text.substr(end + 1);
    }
    const auto kind = std::ranges::find(kinds, fields[0]);
    const auto id = uuid::parse(fields[1]);
    auto roles = split(fields[2]), scopes = split(fields[3]);
    if (kind == kinds.end() || !id || !roles || !scopes) return std::nullopt;
    return principal{static_cast<caller_kind>(kind - kinds.begin()), *id, {}, std::move(*roles), std::move(*scopes)};
}

}  // namespace bv::rpc
