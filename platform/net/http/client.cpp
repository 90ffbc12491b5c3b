#include "platform/net/http/client.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "platform/core/error.hpp"
#include "platform/net/http/client_pool.hpp"
#include "platform/net/http/syntax.hpp"

namespace bv::http {

namespace {

using fault = client_connection::fault;

bool is_repeatable(verb v) noexcept {
    switch (v) {
        case verb::get:
        case verb::head:
        case verb::options:
        case verb::put:
        case verb::delete_: return true;
        case verb::post:
        case verb::patch:
        case verb::other: return false;
    }
    return false;
}

bool is_clients(std::string_view name) noexcept {
    return syntax::iequals(name, "Content-Length") || syntax::iequals(name, "Transfer-Encoding") || syntax::iequals(name, "Connection");
}

[[noreturn]] void refuse(std::string_view what) {
    throw failure(code::invalid_argument, "INVALID_REQUEST", fmt::format("cannot send this HTTP request: {}", what));
}

std::string serialize(const client_request& r, const std::string& host) {
    if (r.verb == verb::other) refuse("its verb is not one of ours");
    if (r.target.empty() || r.target[0] != '/' || !syntax::all(r.target, syntax::target_bit))
        refuse("its target must begin with '/' and be percent-encoded");
    std::string out;
    out.reserve(256 + r.target.size() + r.body.size());
    out += name(r.verb), out += ' ', out += r.target, out += " HTTP/1.1\r\n";
    if (!r.headers.find("Host")) out += "Host: ", out += host, out += "\r\n";
    for (std::size_t i = 0; i < r.headers.size(); ++i) {
        const auto [n, v] = r.headers.at(i);
        if (!syntax::is_token(n) || !syntax::is_value(v)) refuse("a header field is malformed");
        if (!is_clients(n)) out += n, out += ": ", out += v, out += "\r\n";
    }
    const bool has_body = !r.body.empty();
    if (has_body && !r.content_type.empty()) {
        if (!syntax::is_value(r.content_type)) refuse("its content type is malformed");
        if (!r.headers.find("Content-Type")) out += "Content-Type: ", out += r.content_type, out += "\r\n";
    }
    if (has_body || r.verb == verb::post || r.verb == verb::put || r.verb == verb::patch)
        out += fmt::format("Content-Length: {}\r\n", r.body.size());
    out += "\r\n";
    out += r.body;
    return out;
}

[[noreturn]] void raise(fault f, const client_options& o, const client_request& r) {
    const auto what = fmt::format("{} {} at {}:{}", name(r.verb), r.target.substr(0, r.target.find('?')), o.host, o.port);
    switch (f) {
        case fault::deadline:
            throw failure(code::deadline_exceeded, "DEADLINE_EXCEEDED", what + ": no answer before the deadline; it may have been handled");
        case fault::too_large:
            throw failure(code::resource_exhausted, "ANSWER_TOO_LARGE",
                          fmt::format("{}: the answer is larger than {} bytes", what, o.max_body_bytes));
        case fault::malformed: throw failure(code::unavailable, "ANSWER_LOST", what + ": the answer is malformed or cut short");
        case fault::lost:
        case fault::none: break;
    }
    throw failure(code::unavailable, "ANSWER_LOST", what + ": the connection ended before the answer; it may have been handled");
}

task<client_response> exchange(std::shared_ptr<client_pools> pools, client_request r) {
    const auto& o = pools->options();
    const auto bytes = serialize(r, pools->host_header());
    const auto deadline = r.deadline == steady_point::max() ? system_clock().steady_now() + o.timeout : r.deadline;
    const auto executor = co_await asio::this_coro::executor;
    const auto pool = pools->of(executor);
    for (bool again = false;; again = true) {
        auto lease = co_await client_pool::acquire(pool, executor, deadline, again);
        auto out = co_await lease.connection().exchange(bytes, r.verb == verb::head, o.max_body_bytes, deadline);
        if (out.fault == fault::none) {
            if (out.reusable) lease.give_back();
            co_return std::move(out.response);
        }
        if (const auto& why = lease.connection().refused(); !why.empty() && !out.answer_began)
            throw failure(code::unavailable, "CONNECT_FAILED", fmt::format("{}:{} refused the connection: {}", o.host, o.port, why));
        const bool stale = out.fault == fault::lost && lease.reused() && !out.answer_began;
        if (!stale || again || !is_repeatable(r.verb)) raise(out.fault, o, r);
    }
}

}  // namespace

struct client::impl {
    std::shared_ptr<client_pools> pools;
};

client::client(client_options options) : impl_(std::make_unique<impl>(std::make_shared<client_pools>(std::move(options)))) {}
client::~client() = default;

task<client_response> client::send(client_request r) { return exchange(impl_->pools, std::move(r)); }
void client::close() { impl_->pools->close_mine(); }

}  // namespace bv::http
