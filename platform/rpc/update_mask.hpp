// Update masks by AIP-134: an absent one means the fields that the resource is sent with, "*" all that can be changed. Generated code
// settles a request's mask before it validates the request, so that a use case only meets names of fields; none: nothing changes.
#pragma once

#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/message.h>

#include <span>
#include <string_view>

#include "platform/rpc/validation.hpp"

namespace bv::rpc {

// The fields of a resource that can be changed, in the contract's names ("display_name").
using changeable_fields = std::span<const std::string_view>;

// From JSON the body tells which fields were sent, also those that are null or empty: they are cleared.
void settle_update_mask(google::protobuf::FieldMask&, changeable_fields, std::string_view body);
// A message does not keep which of its plain fields were sent empty: those with a value count.
void settle_update_mask(google::protobuf::FieldMask&, changeable_fields, const google::protobuf::Message& resource);

// Whether every path leads to a field of the resource that can be changed: one of `changeable_fields`, or, through single
// messages, one below.
void check_update_mask(const google::protobuf::FieldMask&, changeable_fields, const google::protobuf::Descriptor& resource, const field_path&, violations&);

}  // namespace bv::rpc
