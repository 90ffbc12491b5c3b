// The span around a call of a service in the same process: what generated clients use.
#pragma once

#include <string_view>

#include "platform/core/error.hpp"
#include "platform/rpc/context.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::rpc {

// Gives the callee a context of its own, a child of the caller's span, and hands the ETag back.
class call_span {
public:
    // "bitvelocity.commerce.order.v1.OrderService", "PlaceOrder". The caller's context must outlive the span.
    call_span(std::string_view service, std::string_view method, context& caller);
    [[nodiscard]] context& callee() noexcept { return callee_; }

    template <class T>
    void finish(const result<T>& answer) {
        end(answer ? nullptr : &answer.error());
    }

private:
    void end(const error*);

    context& caller_;
    telemetry::span span_;
    context callee_;
};

}  // namespace bv::rpc
