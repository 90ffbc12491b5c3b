// protoc-gen-bitvelocity: what protoc calls.
//
//   --bitvelocity_out=DIR                          x.bv.hpp and x.bv.cpp for each file
//   --bitvelocity_out=registry=LIBRARY:DIR         LIBRARY_registry.{hpp,cpp}: void bv::contracts::register_LIBRARY_types()
//   --bitvelocity_out=openapi=NAME:DIR             NAME: one OpenAPI 3.1 document for all files
//   --bitvelocity_out=asyncapi=NAME:DIR            NAME: one AsyncAPI 3.0 document for all files
#pragma once

#include <google/protobuf/compiler/code_generator.h>

#include <string>
#include <vector>

namespace bv::codegen {

namespace pb = google::protobuf;

class generator final : public pb::compiler::CodeGenerator {
public:
    bool Generate(const pb::FileDescriptor*, const std::string& parameter, pb::compiler::GeneratorContext*, std::string* error) const override;
    bool GenerateAll(const std::vector<const pb::FileDescriptor*>&, const std::string& parameter, pb::compiler::GeneratorContext*,
                     std::string* error) const override;
    [[nodiscard]] uint64_t GetSupportedFeatures() const override { return FEATURE_PROTO3_OPTIONAL; }
};

}  // namespace bv::codegen
