#include "platform/security/field_keys.hpp"

#include <filesystem>

#include <stdlib.h>

#include <gtest/gtest.h>

#include "platform/testing/fake_clock.hpp"

namespace bv::security {
namespace {

class field_keys_test : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "bv_field_keys_XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        secrets_ = open_sealed_file(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    field_keys process() { return {*secrets_, "shop", clock_, system_rng()}; }

    static constexpr field_place place{"shop.people.email", "7"};
    std::filesystem::path folder_;
    std::unique_ptr<secrets> secrets_;
    bv::testing::fake_clock clock_;
};

TEST_F(field_keys_test, a_rotation_is_used_at_once_and_survives_a_restart) {
    auto keys = process();
    const auto old = keys.encrypt("ada", place);
    clock_.advance(seconds(60));
    EXPECT_EQ(keys.rotate(), 2u);
    const auto fresh = keys.encrypt("ada", place);
    EXPECT_EQ(field_cipher::key_of(old), 1u);
    EXPECT_EQ(field_cipher::key_of(fresh), 2u);
    EXPECT_EQ(*keys.decrypt(old, place), "ada");
    auto again = process();
    EXPECT_EQ(*again.decrypt(old, place), "ada");
    EXPECT_EQ(*again.decrypt(fresh, place), "ada");
    EXPECT_EQ(again.blind_index("c", "x"), keys.blind_index("c", "x")) << "look-ups by equality go on";
    EXPECT_EQ(again.cipher()->keys().back().created - again.cipher()->keys().front().created, seconds(60));
}

TEST_F(field_keys_test, another_process_reads_values_under_a_key_that_it_did_not_make) {
    auto here = process(), there = process();
    here.rotate();
    EXPECT_EQ(*there.decrypt(here.encrypt("ada", place), place), "ada");
    EXPECT_EQ(there.cipher()->current_key(), 2u) << "and writes under it from then on";
    here.rotate();
    there.reload();
    EXPECT_EQ(there.cipher()->current_key(), 3u);
    EXPECT_EQ(there.rotate(), 4u);
    EXPECT_EQ(here.rotate(), 5u) << "a rotation begins with what the others stored";
}

TEST_F(field_keys_test, a_retired_key_is_gone_for_every_process) {
    auto here = process(), there = process();
    const auto old = here.encrypt("ada", place);
    EXPECT_FALSE(here.retire(1)) << "the current one stays";
    here.rotate();
    EXPECT_TRUE(here.retire(1));
    EXPECT_FALSE(here.retire(1));
    there.reload();
    for (auto* p : {&here, &there}) EXPECT_EQ(p->decrypt(old, place).error().reason, "FIELD_KEY_UNKNOWN");
}

}  // namespace
}  // namespace bv::security
