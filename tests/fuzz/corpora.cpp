// Runs the targets of *_fuzz.cpp without libFuzzer: over each kept input, and over mutations of them from a fixed seed.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include "platform/core/clock.hpp"
#include "platform/testing/fuzz.hpp"

namespace bv::testing {
namespace {

constexpr int mutations = 1000;  // of a target; a fuzzer makes as many in a few milliseconds, and is led by what they reach

// What the handler of SIGABRT tells: it may only use what is there already.
std::string_view current_input;
std::string current_file, failed_file;

// A failed assertion of a target ends the process, so this is the last chance to say what it was given.
void tell_input(int) {
    const auto say = [](std::string_view text) { (void)!::write(STDERR_FILENO, text.data(), text.size()); };
    if (current_file.empty()) {
        std::ofstream(failed_file, std::ios::binary) << current_input;
        say("The input was written to "), say(failed_file);
    } else {
        say("The input is "), say(current_file);
    }
    say("\n");
}

std::string read_file(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void mutate(std::string& text, const std::vector<std::string>& corpus, rng& random) {
    constexpr std::string_view telling = "\r\n\t :;,.%\"\\{}[]=&/+-*09azAZ\x7f\xff";
    const auto one = [&] { return telling[random.below(telling.size())]; };
    for (auto n = 1 + random.below(4); n-- > 0;) {
        const auto at = random.below(text.size() + 1);
        switch (random.below(6)) {
            case 0: text.insert(at, 1, one()); break;
            case 1: text.erase(at, 1 + random.below(3)); break;
            case 2: text.insert(at, std::string(text.substr(at, random.below(30)))); break;
            case 3: text = text.substr(0, at) + corpus[random.below(corpus.size())]; break;
            case 4: if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << random.below(8))); break;
            default: if (at < text.size()) text[at] = one(); break;
        }
    }
    if (text.size() > 4096) text.resize(4096);
}

}  // namespace

void run_corpus(std::string_view name, void (*target)(std::string_view)) {
    std::vector<std::filesystem::path> files;
    for (const auto& file : std::filesystem::directory_iterator(std::filesystem::path("tests/fuzz/corpus") / name)) files.push_back(file.path());
    std::sort(files.begin(), files.end());
    ASSERT_FALSE(files.empty()) << "tests/fuzz/corpus/" << name << " is empty";
    failed_file = (std::filesystem::temp_directory_path() / ("bv-" + std::string(name) + "-failed-input")).string();
    const auto before = std::signal(SIGABRT, tell_input);
    const auto run = [&](std::string_view bytes) {
        // Memory of exactly that length, so that a sanitizer sees what reads behind it.
        const auto exact = std::make_unique<char[]>(bytes.size());
        std::copy(bytes.begin(), bytes.end(), exact.get());
        current_input = {exact.get(), bytes.size()};
        target(current_input);
    };
    std::vector<std::string> corpus;
    for (const auto& file : files) {
        current_file = file.string();
        run(corpus.emplace_back(read_file(file)));
    }
    current_file.clear();
    seeded_rng random(7);
    for (int i = 0; i < mutations; ++i) {
        std::string text = corpus[random.below(corpus.size())];
        mutate(text, corpus, random);
        run(text);
    }
    (void)std::signal(SIGABRT, before);
}

}  // namespace bv::testing
