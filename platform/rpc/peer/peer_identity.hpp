// How a process shows its peers which service it is, and knows them: certificates with SPIFFE IDs of one trust domain.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "platform/net/http/mutual_tls.hpp"

namespace bv::rpc {

struct peer_identity {
    std::string trust_domain;  // "shop.example"
    std::shared_ptr<http::mutual_tls> tls{};

    // "spiffe://shop.example/order"
    [[nodiscard]] std::string uri_of(std::string_view service) const { return "spiffe://" + trust_domain + '/' + std::string(service); }
};

}  // namespace bv::rpc
