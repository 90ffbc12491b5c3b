#include "gateway/local_request.hpp"

#include <algorithm>
#include <string_view>

namespace bv::gateway {

namespace {

// What proxies add to what they pass on: the address of this machine is theirs then, and the client anybody.
constexpr std::string_view passed_on[] = {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"};

}  // namespace

bool is_local(const http::request& request) {
    if (std::ranges::any_of(passed_on, [&](auto name) { return request.headers.find(name).has_value(); })) return false;
    if (!request.remote_address.starts_with("127.") && request.remote_address != "::1") return false;
    auto host = request.headers.get("Host");
    host = host.starts_with('[') ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'));
    return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

}  // namespace bv::gateway
