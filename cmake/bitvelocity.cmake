# How this project compiles, and the functions its folders describe themselves with:
#
#   bv_library(bv_core)                       a library of the folder's *.cpp, and bv_core_test of its *_test.cpp
#   bv_library(order_model DIR model DEPS …)  the same for a sub-folder
#   bv_embed(target VARIABLE name FILES …)    files as constants in the binary
#   bv_fuzz(csv FILE csv_fuzz.cpp DEPS …)     a libFuzzer target (preset fuzz); elsewhere a test that runs its kept inputs

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)

set(BV_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize takes them")
option(BV_COVERAGE "Count what is executed (preset coverage)" OFF)
option(BV_FUZZ "Make the libFuzzer targets, and no tests (preset fuzz)" OFF)

# Assertions (BV_ASSERT) are ours and always on; NDEBUG only concerns libraries.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wconversion
                    -Wno-sign-conversion -Wno-missing-field-initializers -Werror=return-type
                    -fno-omit-frame-pointer -fstack-protector-strong)
add_compile_definitions(BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
                        BOOST_ASIO_DISABLE_VISIBILITY FMT_SHARED)
add_link_options(-fuse-ld=lld-19)
if(BV_FUZZ)
    set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_compile_definitions(BV_FUZZER)
endif()
if(BV_COVERAGE)
    add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
    add_link_options(-fprofile-instr-generate)
endif()
if(BV_SANITIZE)
    add_compile_options(-fsanitize=${BV_SANITIZE} -fno-sanitize-recover=undefined)
    add_link_options(-fsanitize=${BV_SANITIZE})
else()
    add_link_options(-Wl,--gc-sections -Wl,-O1)
    add_compile_options(-ffunction-sections)
endif()

find_program(CCACHE ccache)
if(CCACHE)
    # A PCH is only cacheable when its timestamps are ignored (ccache manual, "Precompiled headers").
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
    add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(LibLZMA REQUIRED)
find_package(PostgreSQL REQUIRED)
find_package(Protobuf 3.21 REQUIRED)
find_package(fmt REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(GTest REQUIRED)
find_package(Boost 1.83 REQUIRED)
find_library(ARGON2_LIBRARY argon2 REQUIRED)
find_library(NGHTTP2_LIBRARY nghttp2 REQUIRED)
find_library(RDKAFKA_LIBRARY rdkafka REQUIRED)
find_library(RABBITMQ_LIBRARY rabbitmq REQUIRED)

include(GoogleTest)

# Asio's headers are most of a file's compile time; one precompiled header serves every target that uses them.
function(bv_use_pch target)
    if(NOT TARGET bv_pch)
        return()
    endif()
    target_precompile_headers(${target} REUSE_FROM bv_pch)
endfunction()

# bv_library(name [DIR folder] [DEPS libraries…] [TEST_DEPS libraries…] [NO_PCH] [EXCLUDE files…] [LABEL unit|integration] [FUZZED files…])
# FUZZED: with the preset fuzz the library is these files only. The others open sockets and run servers, which no target needs,
# and cost most of the build.
function(bv_library name)
    cmake_parse_arguments(A "NO_PCH" "DIR;LABEL" "DEPS;TEST_DEPS;EXCLUDE;FUZZED" ${ARGN})
    set(folder ${CMAKE_CURRENT_SOURCE_DIR})
    if(A_DIR)
        set(folder ${CMAKE_CURRENT_SOURCE_DIR}/${A_DIR})
    endif()
    file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
    foreach(file ${A_EXCLUDE})
        list(REMOVE_ITEM sources ${folder}/${file})
    endforeach()
    set(tests ${sources})
    list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
    list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cpp$")
    if(BV_FUZZ AND A_FUZZED)
        list(TRANSFORM A_FUZZED PREPEND ${folder}/ OUTPUT_VARIABLE sources)
    endif()
    if(sources)
        add_library(${name} STATIC ${sources})
        target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
        target_link_libraries(${name} PUBLIC ${A_DEPS})
        if(NOT A_NO_PCH)
            bv_use_pch(${name})
        endif()
    else()
        add_library(${name} INTERFACE)
        target_include_directories(${name} INTERFACE ${CMAKE_SOURCE_DIR})
        target_link_libraries(${name} INTERFACE ${A_DEPS})
    endif()
    if(tests AND NOT BV_FUZZ)
        bv_test(${name}_test SOURCES ${tests} DEPS ${name} ${A_TEST_DEPS} LABEL ${A_LABEL})
        if(NOT A_NO_PCH)
            bv_use_pch(${name}_test)
        endif()
    endif()
endfunction()

# bv_test(name SOURCES files… DEPS libraries… [LABEL unit|integration|…] [TIMEOUT seconds]): a GoogleTest binary, one ctest entry.
function(bv_test name)
    if(BV_FUZZ)
        return()
    endif()
    cmake_parse_arguments(A "" "LABEL;TIMEOUT" "SOURCES;DEPS" ${ARGN})
    if(NOT A_LABEL)
        set(A_LABEL unit)
    endif()
    if(NOT A_TIMEOUT)
        set(A_TIMEOUT 300)
    endif()
    if(BV_SANITIZE)
        math(EXPR A_TIMEOUT "3 * ${A_TIMEOUT}")
    endif()
    add_executable(${name} ${A_SOURCES})
    # Tests are compiled often and run once: less optimisation halves their build time. Not -O0: the precompiled header
    # is made with optimisation on.
    target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} PRIVATE ${A_DEPS} GTest::gmock_main GTest::gmock GTest::gtest rapidcheck)
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES LABELS ${A_LABEL} TIMEOUT ${A_TIMEOUT})
endfunction()

# bv_fuzz(name FILE x_fuzz.cpp [SOURCES files…] [DEPS libraries…]): the target of that name (platform/testing/fuzz.hpp).
# With the preset fuzz it is build/fuzz/targets/name; else a part of bv_corpora_test (tests/CMakeLists.txt).
# SOURCES: parsers whose library needs much that they do not.
function(bv_fuzz name)
    cmake_parse_arguments(A "" "FILE" "SOURCES;DEPS" ${ARGN})
    list(TRANSFORM A_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
    set(sources ${CMAKE_CURRENT_SOURCE_DIR}/${A_FILE} ${A_SOURCES})
    if(NOT BV_FUZZ)
        set_property(GLOBAL APPEND PROPERTY BV_CORPORA_SOURCES ${sources})
        set_property(GLOBAL APPEND PROPERTY BV_CORPORA_DEPS ${A_DEPS})
        return()
    endif()
    add_executable(fuzz_${name} EXCLUDE_FROM_ALL ${sources})
    set_target_properties(fuzz_${name} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/targets)
    target_include_directories(fuzz_${name} PRIVATE ${CMAKE_SOURCE_DIR})
    target_link_libraries(fuzz_${name} PRIVATE ${A_DEPS})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    bv_use_pch(fuzz_${name})
    if(NOT TARGET fuzz)
        add_custom_target(fuzz)
    endif()
    add_dependencies(fuzz fuzz_${name})
endfunction()

# bv_embed(target NAMESPACE ns VARIABLE name BASE folder FILES files…): adds a generated source that defines
# `std::span<const bv::embedded_file> ns::name()` (platform/core/embed.hpp); each file is named relative to BASE.
function(bv_embed target)
    cmake_parse_arguments(A "" "NAMESPACE;VARIABLE;BASE" "FILES" ${ARGN})
    set(out ${CMAKE_CURRENT_BINARY_DIR}/${A_VARIABLE}.embed.cpp)
    add_custom_command(
        OUTPUT ${out}
        COMMAND bv_embedder ${out} ${A_NAMESPACE} ${A_VARIABLE} ${A_BASE} ${A_FILES}
        DEPENDS bv_embedder ${A_FILES}
        VERBATIM)
    target_sources(${target} PRIVATE ${out})
    set_source_files_properties(${out} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
endfunction()
