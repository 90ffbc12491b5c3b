#include "platform/security/vault/answer.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace bv::vault {

namespace json = boost::json;

namespace {

constexpr std::size_t longest_said = 300;

// The errors of an answer in one line. Vault puts no secrets into them.
std::string said(const json::value& body) {
    std::string out;
    const auto* errors = field(body, "errors").if_array();
    if (errors == nullptr) return out;
    for (const auto& e : *errors)
        if (const auto* text = e.if_string()) out.append(out.empty() ? "" : "; ").append(std::string_view(*text));
    for (char& c : out)
        if (c == '\n' || c == '\t') c = ' ';
    if (out.size() > longest_said) out.resize(longest_said);
    return out;
}

std::unexpected<error> refuse(code c, std::string reason, std::string_view what, std::string_view why) {
    return fail(c, std::move(reason), fmt::format("{}: {}", what, why));
}

result<answer> read_error(int status, const std::string& why, std::string_view what) {
    const auto or_else = [&why](std::string_view text) { return why.empty() ? std::string(text) : why; };
    switch (status) {
        case 400:
            if (why.find("check-and-set") != why.npos) return refuse(code::aborted, "VAULT_CHANGED", what, why);
            return refuse(code::failed_precondition, "VAULT_REFUSED", what, or_else("it does not take the request"));
        case 403: return refuse(code::permission_denied, "VAULT_DENIED", what, or_else("permission denied"));
        case 404:
            if (why.empty()) return answer{false, {}};
            return refuse(code::failed_precondition, "VAULT_NO_ROUTE", what, why);
        case 429:
        case 472:
        case 473: return refuse(code::unavailable, "VAULT_BUSY", what, or_else("it serves no requests now"));
        case 501: return refuse(code::unavailable, "VAULT_UNINITIALIZED", what, or_else("it is not initialized"));
        case 503: return refuse(code::unavailable, "VAULT_SEALED", what, or_else("it is sealed"));
        default: break;
    }
    // Of a token or a lease whose last end is near: nothing is wrong with the server.
    if (status == 500 && why.find("past the max TTL") != why.npos) return refuse(code::failed_precondition, "VAULT_REFUSED", what, why);
    if (status >= 500) return refuse(code::unavailable, "VAULT_ERROR", what, fmt::format("status {}: {}", status, or_else("no reason given")));
    if (status >= 400) return refuse(code::failed_precondition, "VAULT_REFUSED", what, fmt::format("status {}: {}", status, or_else("no reason given")));
    return refuse(code::unavailable, "VAULT_BAD_ANSWER", what, fmt::format("status {} is none of Vault's: is it Vault that answers there?", status));
}

}  // namespace

result<answer> read_answer(int status, std::string_view body, std::string_view what) {
    json::value parsed;
    if (!body.empty()) {
        boost::system::error_code ec;
        parsed = json::parse(body, ec);
        const bool good = !ec && parsed.is_object();
        // A proxy in front of it, or Vault while it falls over, may say anything with an error's status.
        if (!good && status < 400) return refuse(code::unavailable, "VAULT_BAD_ANSWER", what, "the answer is no JSON object: is it Vault that answers there?");
        if (!good) parsed = nullptr;
    }
    if (status == 200 || status == 204) return answer{true, std::move(parsed)};
    // A version of a secret that was deleted is there, and has no data.
    if (status == 404 && field(parsed, "data").is_object()) return answer{false, std::move(parsed)};
    return read_error(status, said(parsed), what);
}

const json::value& field(const json::value& in, std::string_view path) noexcept {
    static const json::value none;
    const auto* at = &in;
    while (at->is_object()) {
        const auto slash = path.find('/');
        at = at->get_object().if_contains(path.substr(0, slash));
        if (at == nullptr) return none;
        if (slash == path.npos) return *at;
        path.remove_prefix(slash + 1);
    }
    return none;
}

std::string text_at(const json::value& in, std::string_view path) {
    const auto* text = field(in, path).if_string();
    return text == nullptr ? std::string{} : std::string(*text);
}

std::int64_t number_at(const json::value& in, std::string_view path) noexcept {
    const auto& v = field(in, path);
    if (v.is_int64()) return v.get_int64();
    return v.is_double() && v.get_double() > 0 && v.get_double() < 1e15 ? static_cast<std::int64_t>(v.get_double()) : 0;
}

}  // namespace bv::vault
