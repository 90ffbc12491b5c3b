#include "codegen/openapi.hpp"

namespace bv::codegen {

std::string openapi_document(const std::vector<const google::protobuf::FileDescriptor*>&) { return "{}"; }

}  // namespace bv::codegen
