// A target that any bytes may be thrown at, with the properties that must hold whatever they are (BV_ASSERT):
//
//   BV_FUZZ(smtp_reply) { smtp_reply_reader reader; reader.put(bytes); … }
//
// With the preset `fuzz` it is what libFuzzer calls. In every other build it is a test that runs the files of
// tests/fuzz/corpus/<name>, so that what a fuzzer once found stays found. One target a file, named <what>_fuzz.cpp and told to
// CMake by bv_fuzz().
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "platform/core/assert.hpp"

#if defined(BV_FUZZER)

#define BV_FUZZ(name)                                                                             \
    static void fuzz_##name(std::string_view bytes);                                              \
    extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {            \
        fuzz_##name(std::string_view(reinterpret_cast<const char*>(data), size));                 \
        return 0;                                                                                 \
    }                                                                                             \
    static void fuzz_##name(std::string_view bytes)

#else

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace bv::testing {

// Tests run in the source folder.
inline void run_corpus(const std::string& name, void (*target)(std::string_view)) {
    std::size_t files = 0;
    for (const auto& file : std::filesystem::directory_iterator("tests/fuzz/corpus/" + name)) {
        SCOPED_TRACE(file.path().string());
        std::ifstream in(file.path(), std::ios::binary);
        const std::string bytes(std::istreambuf_iterator<char>(in), {});
        target(bytes);
        ++files;
    }
    EXPECT_GT(files, 0U) << "tests/fuzz/corpus/" << name << " is empty";
}

}  // namespace bv::testing

#define BV_FUZZ(name)                                                        \
    static void fuzz_##name(std::string_view bytes);                         \
    TEST(Corpus, name) { ::bv::testing::run_corpus(#name, &fuzz_##name); }   \
    static void fuzz_##name(std::string_view bytes)

#endif
