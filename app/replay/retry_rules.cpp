#include "app/replay/retry_rules.hpp"

#include <algorithm>
#include <charconv>

namespace bv::replay {

namespace {

milliseconds doubled(const retry_rules& r, int attempt) noexcept { return std::min(r.longest, r.first * (1 << std::clamp(attempt - 1, 0, 16))); }

// 409 says either that somebody was faster, which passes, or that the thing exists, which stays.
bool passes(std::string_view reason) noexcept { return reason == "IDEMPOTENCY_KEY_IN_USE" || reason == "ORDER_CHANGED" || reason == "ABORTED"; }

}  // namespace

judgement judge(int status, std::string_view reason, std::optional<milliseconds> retry_after, int attempt, const retry_rules& rules) noexcept {
    const auto pause = retry_after ? std::min(*retry_after, rules.longest_wish) : doubled(rules, attempt);
    if (status == 0) return {verdict::again, pause, true, false};
    if (status == 503) return {verdict::again, pause, true, true};
    if (status == 429) return {verdict::again, pause, false, true};
    if (status == 409 && passes(reason)) return {verdict::again, pause, false, false};
    if (status >= 500 && attempt < rules.server_errors) return {verdict::again, pause, false, false};
    return {};
}

std::optional<milliseconds> parse_retry_after(std::string_view text) noexcept {
    unsigned s = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), s);
    if (ec != std::errc{} || end != text.data() + text.size() || s > 86'400) return std::nullopt;
    return std::chrono::seconds(s);
}

}  // namespace bv::replay
