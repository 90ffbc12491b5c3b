// Who a call is made for, as one part of the platform tells another in metadata ("bv-caller"). Believed only from peers that have shown
// who they are.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "platform/rpc/context.hpp"

namespace bv::rpc::grpc {

// "user;0190…;;customer;orders.read orders.write": kind, id, name, roles, scopes.
[[nodiscard]] std::string encode_caller(const principal&);
// nullopt: malformed.
[[nodiscard]] std::optional<principal> decode_caller(std::string_view);

}  // namespace bv::rpc::grpc
