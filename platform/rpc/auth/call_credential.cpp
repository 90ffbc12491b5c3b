#include "platform/rpc/auth/call_credential.hpp"

#include <charconv>

#include <fmt/format.h>

#include "platform/security/digest.hpp"
#include "platform/security/encoding.hpp"

namespace bv::rpc {

namespace {

constexpr char field_end = '\n', item_end = ' ';  // neither is in a name, a role or a scope

std::string joined(const std::vector<std::string>& items) {
    std::string out;
    for (const auto& i : items) out += (out.empty() ? "" : " ") + i;
    return out;
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto end = text.find(item_end);
        out.emplace_back(text.substr(0, end));
        text = end == text.npos ? std::string_view{} : text.substr(end + 1);
    }
    return out;
}

std::string text_of(const principal& p) {
    return fmt::format("{}\n{}\n{}\n{}\n{}", static_cast<int>(p.kind), p.id.str(), p.name, joined(p.roles), joined(p.scopes));
}

std::optional<principal> parse(std::string_view text) {
    std::string_view fields[5];
    for (auto& f : fields) {
        const auto end = text.find(field_end);
        f = text.substr(0, end);
        text = end == text.npos ? std::string_view{} : text.substr(end + 1);
    }
    const auto id = uuid::parse(fields[1]);
    if (fields[0].size() != 1 || fields[0][0] < '0' || fields[0][0] > '3' || !id || !text.empty()) return std::nullopt;
    return principal{static_cast<caller_kind>(fields[0][0] - '0'), *id, std::string(fields[2]), split(fields[3]), split(fields[4])};
}

// What is signed cannot be read in two ways: the first two parts hold no new line.
std::string mac(std::string_view key, std::string_view caller, std::string_view time, std::string_view method) {
    return security::base64url(security::hmac_sha256(key, fmt::format("{}\n{}\n{}", caller, time, method)));
}

std::unexpected<error> refuse(std::string reason, std::string what) { return fail(code::unauthenticated, std::move(reason), std::move(what)); }

}  // namespace

std::string sign_caller(std::string_view key, const principal& who, std::string_view method, time_point now) {
    const auto caller = security::base64url(text_of(who));
    const auto time = std::to_string(std::chrono::duration_cast<milliseconds>(now.time_since_epoch()).count());
    return caller + '.' + time + '.' + mac(key, caller, time, method);
}

result<principal> verify_caller(std::string_view key, std::string_view credential, std::string_view method, time_point now, seconds tolerance) {
    if (credential.empty()) return refuse("CALL_UNSIGNED", "Only services of this platform may call here, and they sign their calls.");
    const auto first = credential.find('.'), second = first == credential.npos ? first : credential.find('.', first + 1);
    if (second == credential.npos) return refuse("CALL_MALFORMED", "The call's signature has not the form caller.time.signature.");
    const auto caller = credential.substr(0, first), time = credential.substr(first + 1, second - first - 1);
    if (!security::equal_in_constant_time(mac(key, caller, time, method), credential.substr(second + 1)))
        return refuse("CALL_FORGED", "The call's signature is not by this platform's key, or belongs to another call.");
    std::int64_t at = 0;
    const auto [end, ec] = std::from_chars(time.data(), time.data() + time.size(), at);
    const auto text = security::parse_base64url(caller);
    const auto who = text ? parse(*text) : std::nullopt;
    if (ec != std::errc{} || end != time.data() + time.size() || !who) return refuse("CALL_MALFORMED", "The call's signature does not say who calls and when.");
    const auto age = now - time_point(milliseconds(at));
    if (age > tolerance || age < -tolerance) return refuse("CALL_TOO_OLD", "The call was signed too long ago, or in the future: compare the clocks.");
    return *who;
}

}  // namespace bv::rpc
