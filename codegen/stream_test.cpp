// A generated method whose request is a stream, served from lines of JSON.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "bitvelocity/sample/v1/sample.bv.hpp"

namespace v1 = bitvelocity::sample::v1;
namespace http = bv::http;

namespace {

using lines = bv::rpc::message_stream<v1::ImportThingsRequest>;

template <class T>
T run(bv::task<T> task) {
    boost::asio::io_context io;
    auto future = boost::asio::co_spawn(io, std::move(task), boost::asio::use_future);
    io.run();
    return future.get();
}

class text_body final : public http::body_reader {
public:
    explicit text_body(std::string text) : text_(std::move(text)) {}
    bv::task<bv::result<std::optional<std::string>>> read() override {
        if (text_.empty()) co_return std::nullopt;
        co_return std::exchange(text_, {});
    }

private:
    std::string text_;
};

// Notes the good ones in the answer, and of the others where they are and which field is wrong.
bv::task<bv::result<v1::ListThingsResponse>> import(bv::rpc::context&, lines& all) {
    v1::ListThingsResponse out;
    while (true) {
        auto next = co_await all.next();
        if (!next) co_return std::unexpected(next.error());
        if (!*next) break;
        auto& [line, message] = **next;
        std::string said = std::to_string(line) + " ";
        if (message) said += message->thing().display_name();
        else said += message.error().violations.empty() ? message.error().reason : message.error().violations.at(0).field;
        out.add_things()->set_display_name(said);
    }
    co_return out;
}

http::response send(std::string body, std::string type = "application/x-ndjson; charset=utf-8") {
    const auto route = bv::rpc::serve_stream<v1::ImportThingsRequest, v1::ListThingsResponse>(v1::import_things_method(), v1::import_things_message, import);
    http::request request;
    request.headers.add("Content-Type", type);
    text_body lines(std::move(body));
    bv::rpc::context context;
    return run(route.handle(request, lines, context));
}

TEST(StreamedMethod, HasItsContractsRouteAndScope) {
    const auto& m = v1::import_things_method();
    EXPECT_EQ(m.service, "bitvelocity.sample.v1.SampleService");
    EXPECT_EQ(m.name, "ImportThings");
    EXPECT_EQ(m.http.verb, "POST");
    EXPECT_EQ(m.http.path, "/v1/things:import");
    bv::rpc::principal caller;
    caller.kind = bv::rpc::caller_kind::user;
    EXPECT_EQ(bv::rpc::authorize(m.auth, caller).error().reason, "SCOPE_MISSING");
    caller.scopes = {"things.write"};
    EXPECT_TRUE(bv::rpc::authorize(m.auth, caller));
}

TEST(StreamedMethod, HasAFormForSerializedMessages) {
    const auto& both = v1::exchange_things_method();
    EXPECT_EQ(both.path, "/bitvelocity.sample.v1.SampleService/ExchangeThings");
    EXPECT_TRUE(both.client_streams && both.server_streams);
    EXPECT_TRUE(v1::watch_thing_method().server_streams);
    EXPECT_FALSE(v1::watch_thing_method().client_streams);
    EXPECT_TRUE(v1::import_things_method().client_streams);
    v1::ImportThingsRequest request, read;
    request.mutable_thing()->set_display_name("Chair");
    request.mutable_thing()->mutable_price()->set_currency("GBP");
    EXPECT_TRUE(v1::exchange_things_parsed(request.SerializeAsString(), read));
    EXPECT_EQ(read.thing().display_name(), "Chair");
    request.mutable_thing()->set_display_name("x");
    EXPECT_EQ(v1::exchange_things_parsed(request.SerializeAsString(), read).error().violations.at(0).field, "thing.displayName");
    EXPECT_EQ(v1::exchange_things_parsed("\xff", read).error().reason, "MALFORMED_MESSAGE");
}

TEST(StreamedMethod, NamesTheServicesThatMayCallFromAnotherProcess) {
    const auto& rule = v1::exchange_things_method().auth;
    EXPECT_TRUE(bv::rpc::authorize_service(rule, "shelves", "edge"));
    EXPECT_TRUE(bv::rpc::authorize_service(rule, "edge", "edge"));
    EXPECT_EQ(bv::rpc::authorize_service(rule, "doors", "edge").error().reason, "CALLER_NOT_ALLOWED");
}

TEST(StreamedMethod, ReadsAndValidatesEachLineByItself) {
    const auto answer = send("{\"displayName\":\"Chair\",\"price\":{\"currency\":\"GBP\"}}\n"
                             "\n"
                             "{\"displayName\":\"x\",\"price\":{\"currency\":\"GBP\"}}\r\n"
                             "{\"displayNam\":1}\n"
                             "{not JSON\n"
                             "{\"displayName\":\"Lamp\",\"price\":{\"currency\":\"EUR\"}}");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body,
              R"({"things":[{"displayName":"1 Chair"},{"displayName":"3 displayName"},{"displayName":"4 displayNam"},{"displayName":"5 MALFORMED_JSON"},{"displayName":"6 Lamp"}]})");
}

TEST(StreamedMethod, TakesLinesOfJsonOnly) {
    EXPECT_EQ(send("{}", "application/json").status, 415);
    EXPECT_EQ(send("{}", "").status, 415);
    EXPECT_EQ(send("", "application/jsonl").body, "{}");
}

}  // namespace
