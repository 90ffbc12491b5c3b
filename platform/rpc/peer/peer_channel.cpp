#include "platform/rpc/peer/peer_channel.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "platform/rpc/peer/caller_text.hpp"

namespace bv::rpc {

namespace {

constexpr milliseconds connect_timeout{1'000};

failure nobody(const std::string& role) {
    return {code::unavailable, "SERVICE_UNAVAILABLE", fmt::format("The {} service does not answer at the moment; try again shortly.", role)};
}

grpc::channel_options options_of(const std::string& role, const peer_identity& own) {
    return {.name = role, .peers = own.tls, .peer_uri = own.uri_of(role), .caller_text = &caller_text, .connect_timeout = connect_timeout};
}

}  // namespace

peer_channel::peer_channel(std::string role, directory& d, peer_identity own, clock& c, rng& r)
    : role_(std::move(role)), directory_(d), identity_(std::move(own)), calls_(options_of(role_, identity_), c, r) {}
peer_channel::~peer_channel() = default;

std::shared_ptr<http::client> peer_channel::client_of(const address& a) {
    const std::scoped_lock lock(mutex_);
    auto& known = clients_[a];
    if (!known)
        known = std::make_shared<http::client>(
            http::client_options{.host = a.host, .port = a.port, .peers = identity_.tls, .peer_uri = identity_.uri_of(role_), .connect_timeout = connect_timeout});
    return known;
}

task<http::client_response> peer_channel::send(http::client_request request, principal caller, std::optional<address> to) {
    request.headers.set(caller_header, caller_text(caller));
    auto all = to ? std::vector{*to} : directory_.find(role_);
    if (!all.empty()) {
        const std::scoped_lock lock(mutex_);
        std::erase_if(clients_, [&](const auto& known) { return !to && std::ranges::find(all, known.first) == all.end(); });
        std::ranges::rotate(all, all.begin() + static_cast<std::ptrdiff_t>(next_++ % all.size()));
    }
    for (const auto& a : all) {
        const auto client = client_of(a);
        try {
            co_return co_await client->send(request);
        } catch (const failure& f) {
            // Only what surely was not handled may go to another.
            if (f.error().reason != "CONNECT_FAILED") throw;
        }
    }
    throw nobody(role_);
}

void peer_channel::follow_directory() {
    auto all = directory_.find(role_);
    const std::scoped_lock lock(mutex_);
    if (all == called_) return;
    std::vector<grpc::instance> instances;
    for (const auto& a : all) instances.push_back({a.host, a.port});
    calls_.set_instances(std::move(instances));
    called_ = std::move(all);
}

task<result<void>> peer_channel::unary(const method& method, const google::protobuf::MessageLite& request, google::protobuf::MessageLite& reply, context& ctx) {
    follow_directory();
    try {
        co_return co_await calls_.unary(method, request, reply, ctx);
    } catch (const failure& f) {
        if (f.error().reason != "CONNECT_FAILED") throw;
    }
    throw nobody(role_);
}

task<std::unique_ptr<stream_call>> peer_channel::open(const streamed_method& method, context& ctx) {
    follow_directory();
    try {
        co_return co_await calls_.open(method, ctx);
    } catch (const failure& f) {
        if (f.error().reason != "CONNECT_FAILED") throw;
    }
    throw nobody(role_);
}

}  // namespace bv::rpc
