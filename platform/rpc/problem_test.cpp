#include "platform/rpc/problem.hpp"

#include <gtest/gtest.h>

namespace bv::rpc {
namespace {

TEST(Problem, CarriesReasonViolationsAndTrace) {
    error e{code::invalid_argument, "OUT_OF_STOCK", "Say \"please\".", {{"lines[0].sku", "is unknown"}}, {}};
    const auto trace = telemetry::span_context::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    const auto response = problem_response(e, trace);
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.content_type, "application/problem+json");
    EXPECT_EQ(response.body,
              R"({"type":"urn:bitvelocity:problem:out-of-stock","title":"Out of stock","status":400,"detail":"Say \"please\".",)"
              R"("reason":"OUT_OF_STOCK","violations":[{"field":"lines[0].sku","description":"is unknown"}],)"
              R"("trace_id":"0af7651916cd43dd8448eb211c80319c"})");
}

TEST(Problem, HidesWhatBrokeInside) {
    const auto response = problem_response(error{code::internal, "SQL", "relation orders does not exist", {}, {}});
    EXPECT_EQ(response.status, 500);
    EXPECT_EQ(response.body.find("relation"), std::string::npos);
    EXPECT_NE(response.body.find(R"("type":"about:blank")"), std::string::npos);
}

TEST(Problem, HidesWhatADatabaseSaysOfItsTables) {
    for (const auto* reason : {"UNIQUE_VIOLATION", "INVALID_VALUE", "SERIALIZATION_FAILURE", "STATEMENT_TIMEOUT"}) {
        const auto e = shown(error{code::aborted, reason, "statement order.insert: constraint orders_pkey (SQLSTATE 23505)", {}, {}});
        EXPECT_EQ(e.message.find("orders_pkey"), std::string::npos) << reason;
        EXPECT_EQ(e.reason, reason);
    }
}

struct status_case {
    code c;
    const char* reason;
    int status;
};

TEST(Problem, TakesTheStatusOfTheReasonBeforeThatOfTheCode) {
    for (const auto& [c, reason, status] : {status_case{code::aborted, "ETAG_MISMATCH", 412}, {code::invalid_argument, "IDEMPOTENCY_KEY_REUSED", 422},
                                            {code::aborted, "IDEMPOTENCY_KEY_IN_USE", 409}, {code::unimplemented, "METHOD_NOT_ALLOWED", 405},
                                            {code::invalid_argument, "UNSUPPORTED_MEDIA_TYPE", 415}, {code::not_found, "X", 404}, {code::unavailable, "X", 503}})
        EXPECT_EQ(problem_status(error{c, reason, "", {}, {}}), status) << reason;
}

TEST(Problem, SaysWhenToTryAgainInWholeSecondsRoundedUp) {
    EXPECT_EQ(problem_response(error{code::resource_exhausted, "RATE", "", {}, std::chrono::milliseconds(1200)}).headers.get("Retry-After"), "2");
    EXPECT_EQ(problem_response(error{code::resource_exhausted, "RATE", "", {}, std::chrono::milliseconds(0)}).headers.get("Retry-After"), "1");
}

TEST(Problem, AsksForCredentials) {
    EXPECT_EQ(problem_response(error{code::unauthenticated, "CREDENTIALS_REQUIRED", "", {}, {}}).headers.get("WWW-Authenticate"), "Bearer");
}

TEST(Problem, RendersTheServersOwnErrors) {
    const auto response = problem_response(431, "The header is too long.");
    EXPECT_EQ(response.status, 431);
    EXPECT_NE(response.body.find(R"("detail":"The header is too long.")"), std::string::npos);
}

}  // namespace
}  // namespace bv::rpc
