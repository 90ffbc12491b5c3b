#include "platform/security/password.hpp"

#include <future>
#include <vector>

#include <boost/asio.hpp>

#include <gtest/gtest.h>

#include "platform/core/error.hpp"
#include "platform/security/password_hasher.hpp"

namespace bv::security {
namespace {

constexpr argon2_cost cheap{.memory_kib = 64, .passes = 1, .lanes = 1};

TEST(password, is_verified_against_its_hash) {
    const std::string hash = hash_password("correct horse", {});
    EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << hash;
    EXPECT_TRUE(verify_password("correct horse", hash));
    EXPECT_FALSE(verify_password("correct hors", hash));
    EXPECT_FALSE(verify_password("", hash));
    EXPECT_NE(hash_password("correct horse", cheap), hash_password("correct horse", cheap));
}

TEST(password, a_hash_of_the_reference_implementation_is_understood) {
    // printf password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32 -e (the test suite of the reference implementation)
    EXPECT_TRUE(verify_password("password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"));
}

TEST(password, malformed_and_absurd_hashes_never_match) {
    const std::string good = hash_password("x", cheap);
    for (const std::string& hash : {std::string(), std::string("x"), std::string("$argon2id$"), good.substr(0, good.size() - 10),
                                    std::string("$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
                                    std::string("$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
                                    std::string("$argon2id$v=19$m=64,t=4000000000,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")})
        EXPECT_FALSE(verify_password("x", hash)) << hash;
}

TEST(password, too_long_ones_are_refused_before_any_work) {
    EXPECT_THROW((void)hash_password(std::string(max_password_bytes + 1, 'x'), cheap), failure);
    EXPECT_FALSE(verify_password(std::string(max_password_bytes + 1, 'x'), hash_password("x", cheap)));
    const std::string longest(max_password_bytes, 'x');
    EXPECT_TRUE(verify_password(longest, hash_password(longest, cheap)));
}

TEST(password, is_hashed_again_when_the_cost_has_changed) {
    const std::string hash = hash_password("x", cheap);
    EXPECT_FALSE(needs_rehash(hash, cheap));
    EXPECT_TRUE(needs_rehash(hash));
    EXPECT_TRUE(needs_rehash("nonsense"));
}

TEST(password, the_dummy_hash_costs_the_same_and_matches_nothing) {
    EXPECT_FALSE(needs_rehash(dummy_password_hash(cheap), cheap));
    EXPECT_EQ(&dummy_password_hash(cheap), &dummy_password_hash(cheap));
    EXPECT_FALSE(verify_password("", dummy_password_hash(cheap)));
}

template <class T>
T run(task<T> t) {
    asio::io_context context;
    auto outcome = asio::co_spawn(context, std::move(t), asio::use_future);
    context.run();
    return outcome.get();
}

task<bool> register_and_sign_in(password_hasher& hasher, std::string password, std::string attempt) {
    std::string stored = co_await hasher.hash(std::move(password));
    co_return co_await hasher.verify(std::move(attempt), std::move(stored));
}

task<bool> resumes_at_home(password_hasher& hasher) {
    const auto home = std::this_thread::get_id();
    (void)co_await hasher.hash("x");
    co_return std::this_thread::get_id() == home;
}

TEST(password_hasher, hashes_and_verifies_off_the_callers_thread) {
    password_hasher hasher({.cost = cheap});
    EXPECT_TRUE(run(register_and_sign_in(hasher, "one", "one")));
    EXPECT_FALSE(run(register_and_sign_in(hasher, "one", "two")));
    EXPECT_TRUE(run(resumes_at_home(hasher)));
    EXPECT_EQ(hasher.waiting(), 0u);
}

TEST(password_hasher, an_unknown_user_is_refused_like_a_wrong_password) {
    password_hasher hasher({.cost = cheap});
    EXPECT_FALSE(run(hasher.verify("anything", std::nullopt)));
}

TEST(password_hasher, passes_errors_on) {
    password_hasher hasher({.cost = cheap});
    EXPECT_THROW((void)run(hasher.hash(std::string(5000, 'x'))), failure);
    EXPECT_EQ(hasher.waiting(), 0u);
}

TEST(password_hasher, refuses_more_than_may_wait) {
    password_hasher hasher({.cost = cheap, .max_waiting = 2});
    asio::io_context context;
    std::vector<std::future<std::string>> all;
    for (int i = 0; i < 5; ++i) all.push_back(asio::co_spawn(context, hasher.hash("x"), asio::use_future));
    context.run();
    int done = 0;
    for (auto& f : all) {
        try {
            (void)f.get();
            ++done;
        } catch (const failure& e) {
            EXPECT_EQ(e.error().code, code::resource_exhausted);
            EXPECT_TRUE(e.error().retry_after);
        }
    }
    EXPECT_GE(done, 2);
    EXPECT_EQ(hasher.waiting(), 0u);
}

}  // namespace
}  // namespace bv::security
