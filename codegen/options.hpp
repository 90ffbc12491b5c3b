// The platform's options on contracts, as the generator asks for them.
#pragma once

#include <google/protobuf/descriptor.h>

#include <functional>
#include <string>
#include <vector>

#include "bitvelocity/options/v1/options.pb.h"

namespace bv::codegen {

namespace pb = google::protobuf;
using rule = ::bitvelocity::options::v1::FieldRule;

[[nodiscard]] const rule& rule_of(const pb::FieldDescriptor&);
[[nodiscard]] bool is_pii(const pb::FieldDescriptor&);
[[nodiscard]] bool one_required(const pb::OneofDescriptor&);

struct auth {
    bool anonymous = false;
    std::vector<std::string> any_scope;
    std::vector<std::string> callers;
};
[[nodiscard]] auth auth_of(const pb::MethodDescriptor&);
[[nodiscard]] bool is_safe_to_repeat(const pb::MethodDescriptor&);
[[nodiscard]] bool is_keyed(const pb::MethodDescriptor&);
// The client, the service or both send one message after another.
[[nodiscard]] bool is_streamed(const pb::MethodDescriptor&);

struct http_rule {
    std::string verb;  // "GET"
    std::string path;  // template
    std::string body;  // "", "*" or a field's name
};
[[nodiscard]] std::vector<http_rule> http_of(const pb::MethodDescriptor&);

struct path_variable {
    std::string field;    // "id", "product.sku"
    std::string pattern;  // "*" or "orders/*"
};
[[nodiscard]] std::vector<path_variable> variables_of(const std::string& path_template);

// The field that a dotted name leads to, or null.
[[nodiscard]] const pb::FieldDescriptor* field_at(const pb::Descriptor&, const std::string& dotted);
// What is wrong with the method's options; empty when nothing is.
[[nodiscard]] std::string fault_of(const pb::MethodDescriptor&);

// Whether the message or one that it holds, however deep, satisfies the predicate.
[[nodiscard]] bool reaches(const pb::Descriptor&, const std::function<bool(const pb::Descriptor&)>&);
// Whether validate() has anything to check; whether mask_pii() has anything to hide.
[[nodiscard]] bool has_checks(const pb::Descriptor&);
[[nodiscard]] bool has_pii(const pb::Descriptor&);

// What a request with an update mask changes.
struct update {
    const pb::FieldDescriptor* resource = nullptr;  // null: the message is no such request
    std::vector<const pb::FieldDescriptor*> fields;  // of the resource, that can be changed: not those of the path, nor the service's own
};
[[nodiscard]] update update_of(const pb::Descriptor&);

}  // namespace bv::codegen
