#include "domains/commerce/payment/provider/callbacks.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "domains/commerce/payment/provider/wire.hpp"
#include "platform/core/error.hpp"
#include "platform/security/hmac_signature.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::payment_provider {
namespace {

struct address {
    std::string host, path;
    std::uint16_t port = 80;
    bool tls = false;
};

std::optional<address> parse_url(std::string_view url) {
    constexpr std::string_view plain = "http://", secure = "https://";
    const bool tls = url.starts_with(secure);
    if (!tls && !url.starts_with(plain)) return std::nullopt;
    url.remove_prefix(tls ? secure.size() : plain.size());
    const auto slash = url.find('/');
    if (slash == std::string_view::npos || slash == 0) return std::nullopt;
    auto authority = url.substr(0, slash);
    address a{.path = std::string(url.substr(slash)), .port = static_cast<std::uint16_t>(tls ? 443 : 80), .tls = tls};
    if (const auto colon = authority.rfind(':'); colon != std::string_view::npos) {
        const auto digits = authority.substr(colon + 1);
        const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), a.port);
        if (ec != std::errc{} || end != digits.data() + digits.size() || a.port == 0) return std::nullopt;
        authority = authority.substr(0, colon);
    }
    a.host = authority;
    return a.host.empty() ? std::nullopt : std::optional(a);
}

}  // namespace

callbacks::callbacks(callback_options o, clock& c) : options_(std::move(o)), clock_(c) {
    if (options_.url.empty()) return;
    const auto a = parse_url(options_.url);
    if (!a) throw failure(code::invalid_argument, "BAD_CALLBACK_URL", "the call-back URL must look like http://host:port/path or https://host:port/path, not " + options_.url);
    path_ = a->path;
    client_ = std::make_unique<http::client>(http::client_options{
        .host = a->host, .port = a->port, .tls = a->tls, .ca_file = options_.certificate, .any_name = !options_.certificate.empty(), .max_connections_per_core = 2, .timeout = milliseconds(5'000), .max_body_bytes = 64 * 1024});
}

callbacks::~callbacks() = default;

void callbacks::push(const record& r) {
    if (!enabled()) return;
    if (queue_.size() >= options_.max_queued) queue_.pop_front();
    queue_.push_back(&r);
    if (const auto w = std::exchange(idle_, nullptr)) w->wake();
}

task<void> callbacks::run() {
    while (enabled()) {
        if (queue_.empty()) {
            idle_ = waiter::make();
            const auto w = idle_;
            co_await w->wait();
        }
        co_await clock_.sleep_for(options_.gather);
        const auto n = std::min(queue_.size(), options_.max_group);
        const std::vector<const record*> group(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(n));
        queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(n));
        if (n > 0) co_await deliver(to_json(group, group.back()->sequence));
    }
}

task<void> callbacks::deliver(std::string body) {
    auto pause = milliseconds(100);
    for (int attempt = 0; attempt < options_.attempts; ++attempt) {
        if (co_await post(body)) co_return;
        co_await clock_.sleep_for(pause);
        pause = std::min(pause * 2, milliseconds(10'000));
    }
    telemetry::count("bv_provider_callbacks_dropped_total", "Groups of call-backs that nobody took").add();
}

task<bool> callbacks::post(std::string body) {
    http::client_request r{.verb = http::verb::post, .target = path_};
    r.headers.add(security::signature_header, security::sign_body(options_.secret, body, clock_.now()));
    r.body = std::move(body);
    try {
        const auto answer = co_await client_->send(std::move(r));
        co_return answer.status / 100 == 2;
    } catch (const failure&) {
        co_return false;
    }
}

}  // namespace bv::payment_provider
