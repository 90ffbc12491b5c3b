#include "platform/rpc/grpc/identity.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "platform/core/uuid.hpp"

namespace bv::rpc::grpc {

namespace {

constexpr std::array<std::pair<std::string_view, caller_kind>, 4> kinds{
    {{"anonymous", caller_kind::anonymous}, {"user", caller_kind::user}, {"api_key", caller_kind::api_key}, {"service", caller_kind::service}}};

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& w : words) (out += out.empty() ? "" : " ") += w;
    return out;
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto space = std::min(text.find(' '), text.size());
        if (space != 0) out.emplace_back(text.substr(0, space));
        text.remove_prefix(std::min(space + 1, text.size()));
    }
    return out;
}

}  // namespace

std::string encode_caller(const principal& p) {
    const auto kind = std::ranges::find(kinds, p.kind, &std::pair<std::string_view, caller_kind>::second);
    return std::string(kind->first) + ';' + p.id.str() + ';' + p.name + ';' + joined(p.roles) + ';' + joined(p.scopes);
}

std::optional<principal> decode_caller(std::string_view text) {
    std::array<std::string_view, 5> parts;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto end = i + 1 == parts.size() ? text.size() : text.find(';');
        if (end == text.npos) return std::nullopt;
        parts[i] = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    const auto kind = std::ranges::find(kinds, parts[0], &std::pair<std::string_view, caller_kind>::first);
    const auto id = uuid::parse(parts[1]);
    if (kind == kinds.end() || !id) return std::nullopt;
    principal out{kind->second, *id, std::string(parts[2]), split(parts[3]), split(parts[4])};
    std::ranges::sort(out.scopes);
    return out;
}

}  // namespace bv::rpc::grpc
