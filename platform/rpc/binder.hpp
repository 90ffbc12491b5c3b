// Path and query parameters into request messages, by Protobuf's reflection: a request has few of them, and generated
// code for every message that could be a request would cost more build time than it saves at run time.
#pragma once

#include <google/protobuf/message.h>

#include <string_view>

#include "platform/core/error.hpp"
#include "platform/rpc/json_reader.hpp"
#include "platform/rpc/method.hpp"

namespace bv::rpc {

// Binds them to the fields that they name ("id", "filter.sku", "pageSize" or "page_size"). A list is given by repeating
// its parameter. Refused, each naming the parameter: unknown ones, values of the wrong type, single fields given twice, fields
// that the binding takes from the body, and a body that contradicts the path. Call after the body was read.
[[nodiscard]] result<void> bind_parameters(google::protobuf::Message&, const http_binding&, const parameters&);

// Reads a body that may be absent; `Message` by its generated read_json.
template <class Message>
[[nodiscard]] result<void> read_body(std::string_view body, Message& message) {
    if (body.empty()) return {};
    return json::parse(body, message);
}

// Violations of what a body field holds, named as the client wrote them: without the field's own name.
[[nodiscard]] error as_body_error(error, std::string_view body_field);

}  // namespace bv::rpc
