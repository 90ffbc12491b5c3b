// OpenAPI 3.1 of all services that have HTTP bindings.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

namespace bv::codegen {

// One document: operations tagged by service, schemas of the messages that they reach.
[[nodiscard]] std::string openapi_document(const std::vector<const google::protobuf::FileDescriptor*>&);

}  // namespace bv::codegen
