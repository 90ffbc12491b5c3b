#include "platform/rpc/call_span.hpp"

#include <string>

#include "platform/rpc/module_name.hpp"
#include "platform/telemetry/semconv.hpp"

namespace bv::rpc {
namespace {

// "OrderService/PlaceOrder"
std::string span_name(std::string_view service, std::string_view method) {
    std::string out(service.substr(service.rfind('.') + 1));
    out += '/';
    out += method;
    return out;
}

}  // namespace

std::string_view module_name(std::string_view contract) noexcept {
    const auto package = contract.substr(0, contract.rfind('.'));
    const auto version = package.rfind('.');
    const auto name = package.substr(0, version == package.npos ? 0 : version);
    return name.substr(name.rfind('.') + 1);
}

call_span::call_span(std::string_view service, std::string_view method, context& caller)
    : caller_(caller), span_(span_name(service, method), telemetry::span_kind::internal, caller.trace), callee_(caller) {
    if (span_.context().valid()) callee_.trace = span_.context();
    span_.set(telemetry::semconv::service_name, module_name(service));
    span_.set("rpc.service", service);
    span_.set("rpc.method", method);
}

void call_span::end(const error* e) {
    if (e == nullptr) {
        caller_.etag = std::move(callee_.etag);
    } else {
        span_.set("rpc.bitvelocity.code", name(e->code));
        span_.set("rpc.bitvelocity.reason", e->reason);
        // What the caller did wrong is no failure of the callee.
        if (http_status(e->code) >= 500) span_.fail(e->reason);
    }
    span_.end();
}

}  // namespace bv::rpc
