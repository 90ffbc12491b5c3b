// Services of contracts as gRPC serves them: "/package.Service/Method" to a method, a message to a call, an outcome to an answer.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/core/task.hpp"
#include "platform/net/http/body_reader.hpp"
#include "platform/net/http/message.hpp"
#include "platform/rpc/context.hpp"
#include "platform/rpc/method.hpp"

namespace bv::rpc::grpc {

// Whether a request is a gRPC call.
[[nodiscard]] bool is_call(const http::request&) noexcept;

struct entry {
    void* service = nullptr;
    const rpc::method* method = nullptr;
};

// Filled at start, then read by all threads.
class services {
public:
    // Throws failure INTERNAL "ROUTE_CONFLICT" when a service is added twice.
    void add(const served&);
    // Null: there is no such method.
    [[nodiscard]] const entry* find(std::string_view path) const;
    // The full names of what was added, in that order.
    [[nodiscard]] const std::vector<std::string_view>& names() const noexcept { return names_; }

private:
    std::unordered_map<std::string_view, entry> by_path_;
    std::vector<std::string_view> names_;
};

// UNIMPLEMENTED "NO_SUCH_METHOD".
[[nodiscard]] error no_such_method(std::string_view path);

// The deadline that grpc-timeout asks for, if it is earlier than `latest`.
[[nodiscard]] steady_point deadline_of(const http::request&, steady_point now, steady_point latest);

// The outcome of a unary call: the answer's message, framed, or what went wrong.
using outcome = result<std::string>;
// Takes the one message out of the request and calls the method. Never throws but when cancelled: what the service throws is logged.
[[nodiscard]] task<outcome> call(const entry&, const http::request&, context&, std::size_t max_message_bytes);
// The answer; with the context's ETag as metadata.
[[nodiscard]] http::response render(outcome, const context&);

}  // namespace bv::rpc::grpc
