// A target that any bytes may be thrown at, with the properties that must hold whatever they are (BV_ASSERT):
//
//   BV_FUZZ(smtp_reply) { smtp_reply_reader reader; reader.put(bytes); … }
//
// With the preset `fuzz` it is what libFuzzer calls. In every other build it is a test that runs the files of
// tests/fuzz/corpus/<name> and mutations of them, so that what a fuzzer once found stays found. One target a file, named
// <what>_fuzz.cpp and told to CMake by bv_fuzz().
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "platform/core/assert.hpp"

#if defined(BV_FUZZER)

#define BV_FUZZ(name)                                                                   \
    static void fuzz_##name(std::string_view bytes);                                    \
    extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
        fuzz_##name(std::string_view(reinterpret_cast<const char*>(data), size));       \
        return 0;                                                                       \
    }                                                                                   \
    static void fuzz_##name(std::string_view bytes)

#else

#include <gtest/gtest.h>

namespace bv::testing {

// tests/fuzz/corpora.cpp. An assertion that fails names the file, or writes the mutation to one.
void run_corpus(std::string_view name, void (*target)(std::string_view));

}  // namespace bv::testing

#define BV_FUZZ(name)                                                          \
    static void fuzz_##name(std::string_view bytes);                           \
    TEST(corpora, name) { ::bv::testing::run_corpus(#name, &fuzz_##name); }    \
    static void fuzz_##name(std::string_view bytes)

#endif
