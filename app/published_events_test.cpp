// What services have published, kept in contracts/published: one file for each version of each type that an event uses, as a schema
// registry gets it. What is published must stay readable, whatever the contracts become; buf compares them with the last commit only.
//
// After a change that may be made: BV_PUBLISH=1 build/release/app/bv_modules_test --gtest_filter='published_events.*' adds what is new.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "app/event_log.hpp"
#include "platform/events/registry/compatibility.hpp"
#include "platform/events/registry/schema.hpp"

namespace bv::contracts {
void register_bv_contracts_types();
}

namespace bv::app {
namespace {

namespace fs = std::filesystem;
namespace registry = events::registry;

const fs::path folder = "contracts/published";

std::map<std::string, std::string> current() {
    bv::contracts::register_bv_contracts_types();
    std::map<std::string, std::string> out;  // text by type
    for (const auto& [source, types] : published_types())
        for (const auto& type : types)
            for (auto& s : registry::schemas_of(type)) out.emplace(s.type, std::move(s.text));
    return out;
}

std::string read(const fs::path& file) {
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

// Oldest first.
std::vector<fs::path> versions_of(const std::string& type) {
    std::vector<fs::path> out;
    for (int n = 1; fs::exists(folder / type / fmt::format("{}.proto", n)); ++n) out.push_back(folder / type / fmt::format("{}.proto", n));
    return out;
}

void publish(const std::string& type, const std::string& text) {
    fs::create_directories(folder / type);
    std::ofstream(folder / type / fmt::format("{}.proto", versions_of(type).size() + 1)) << text;
}

TEST(published_events, stay_readable) {
    const auto now = current();
    ASSERT_GT(now.size(), 20u);
    for (const auto& [type, text] : now) {
        const auto newer = registry::parse_schema(text);
        ASSERT_TRUE(newer) << type;
        for (const auto& file : versions_of(type)) {
            const auto older = registry::parse_schema(read(file));
            ASSERT_TRUE(older) << file << ": " << older.error().message;
            for (const auto& b : registry::breaches(*older, *newer)) ADD_FAILURE() << file.string() << " can no longer be read: " << b.str() << ". Take the change back, or make it an event of another name";
        }
    }
}

TEST(published_events, are_all_kept) {
    const bool may_write = std::getenv("BV_PUBLISH") != nullptr;
    for (const auto& [type, text] : current()) {
        const auto versions = versions_of(type);
        if (!versions.empty() && read(versions.back()) == text) continue;
        if (may_write) publish(type, text);
        else ADD_FAILURE() << type << " is not what contracts/published has last. If it may change, add it: BV_PUBLISH=1 build/release/app/bv_modules_test --gtest_filter='published_events.*'";
    }
}

TEST(published_events, do_not_vanish) {
    const auto now = current();
    std::error_code ec;
    for (const auto& kept : fs::directory_iterator(folder, ec))
        EXPECT_TRUE(now.contains(kept.path().filename().string())) << kept.path().string() << " was published, and its contract is gone: records of it are there";
}

}  // namespace
}  // namespace bv::app
