// One operation of the OpenAPI document: an HTTP binding of a method.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "codegen/json_document.hpp"
#include "codegen/openapi_schema.hpp"
#include "codegen/options.hpp"

namespace bv::codegen {

struct path_parameter {
    std::string name;   // as the path shows it: "sku"
    std::string field;  // what it is bound to: "product.sku"
};

struct operation {
    const pb::MethodDescriptor* method = nullptr;
    http_rule http{};
    std::string id{};    // "OrderService_PlaceOrder"
    std::string path{};  // "/v1/orders/{id}:cancel"
    std::string verb{};  // "post"
    std::vector<path_parameter> parameters{};
    bool takes_if_match = false;
};

// An operation for each binding.
[[nodiscard]] std::vector<operation> operations_of(const pb::MethodDescriptor&);
// The members of the operation's object.
void write_operation(json_document&, const operation&, schema_names&);

// The problems that operations answer with, as components.
struct problem_kind {
    const char* status;
    const char* name;
    const char* description;
    bool retry_after = false;
};
inline constexpr problem_kind problem_kinds[] = {
    {"400", "BadRequest", "The request is wrong; `violations` names every field."},
    {"401", "Unauthorized", "No credentials, or ones that do not hold."},
    {"403", "Forbidden", "The caller may not do this."},
    {"404", "NotFound", "There is no such thing, or the caller may not see it."},
    {"409", "Conflict", "It exists already, was changed meanwhile, or is in the wrong state."},
    {"412", "PreconditionFailed", "The ETag of If-Match is not the current one."},
    {"413", "ContentTooLarge", "The body is larger than the platform takes."},
    {"414", "UriTooLong", "The path and query are longer than 8 KiB."},
    {"415", "UnsupportedMediaType", "The body is not JSON."},
    {"422", "IdempotencyKeyReused", "The Idempotency-Key was used with another request."},
    {"429", "TooManyRequests", "Over the rate limit.", true},
    {"500", "InternalError", "Something broke on our side."},
    {"503", "Unavailable", "Try again later.", true},
};

}  // namespace bv::codegen
