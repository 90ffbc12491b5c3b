#include "platform/security/hmac_signature.hpp"

#include <charconv>
#include <optional>
#include <vector>

#include "platform/security/digest.hpp"
#include "platform/security/encoding.hpp"

namespace bv::security {

namespace {

constexpr std::size_t max_header = 1024;

digest signature_of(std::string_view secret, std::string_view time, std::string_view body) {
    std::string text;
    text.reserve(time.size() + 1 + body.size());
    text.append(time).append(".").append(body);
    return hmac_sha256(secret, text);
}

struct parsed_header {
    std::string_view time;
    std::int64_t seconds = 0;
    std::vector<std::string> signatures;  // bytes
};

std::optional<parsed_header> parse(std::string_view header) {
    if (header.size() > max_header) return std::nullopt;
    parsed_header out;
    while (!header.empty()) {
        const std::string_view part = header.substr(0, header.find(','));
        header.remove_prefix(std::min(header.size(), part.size() + 1));
        if (part.starts_with("t=")) {
            if (!out.time.empty()) return std::nullopt;
            out.time = part.substr(2);
            const auto [end, ec] = std::from_chars(out.time.data(), out.time.data() + out.time.size(), out.seconds);
            constexpr std::int64_t year_9999 = 253'402'300'799;
            if (ec != std::errc{} || end != out.time.data() + out.time.size() || out.seconds < 0 || out.seconds > year_9999)
                return std::nullopt;
        } else if (part.starts_with("v1=")) {
            auto bytes = parse_hex(part.substr(3));
            if (!bytes || bytes->size() != digest{}.size()) return std::nullopt;
            out.signatures.push_back(std::move(*bytes));
        }
        // Other schemes (v2=…) are for others.
    }
    if (out.time.empty() || out.signatures.empty()) return std::nullopt;
    return out;
}

}  // namespace

std::string sign_body(std::string_view secret, std::string_view body, time_point now) {
    const std::string time = std::to_string(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
    return "t=" + time + ",v1=" + hex(signature_of(secret, time, body));
}

result<void> verify_body(std::initializer_list<std::string_view> secrets, std::string_view header, std::string_view body, time_point now,
                         std::chrono::seconds tolerance) {
    const auto parsed = parse(header);
    if (!parsed)
        return fail(code::unauthenticated, "SIGNATURE_MALFORMED",
                    "The signature header is not of the form t=<unix seconds>,v1=<64 hexadecimal digits>.");
    const auto age = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch() - std::chrono::seconds(parsed->seconds);
    if (age > tolerance || age < -tolerance)
        return fail(code::unauthenticated, "SIGNATURE_TOO_OLD",
                    "The signature is " + std::to_string(age.count()) + " s old, and at most " + std::to_string(tolerance.count()) +
                        " s are allowed either way: sign again, and check the clocks.");
    bool match = false;
    for (const std::string_view secret : secrets) {
        const digest expected = signature_of(secret, parsed->time, body);
        for (const std::string& signature : parsed->signatures)
            match |= equal_in_constant_time(as_bytes(signature), std::span<const std::uint8_t>(expected));
    }
    if (!match) return fail(code::unauthenticated, "SIGNATURE_MISMATCH", "The signature is not that of this body under the shared secret.");
    return {};
}

}  // namespace bv::security
