// What the code generator knows of a method of a contract, and what transports need to serve it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/rpc/context.hpp"

namespace bv::rpc {

// The contract's bv.auth option.
struct auth_rule {
    bool anonymous = false;                       // anyone may call
    std::span<const std::string_view> any_scope;  // one of these is needed; empty and not anonymous: any
                                                  // authenticated caller
    std::span<const std::string_view> callers{};  // services that may call from another process
};

// UNAUTHENTICATED or PERMISSION_DENIED (naming the missing scope) when the rule does not let the caller through.
// Services are let through. Enforced at the edge and again in every generated client and service entry.
[[nodiscard]] result<void> authorize(const auth_rule&, const principal&);

// Whether a service may call from another process: those that the rule names, and the edge whatever users may call.
// PERMISSION_DENIED "CALLER_NOT_ALLOWED".
[[nodiscard]] result<void> authorize_service(const auth_rule&, std::string_view service, std::string_view edge);

// One HTTP binding (google.api.http) of a method.
struct http_binding {
    std::string_view verb;           // "GET"
    std::string_view path;           // template: "/v1/orders/{id}:cancel"
    std::string_view body;           // "", "*" or a field's name
};

// Path and query parameters, percent-decoded: {"id", "…"}, {"filter", "…"}.
using parameters = std::vector<std::pair<std::string, std::string>>;

struct method {
    std::string_view service;        // "bitvelocity.commerce.order.v1.OrderService"
    std::string_view name;           // "PlaceOrder"
    auth_rule auth;
    bool idempotent = false;         // bv.idempotent: safe to repeat as it is (reads, PUT-like)
    bool keyed = false;              // bv.idempotent.by_key: repeated under an Idempotency-Key gives the first answer
    std::span<const http_binding> http;
    // JSON in, JSON out, for binding `http[binding]`. Binds parameters and body, authorizes, calls the service,
    // writes the answer. `out` is appended to. Errors are values; a broken dependency throws.
    task<result<void>> (*call_json)(void* service, context&, std::size_t binding, const parameters&, std::string_view body, std::string& out);
    // "/bitvelocity.commerce.order.v1.OrderService/PlaceOrder"
    std::string_view path;
    // Serialized message in, serialized message out; else as call_json.
    task<result<void>> (*call_message)(void* service, context&, std::string_view message, std::string& out);
};

// A method whose request, answer or both are streams of messages. Generated, with static storage.
struct streamed_method {
    std::string_view service, name;
    auth_rule auth;
    http_binding http;               // of a stream of requests: a path without variables, or nothing
    std::string_view path;           // "/bitvelocity.commerce.product.v1.ProductImportService/ImportProducts"
    bool client_streams = false, server_streams = false;
    bool idempotent = false;
};

// A service's implementation with its methods: what a module gives to the gateway.
struct served {
    void* service = nullptr;         // the abstract service interface the thunks expect
    std::span<const method> methods;
};

}  // namespace bv::rpc
