// protoc-gen-bitvelocity: run by protoc, see generator.hpp.
#include <google/protobuf/compiler/plugin.h>

#include "codegen/generator.hpp"

int main(int argc, char** argv) {
    const bv::codegen::generator generator;
    return google::protobuf::compiler::PluginMain(argc, argv, &generator);
}
