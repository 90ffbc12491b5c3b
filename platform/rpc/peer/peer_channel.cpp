#include "platform/rpc/peer/peer_channel.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "platform/rpc/auth/call_credential.hpp"

namespace bv::rpc {

namespace {

constexpr milliseconds connect_timeout{1'000};

failure nobody(const std::string& role) {
    return {code::unavailable, "SERVICE_UNAVAILABLE", fmt::format("The {} service does not answer at the moment; try again shortly.", role)};
}

grpc::channel_options options_of(const std::string& role, const std::string& key, clock& c) {
    return {.name = role, .connect_timeout = connect_timeout, .sign_caller = [key, &c](const principal& caller, std::string_view what) { return sign_caller(key, caller, what, c.now()); }};
}

}  // namespace

peer_channel::peer_channel(std::string role, directory& d, std::string call_key, clock& c, rng& r)
    : role_(std::move(role)), directory_(d), key_(std::move(call_key)), clock_(c), calls_(options_of(role_, key_, c), c, r) {}
peer_channel::~peer_channel() = default;

std::shared_ptr<http::client> peer_channel::client_of(const address& a) {
    const std::scoped_lock lock(mutex_);
    auto& known = clients_[a];
    if (!known) known = std::make_shared<http::client>(http::client_options{.host = a.host, .port = a.port, .connect_timeout = connect_timeout});
    return known;
}

task<http::client_response> peer_channel::send(http::client_request request, principal caller, std::optional<address> to) {
    const auto path = std::string_view(request.target).substr(0, request.target.find('?'));
    request.headers.set(call_credential_header, sign_caller(key_, caller, fmt::format("{} {}", http::name(request.verb), path), clock_.now()));
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

}  // namespace bv::rpc
