// JSON schemas (draft 2020-12, as OpenAPI 3.1 has them) of messages and fields.
#pragma once

#include <google/protobuf/descriptor.h>

#include <set>
#include <string>
#include <vector>

#include "codegen/json_document.hpp"

namespace bv::codegen {

namespace pb = google::protobuf;

// What is said of a thing in the contract, without comment marks.
struct description {
    std::string summary;  // the first paragraph
    std::string rest;
    [[nodiscard]] std::string whole() const { return rest.empty() ? summary : summary + "\n\n" + rest; }
};
template <class Descriptor>
[[nodiscard]] description description_of(const Descriptor&);
[[nodiscard]] description as_description(const std::string& comment);

// The messages that schemas refer to, to be written as components.
class schema_names {
public:
    // "#/components/schemas/commerce.order.v1.Order"; notes the message.
    std::string reference(const pb::Descriptor&);
    [[nodiscard]] static std::string name_of(const pb::Descriptor&);
    // Messages noted that were not taken yet.
    std::vector<const pb::Descriptor*> take();

private:
    std::set<const pb::Descriptor*> all_;
    std::vector<const pb::Descriptor*> open_;
};

struct object_options {
    std::set<std::string> without{};  // fields (names of the contract) that are not part of it
    bool partial = false;             // nothing is required: a PATCH
    bool request = false;             // output-only fields are left out
};
// The members of an object schema into an object that is open.
void write_object_schema(json_document&, const pb::Descriptor&, schema_names&, const object_options& = {});
// The members of a field's schema (of one item: when of a list) into an object that is open.
void write_field_schema(json_document&, const pb::FieldDescriptor&, schema_names&);
// Whether a request without the field is refused.
[[nodiscard]] bool is_required(const pb::FieldDescriptor&);

}  // namespace bv::codegen
