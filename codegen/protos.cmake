# bv_proto_library(name ROOT folder FILES protos… [DEPS libraries…])
#
# Compiles contracts: for each x.proto protoc writes x.pb.{h,cc} and protoc-gen-bitvelocity x.bv.{hpp,cpp}; of all of them
# together it writes registry.cpp (`void bv::contracts::register_<name>_types()`), openapi.json and asyncapi.json. Sources include
# "path/under/root/x.bv.hpp". FILES are relative to ROOT.

set(BV_CONTRACTS_ROOT ${CMAKE_SOURCE_DIR}/contracts/proto CACHE INTERNAL "")

# All files below the roots that a proto imports, directly or not.
function(bv_proto_imports out roots file)
    set(found ${${out}})
    file(STRINGS ${file} lines REGEX "^import ")
    foreach(line ${lines})
        string(REGEX REPLACE "^import (public |weak )?\"([^\"]+)\".*" "\\2" name "${line}")
        foreach(root ${roots})
            if(EXISTS ${root}/${name} AND NOT ${root}/${name} IN_LIST found)
                list(APPEND found ${root}/${name})
                bv_proto_imports(found "${roots}" ${root}/${name})
                break()
            endif()
        endforeach()
    endforeach()
    set(${out} ${found} PARENT_SCOPE)
endfunction()

function(bv_proto_library name)
    cmake_parse_arguments(A "" "ROOT" "FILES;DEPS" ${ARGN})
    set(gen ${CMAKE_CURRENT_BINARY_DIR}/gen)
    file(MAKE_DIRECTORY ${gen})
    set(roots ${A_ROOT} ${BV_CONTRACTS_ROOT})
    list(REMOVE_DUPLICATES roots)
    list(TRANSFORM roots PREPEND -I OUTPUT_VARIABLE includes)
    set(sources)
    set(absolute)
    set(imports)
    foreach(proto ${A_FILES})
        set(file ${A_ROOT}/${proto})
        string(REGEX REPLACE "\\.proto$" "" base ${proto})
        set(deps)
        bv_proto_imports(deps "${roots}" ${file})
        list(APPEND imports ${deps})
        list(APPEND absolute ${file})
        add_custom_command(
            OUTPUT ${gen}/${base}.pb.h ${gen}/${base}.pb.cc ${gen}/${base}.bv.hpp ${gen}/${base}.bv.cpp
            COMMAND protobuf::protoc ${includes} --plugin=protoc-gen-bitvelocity=$<TARGET_FILE:protoc-gen-bitvelocity>
                    --cpp_out=${gen} --bitvelocity_out=${gen} ${file}
            DEPENDS ${file} ${deps} protoc-gen-bitvelocity
            VERBATIM)
        list(APPEND sources ${gen}/${base}.pb.cc ${gen}/${base}.bv.cpp)
        # What others write is not ours to warn about, and what includes no Asio gains nothing by its precompiled header.
        set_source_files_properties(${gen}/${base}.pb.cc PROPERTIES COMPILE_OPTIONS -w SKIP_PRECOMPILE_HEADERS ON)
    endforeach()
    # A changed import changes who depends on whom.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${absolute})

    set(registry ${gen}/${name}_registry.cpp)
    set(openapi ${CMAKE_CURRENT_BINARY_DIR}/openapi.json)
    set(asyncapi ${CMAKE_CURRENT_BINARY_DIR}/asyncapi.json)
    list(REMOVE_DUPLICATES imports)
    add_custom_command(
        OUTPUT ${registry} ${gen}/${name}_registry.hpp ${openapi} ${asyncapi}
        COMMAND protobuf::protoc ${includes} --plugin=protoc-gen-bitvelocity=$<TARGET_FILE:protoc-gen-bitvelocity>
                --bitvelocity_out=registry=${name}:${gen} ${absolute}
        COMMAND protobuf::protoc ${includes} --plugin=protoc-gen-bitvelocity=$<TARGET_FILE:protoc-gen-bitvelocity>
                --bitvelocity_out=openapi=openapi.json:${CMAKE_CURRENT_BINARY_DIR} ${absolute}
        COMMAND protobuf::protoc ${includes} --plugin=protoc-gen-bitvelocity=$<TARGET_FILE:protoc-gen-bitvelocity>
                --bitvelocity_out=asyncapi=asyncapi.json:${CMAKE_CURRENT_BINARY_DIR} ${absolute}
        DEPENDS ${absolute} ${imports} protoc-gen-bitvelocity
        VERBATIM)

    add_library(${name} STATIC ${sources} ${registry})
    set_source_files_properties(${registry} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
    target_include_directories(${name} SYSTEM PUBLIC ${gen})
    target_compile_options(${name} PRIVATE -Wno-unused-parameter -Wno-unused-function -Wno-shadow)
    target_link_libraries(${name} PUBLIC bv_rpc bv_contract_options ${A_DEPS})
    bv_use_pch(${name})
    bv_embed(${name} NAMESPACE ${name} VARIABLE document_files BASE ${CMAKE_CURRENT_BINARY_DIR} FILES ${openapi} ${asyncapi})
    # A document is one literal, longer than the standard promises and than any compiler minds.
    set_source_files_properties(${CMAKE_CURRENT_BINARY_DIR}/document_files.embed.cpp PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
endfunction()
