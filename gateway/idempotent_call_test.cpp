#include "gateway/idempotent_call.hpp"

#include <map>

#include <gtest/gtest.h>

#include "platform/testing/run.hpp"

namespace bv::gateway {
namespace {

using resilience::stored_answer;

// Both in the order in which they were asked.
struct journal {
    std::string text;
    void note(std::string_view what) { text += (text.empty() ? "" : " ") + std::string(what); }
};

class store final : public resilience::idempotency_store {
public:
    explicit store(journal& j) : journal_(j) {}
    task<result<std::optional<stored_answer>>> claim(std::string, std::string, std::string fingerprint) override {
        journal_.note("claim");
        if (!print.empty() && print != fingerprint) co_return fail(code::invalid_argument, "IDEMPOTENCY_KEY_REUSED", "another body");
        print = fingerprint;
        co_return answer;
    }
    task<void> finish(std::string, std::string, stored_answer a) override {
        journal_.note("finish");
        if (away) throw failure(code::unavailable, "DATABASE_UNAVAILABLE", "away");
        answer = std::move(a);
        co_return;
    }
    task<void> abandon(std::string, std::string) override {
        journal_.note("abandon");
        co_return;
    }
    bool away = false;
    std::string print;
    std::optional<stored_answer> answer;

private:
    journal& journal_;
};

class early final : public resilience::early_answers {
public:
    explicit early(journal& j) : journal_(j) {}
    task<std::optional<stored_answer>> find(std::string caller, std::string key, std::string fingerprint) override {
        journal_.note("find");
        const auto it = kept.find(caller + key + fingerprint);
        if (it == kept.end()) co_return std::nullopt;
        co_return it->second;
    }
    task<void> keep(std::string caller, std::string key, std::string fingerprint, stored_answer a) override {
        journal_.note("keep");
        kept[caller + key + fingerprint] = std::move(a);
        co_return;
    }
    std::map<std::string, stored_answer> kept;

private:
    journal& journal_;
};

struct early_answers : ::testing::Test {
    task<http::response> run(int status) {
        steps.note("run");
        http::response r;
        r.status = status;
        r.body = "made";
        r.headers.add("ETag", "\"1\"");
        co_return r;
    }
    result<http::response> call(std::string body, int status = 201) {
        http::request r;
        r.verb_text = "POST";
        r.target = "/v1/things";
        r.remote_address = "203.0.113.9";
        r.body = std::move(body);
        r.headers.add("Idempotency-Key", "key");
        steps.text.clear();
        return testing::run(calls.call(r, {}, {}, [this, status] { return run(status); }));
    }
    journal steps;
    store truth{steps};
    early sooner{steps};
    idempotent_caller calls{truth, &sooner};
};

TEST_F(early_answers, are_kept_once_the_store_has_them_and_then_spare_it) {
    EXPECT_EQ(call("a")->body, "made");
    EXPECT_EQ(steps.text, "find claim run finish keep");
    const auto again = call("a");
    EXPECT_EQ(steps.text, "find");
    EXPECT_EQ(again->status, 201);
    EXPECT_EQ(again->body, "made");
    EXPECT_EQ(again->headers.get("ETag"), "\"1\"");
    EXPECT_EQ(again->headers.get("Idempotency-Replayed"), "true");
}

TEST_F(early_answers, decide_nothing) {
    (void)call("a");
    EXPECT_EQ(call("another body").error().reason, "IDEMPOTENCY_KEY_REUSED");
    EXPECT_EQ(steps.text, "find claim");
    sooner.kept.clear();
    EXPECT_EQ(call("a")->headers.get("Idempotency-Replayed"), "true");
    EXPECT_EQ(steps.text, "find claim");
}

TEST_F(early_answers, are_not_those_that_the_store_could_not_take) {
    truth.away = true;
    EXPECT_EQ(call("a")->body, "made");
    EXPECT_TRUE(sooner.kept.empty());
}

TEST_F(early_answers, are_not_those_that_say_nothing_of_the_request) {
    EXPECT_EQ(call("a", 503)->status, 503);
    EXPECT_EQ(steps.text, "find claim run abandon");
}

}  // namespace
}  // namespace bv::gateway
