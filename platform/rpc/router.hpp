// From HTTP verb and path to a method of a service, by the path templates of the contracts: "/v1/orders/{id}",
// "/v1/{parent=shelves/*}/books", "/v1/orders/{id}:cancel". A trie of path segments: cost grows with the length of the path,
// not with the number of routes. Static segments come before variables.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "platform/core/error.hpp"
#include "platform/rpc/method.hpp"

namespace bv::rpc {

struct route {
    void* service = nullptr;
    const rpc::method* method = nullptr;
    std::size_t binding = 0;  // index into method->http
    [[nodiscard]] const http_binding& http() const noexcept { return method->http[binding]; }
};

struct routed {
    rpc::route route;
    parameters path;  // what the template's variables hold, percent-decoded
};

// Filled at start, then read by all threads.
class router {
public:
    router();
    ~router();
    router(router&&) noexcept;
    router& operator=(router&&) noexcept;

    // Throws failure INTERNAL "ROUTE_CONFLICT" naming both methods, or "ROUTE_MALFORMED".
    void add(const served&);

    // path: without query, as sent. HEAD is routed as GET. NOT_FOUND "NO_SUCH_PATH"; UNIMPLEMENTED "METHOD_NOT_ALLOWED";
    // INVALID_ARGUMENT "MALFORMED_PATH" for a malformed percent escape.
    [[nodiscard]] result<routed> find(std::string_view verb, std::string_view path) const;
    // The verbs that the path has, for the Allow header: "GET, HEAD, POST, OPTIONS". Empty when there is no such path.
    [[nodiscard]] std::string allowed(std::string_view path) const;

private:
    struct node;
    std::unique_ptr<node> root_;
};

}  // namespace bv::rpc
