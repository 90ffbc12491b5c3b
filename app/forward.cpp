#include "app/forward.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "bitvelocity/commerce/product/v1/import.bv.hpp"
#include "platform/rpc/grpc/typed_stream.hpp"
#include "platform/rpc/peer/wire.hpp"
#include "platform/rpc/problem.hpp"

namespace bv::app {

namespace {

struct route {
    std::string_view role, verb, path;
};
constexpr route routes[] = {
    {"identity", "POST", "/oauth2/token"},
    {"identity", "GET", "/.well-known/jwks.json"},
    {"identity", "GET", "/.well-known/oauth-authorization-server"},
    {"payment", "POST", "/v1/payments:providerCallback"},
};

// Headers that belong to a connection or to a body's framing (RFC 9110 section 7.6.1).
constexpr std::string_view of_connection[] = {"Connection", "Content-Length", "Content-Type", "Date", "Host", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Accept-Encoding", "BV-Caller", "BV-Remote-Address", "BV-Timeout-Ms"};

bool passes(std::string_view name) {
    const auto same = [&](std::string_view other) {
        return std::ranges::equal(name, other, [](char a, char b) { return (a | 32) == (b | 32); });
    };
    return std::ranges::none_of(of_connection, same);
}

void copy(const http::fields& from, http::fields& to) {
    for (std::size_t i = 0; i < from.size(); ++i)
        if (const auto [name, value] = from.at(i); passes(name)) to.add(name, value);
}

task<http::response> pass_on(rpc::peer_channel& to, http::client_request r, const http::request& request, rpc::principal caller) {
    copy(request.headers, r.headers);
    rpc::wire::put_address(r.headers, request.remote_address);
    r.verb = request.verb;
    r.target = request.target;
    // As a header, because an empty body has a type too.
    r.content_type.clear();
    if (const auto type = request.headers.get("Content-Type"); !type.empty()) r.headers.add("Content-Type", type);
    const auto answer = co_await to.send(std::move(r), std::move(caller));
    http::response out;
    out.status = answer.status;
    out.content_type = answer.headers.get("Content-Type");
    copy(answer.headers, out.headers);
    out.body = answer.body;
    co_return out;
}

task<http::response> forward(rpc::peer_channel* to, http::request& request) {
    http::client_request r;
    r.body = request.body;
    co_return co_await pass_on(*to, std::move(r), request, {});
}

task<http::response> forward_import(rpc::peer_channel* to, std::size_t most, http::request& request, http::body_reader& body, rpc::context& ctx) {
    http::client_request r;
    for (;;) {
        auto piece = co_await body.read();
        if (!piece) co_return rpc::problem_response(piece.error(), ctx.trace);
        if (!*piece) break;
        r.body += **piece;
        if (r.body.size() > most)
            co_return rpc::problem_response(error{code::resource_exhausted, "IMPORT_TOO_LARGE",
                                                  fmt::format("Where the catalogue is a process of its own, an import has at most {} MB: split it.", most >> 20), {}, {}}, ctx.trace);
    }
    rpc::wire::put_context(r.headers, ctx, ctx.trace, system_clock().steady_now());
    r.deadline = ctx.deadline;
    co_return co_await pass_on(*to, std::move(r), request, ctx.caller);
}

namespace product = bitvelocity::commerce::product::v1;

// What is wrong with a message the catalogue says, with its number.
result<void> unchecked(std::string_view bytes, product::ImportProductsRequest& into) { return rpc::parse_message(bytes, into); }

task<result<product::ImportProductsResponse>> pass_on(rpc::peer_channel* to, rpc::context& ctx, rpc::message_stream<product::ImportProductsRequest>& all) {
    auto call = co_await product::open_import_products(*to, ctx);
    while (true) {
        auto next = co_await all.next();
        if (!next) co_return std::unexpected(next.error());
        if (!*next) break;
        auto& message = (*next)->message;
        if (!message) co_return std::unexpected(message.error());
        if (!co_await call.write(*message)) break;
    }
    co_return co_await call.answer();
}

}  // namespace

rpc::grpc::streamed forwarded_import_stream(rpc::peer_channel& to) {
    return rpc::grpc::serve_requests<product::ImportProductsRequest, product::ImportProductsResponse>(
        product::import_products_method(), unchecked, [c = &to](rpc::context& ctx, rpc::message_stream<product::ImportProductsRequest>& all) { return pass_on(c, ctx, all); });
}

std::vector<rpc::raw_route> forwarded_routes(std::string_view role, rpc::peer_channel& to) {
    std::vector<rpc::raw_route> out;
    for (const auto& r : routes)
        if (r.role == role) out.push_back({std::string(r.verb), std::string(r.path), [c = &to](http::request& request) { return forward(c, request); }});
    return out;
}

rpc::stream_route forwarded_import(rpc::peer_channel& to, std::size_t most_bytes) {
    return {&bitvelocity::commerce::product::v1::import_products_method(),
            [c = &to, most = std::min(most_bytes, most_forwarded)](http::request& r, http::body_reader& b, rpc::context& ctx) { return forward_import(c, most, r, b, ctx); }};
}

}  // namespace bv::app
