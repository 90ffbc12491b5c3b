#include "platform/net/http2/answer.hpp"

#include <algorithm>
#include <array>

#include "platform/net/http/serialize.hpp"
#include "platform/net/http/syntax.hpp"

namespace bv::http2 {

bool is_connection_field(std::string_view name) noexcept {
    static constexpr std::array<std::string_view, 8> all{"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "content-length", "date"};
    return std::ranges::any_of(all, [&](std::string_view one) { return http::syntax::iequals(name, one); });
}

std::string lower(std::string_view name) {
    std::string out(name);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
}

namespace {
bool is_lower(std::string_view name) noexcept {
    return std::ranges::none_of(name, [](char c) { return c >= 'A' && c <= 'Z'; });
}
}  // namespace

answer_fields::answer_fields(const http::response& r, std::string_view date, bool with_length) : status_(std::to_string(r.status)) {
    fields_.reserve(4 + r.headers.size());
    fields_.push_back({":status", status_});
    fields_.push_back({"date", date});
    const bool body = !http::is_bodiless(r.status);
    if (body && !r.content_type.empty()) fields_.push_back({"content-type", r.content_type});
    if (body && with_length) {
        length_ = std::to_string(r.body.size());
        fields_.push_back({"content-length", length_});
    }
    for (std::size_t i = 0; i < r.headers.size(); ++i) {
        const auto [name, value] = r.headers.at(i);
        if (is_connection_field(name)) continue;
        if (is_lower(name)) {
            fields_.push_back({name, value});
            continue;
        }
        if (names_.empty()) names_.reserve(r.headers.size());
        fields_.push_back({names_.emplace_back(lower(name)), value});
    }
}

}  // namespace bv::http2
