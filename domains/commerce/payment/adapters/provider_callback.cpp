#include "domains/commerce/payment/adapters/provider_callback.hpp"

#include <memory>

#include "domains/commerce/payment/adapters/provider_wire.hpp"
#include "platform/rpc/problem.hpp"
#include "platform/security/hmac_signature.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::payment {
namespace {

struct receiver {
    std::string secret;
    clock& time;
    std::function<void(std::vector<std::string>)> hurry;
    telemetry::counter& taken = telemetry::count("bv_payment_callbacks_total", "Call-backs of the payment provider", {{"outcome", "taken"}});
    telemetry::counter& refused = telemetry::count("bv_payment_callbacks_total", "Call-backs of the payment provider", {{"outcome", "refused"}});

    http::response refuse(const error& e) {
        refused.add();
        return rpc::problem_response(e);
    }

    static task<http::response> handle(std::shared_ptr<receiver> self, http::request* r) {
        const auto signature = r->headers.get(security::signature_header);
        if (auto ok = security::verify_body({self->secret}, signature, r->body, self->time.now()); !ok) co_return self->refuse(ok.error());
        auto keys = parse_keys(r->body);
        if (!keys) co_return self->refuse({code::invalid_argument, "MALFORMED_BODY", "the body is not a list of operations", {}, {}});
        self->taken.add();
        self->hurry(std::move(*keys));
        co_return http::response{.status = 204, .content_type = ""};
    }
};

}  // namespace

rpc::raw_route provider_callback(std::string secret, clock& time, std::function<void(std::vector<std::string>)> hurry) {
    auto self = std::make_shared<receiver>(std::move(secret), time, std::move(hurry));
    return {"POST", "/v1/payments:providerCallback", [self](http::request& r) { return receiver::handle(self, &r); }};
}

}  // namespace bv::payment
