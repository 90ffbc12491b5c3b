// What every adapter of the secrets port must do. One file of an adapter's tests includes this and says
//
//   INSTANTIATE_TEST_SUITE_P(sealed_file, secrets_contract, ::testing::Values(make_sealed_file_world));
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "platform/security/secrets.hpp"

namespace bv::security {

// One store, empty at first. Each process that uses it has a port of its own.
class secrets_world {
public:
    virtual ~secrets_world() = default;
    virtual std::unique_ptr<secrets> open() = 0;
};

using make_secrets_world = std::unique_ptr<secrets_world> (*)();

class secrets_contract : public ::testing::TestWithParam<make_secrets_world> {
protected:
    std::unique_ptr<secrets_world> world = GetParam()();
    std::unique_ptr<secrets> here = world->open(), there = world->open();
};

TEST_P(secrets_contract, keeps_what_was_put_for_every_process) {
    here->put("provider.webhook", "very secret value");
    EXPECT_EQ(*here->get("provider.webhook"), "very secret value");
    EXPECT_EQ(*there->get("provider.webhook"), "very secret value");
    EXPECT_EQ(*world->open()->get("provider.webhook"), "very secret value");
}

TEST_P(secrets_contract, what_is_not_there_is_not_found) {
    EXPECT_EQ(here->get("other").error().reason, "SECRET_NOT_FOUND");
    EXPECT_EQ(here->get_latest("other").error().reason, "SECRET_NOT_FOUND");
    EXPECT_EQ(here->get("other").error().code, code::not_found);
}

TEST_P(secrets_contract, any_bytes_are_a_secret) {
    for (const std::string& value : {std::string("\0\xff", 2), std::string(), std::string("{\"a\": \"b\"}\n"), std::string("gr\xc3\xbc\xc3\x9f"), std::string(3000, '\x80')}) {
        here->put("bytes", value);
        EXPECT_EQ(*there->get_latest("bytes"), value);
    }
}

TEST_P(secrets_contract, another_process_sees_a_change_when_it_asks_for_the_latest) {
    here->put("a", "old");
    EXPECT_EQ(*there->get("a"), "old");
    here->put("a", "new");
    EXPECT_EQ(*here->get("a"), "new");
    EXPECT_EQ(*there->get_latest("a"), "new");
    EXPECT_EQ(*there->get("a"), "new");
}

TEST_P(secrets_contract, the_first_value_wins) {
    EXPECT_EQ(here->get_or_put("a", "first"), "first");
    EXPECT_EQ(there->get_or_put("a", "second"), "first");
    EXPECT_EQ(*here->get("a"), "first");
}

TEST_P(secrets_contract, only_what_was_seen_is_replaced) {
    here->put("a", "first");
    EXPECT_EQ(there->replace("a", "first", "second"), "second");
    EXPECT_EQ(here->replace("a", "first", "third"), "second") << "another process has replaced it";
    EXPECT_EQ(*here->get_latest("a"), "second");
    EXPECT_EQ(here->replace("b", "removed since", "new"), "new");
    EXPECT_EQ(*there->get_latest("b"), "new");
}

TEST_P(secrets_contract, of_processes_that_replace_at_once_one_wins) {
    here->put("a", "old");
    std::vector<std::string> got(8);
    std::vector<std::unique_ptr<secrets>> ports(got.size());
    for (auto& p : ports) p = world->open();
    {
        std::vector<std::jthread> processes;
        for (std::size_t i = 0; i < got.size(); ++i) processes.emplace_back([&, i] { got[i] = ports[i]->replace("a", "old", std::to_string(i)); });
    }
    for (const auto& g : got) EXPECT_EQ(g, got.front());
    EXPECT_EQ(*here->get_latest("a"), got.front());
}

TEST_P(secrets_contract, of_processes_that_begin_at_once_one_wins) {
    std::vector<std::string> got(8);
    std::vector<std::unique_ptr<secrets>> ports(got.size());
    for (auto& p : ports) p = world->open();
    {
        std::vector<std::jthread> processes;
        for (std::size_t i = 0; i < got.size(); ++i) processes.emplace_back([&, i] { got[i] = ports[i]->get_or_put("a", std::to_string(i)); });
    }
    for (const auto& g : got) EXPECT_EQ(g, got.front());
    EXPECT_EQ(*here->get_latest("a"), got.front());
}

TEST_P(secrets_contract, what_was_removed_is_gone_and_can_be_put_anew) {
    here->put("a", "x");
    here->remove("a");
    here->remove("never.there");
    EXPECT_FALSE(here->get("a"));
    EXPECT_FALSE(there->get_latest("a"));
    EXPECT_EQ(there->get_or_put("a", "y"), "y");
    EXPECT_EQ(*here->get_latest("a"), "y");
}

TEST_P(secrets_contract, names_are_sorted_and_those_that_are_there) {
    EXPECT_TRUE(here->names().empty());
    for (const char* name : {"dev.b", "database.orders.password", "dev.a"}) here->put(name, "x");
    here->remove("dev.b");
    EXPECT_EQ(there->names(), (std::vector<std::string>{"database.orders.password", "dev.a"}));
}

TEST_P(secrets_contract, a_key_is_made_once) {
    const auto key = here->key("kek");
    EXPECT_EQ(here->key("kek").bytes(), key.bytes());
    EXPECT_EQ(there->key("kek").bytes(), key.bytes());
    EXPECT_NE(here->key("another").bytes(), key.bytes());
}

TEST_P(secrets_contract, what_is_no_key_is_told) {
    here->put("kek", "not a key");
    try {
        (void)there->key("kek");
        FAIL() << "it is taken for a key";
    } catch (const failure& f) {
        EXPECT_EQ(f.error().reason, "SECRET_MALFORMED");
    }
}

}  // namespace bv::security
