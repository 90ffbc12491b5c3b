// A generated service behind the HTTP dispatch, and its client for the same process.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "bitvelocity/sample/v1/sample.bv.hpp"
#include "platform/rpc/http_dispatch.hpp"
#include "platform/rpc/message_json.hpp"

namespace v1 = bitvelocity::sample::v1;
namespace http = bv::http;

namespace {

constexpr const char* id = "0190b8a4-0000-7000-8000-000000000000";

// Gives back what it was asked, so that the tests see what arrived.
class echo_service final : public v1::sample_service {
public:
    std::string last;
    bv::rpc::context seen;

    bv::task<bv::result<v1::Thing>> create_thing(bv::rpc::context& c, v1::CreateThingRequest r) override {
        note(c, r);
        co_return r.thing();
    }
    bv::task<bv::result<v1::Thing>> get_thing(bv::rpc::context& c, v1::GetThingRequest r) override {
        note(c, r);
        c.etag = "7";
        v1::Thing out;
        out.set_id(r.id());
        co_return out;
    }
    bv::task<bv::result<v1::ListThingsResponse>> list_things(bv::rpc::context& c, v1::ListThingsRequest r) override {
        note(c, r);
        co_return v1::ListThingsResponse{};
    }
    bv::task<bv::result<v1::Thing>> update_thing(bv::rpc::context& c, v1::UpdateThingRequest r) override {
        note(c, r);
        if (auto match = c.require_match("7"); !match) co_return std::unexpected(std::move(match.error()));
        co_return r.thing();
    }
    bv::task<bv::result<v1::Thing>> close_thing(bv::rpc::context& c, v1::CloseThingRequest r) override {
        note(c, r);
        if (r.reason() == "throw") throw std::runtime_error("secret");
        co_return bv::fail(bv::code::not_found, "THING_NOT_FOUND", "There is no such thing.");
    }
    bv::task<bv::result<google::protobuf::Empty>> delete_thing(bv::rpc::context& c, v1::DeleteThingRequest r) override {
        note(c, r);
        co_return google::protobuf::Empty{};
    }
    bv::task<bv::result<v1::EveryType>> echo_types(bv::rpc::context&, v1::EveryType r) override { co_return r; }

private:
    template <class Request>
    void note(const bv::rpc::context& c, const Request& r) {
        last = bv::rpc::to_json(r);
        seen = c;
    }
};

template <class T>
T run(bv::task<T> task) {
    boost::asio::io_context io;
    auto future = boost::asio::co_spawn(io, std::move(task), boost::asio::use_future);
    io.run();
    return future.get();
}

struct edge {
    echo_service service;
    bv::rpc::router routes;
    bv::rpc::origin from;

    edge() {
        routes.add(v1::serve(service));
        from.caller.kind = bv::rpc::caller_kind::user;
        from.caller.scopes = {"things.read", "things.write"};
    }
    http::response send(std::string verb, std::string target, std::string body = {}, std::vector<std::pair<std::string, std::string>> headers = {}) {
        http::request request;
        request.verb_text = verb;
        request.verb = http::parse_verb(verb);
        request.target = std::move(target);
        request.body = std::move(body);
        for (const auto& [name, value] : headers) request.headers.add(name, value);
        return run(bv::rpc::dispatch(routes, request, from));
    }
};

bool has(const http::response& r, std::string_view text) { return r.body.find(text) != std::string::npos; }

TEST(HttpDispatch, BindsThePathAndReadsTheBody) {
    edge e;
    const auto made = e.send("POST", "/v1/things", R"({"thing":{"display_name":"Chair","price":{"currency":"GBP","minorUnits":5}},"room":1})", {{"Idempotency-Key", "k1"}});
    EXPECT_EQ(made.status, 200);
    EXPECT_EQ(made.body, R"({"displayName":"Chair","price":{"minorUnits":"5","currency":"GBP"}})");
    EXPECT_EQ(e.service.seen.idempotency_key, "k1");
    const std::string target = std::string("/v1/shelves/s1/things/") + id + "?as_of=2026-01-31T09%3A00%3A00Z";
    EXPECT_EQ(e.send("GET", target).status, 200);
    EXPECT_EQ(e.service.last, std::string(R"({"id":")") + id + R"(","parent":"shelves/s1","asOf":"2026-01-31T09:00:00Z"})");
}

TEST(HttpDispatch, BindsEveryKindOfQueryParameter) {
    edge e;
    const auto listed = e.send("GET",
                               "/v1/things?page_size=10&pageToken=a%2Bb+c&statuses=STATUS_OPEN&statuses=STATUS_CLOSED&newest_first=true&filter.sku=X&filter.numbers=1"
                               "&filter.numbers=18446744073709551615&filter.digest=-_8&read_mask=things.display_name,next_page_token&min_weight=1.5&max_price=9&younger_than=60s");
    EXPECT_EQ(listed.status, 200) << listed.body;
    EXPECT_EQ(e.service.last,
              R"({"pageSize":10,"pageToken":"a+b c","statuses":["STATUS_OPEN","STATUS_CLOSED"],"newestFirst":true,)"
              R"("filter":{"sku":"X","numbers":["1","18446744073709551615"],"digest":"+/8="},"readMask":"things.displayName,nextPageToken",)"
              R"("minWeight":1.5,"maxPrice":"9","youngerThan":"60s"})");
}

struct refused_case {
    const char *target, *text;
};

TEST(HttpDispatch, RefusesWrongParametersByName) {
    edge e;
    for (const auto& [target, text] : std::initializer_list<refused_case>{{"/v1/things?pagesize=1", R"("field":"pagesize","description":"unknown parameter; did you mean page_size?")"},
                                                                         {"/v1/things?filter.sk=1", R"(did you mean filter.sku?)"},
                                                                         {"/v1/things?page_size=x", R"("field":"page_size","description":"must be a number")"},
                                                                         {"/v1/things?page_size=99999999999", "must be an integer from -2147483648"},
                                                                         {"/v1/things?page_size=1&page_size=2", "is given more than once"},
                                                                         {"/v1/things?page_size=1&pageSize=2", "is given more than once"},
                                                                         {"/v1/things?page_size=101", R"("field":"pageSize","description":"must be from 0 to 100, is 101")"},
                                                                         {"/v1/things?newest_first=1", "must be true or false"},
                                                                         {"/v1/things?statuses=OPEN", "must be one of STATUS_UNSPECIFIED, STATUS_OPEN"},
                                                                         {"/v1/things?filter=x", "cannot be given as a parameter"},
                                                                         {"/v1/things?page_size.x=1", "unknown parameter"},
                                                                         {"/v1/things?page_token=%ff", "must be valid UTF-8"},
                                                                         {"/v1/things?page_token=%f", "MALFORMED_QUERY"},
                                                                         {"/v1/things?%ff=1", "not valid UTF-8"},
                                                                         {"/v1/things?younger_than=1h", "must be a duration"}}) {
        const auto answer = e.send("GET", target);
        EXPECT_EQ(answer.status, 400) << target;
        EXPECT_TRUE(has(answer, text)) << target << '\n' << answer.body;
    }
}

TEST(HttpDispatch, APatchFillsItsMaskFromTheBody) {
    edge e;
    const std::string target = std::string("/v1/things/") + id;
    EXPECT_EQ(e.send("PATCH", target, R"({"phone":"1","displayName":null,"createTime":"2026-01-31T09:00:00Z"})").status, 400);  // null clears what is required
    const auto changed = e.send("PATCH", target, R"({"phone":"1","createTime":"2026-01-31T09:00:00Z"})");
    EXPECT_EQ(changed.status, 200) << changed.body;
    EXPECT_TRUE(e.service.last.ends_with(R"("updateMask":"phone"})")) << e.service.last;
    EXPECT_EQ(e.send("PATCH", target + "?update_mask=status", R"({"phone":"1"})").status, 200);
    EXPECT_TRUE(e.service.last.ends_with(R"("updateMask":"status"})")) << e.service.last;
    const auto refused = e.send("PATCH", target, R"({"displayName":"x"})");
    EXPECT_TRUE(has(refused, R"("field":"displayName")")) << refused.body;
}

TEST(HttpDispatch, APatchOfNothingChangesNothing) {
    edge e;
    const auto same = e.send("PATCH", std::string("/v1/things/") + id, "{}");
    EXPECT_EQ(same.status, 200) << same.body;
    EXPECT_TRUE(e.service.last.ends_with(R"("updateMask":""})")) << e.service.last;
    EXPECT_EQ(e.send("PATCH", std::string("/v1/things/") + id).status, 400) << "no body is no object";
}

TEST(HttpDispatch, AStarReplacesTheResource) {
    edge e;
    const std::string target = std::string("/v1/things/") + id + "?update_mask=*";
    const auto partial = e.send("PATCH", target, R"({"phone":"1"})");
    EXPECT_EQ(partial.status, 400);
    EXPECT_TRUE(has(partial, R"({"field":"displayName","description":"is required"})")) << partial.body;
    const auto whole = e.send("PATCH", target, R"({"displayName":"Chair","price":{"currency":"GBP"}})");
    EXPECT_EQ(whole.status, 200) << whole.body;
    EXPECT_TRUE(e.service.last.ends_with(R"("updateMask":"displayName,price,lines,status,owner,guests,phone,aliases,shoeSize"})")) << e.service.last;
}

TEST(HttpDispatch, RefusesABodyThatContradictsThePath) {
    edge e;
    const auto answer = e.send("POST", std::string("/v1/things/") + id + ":close", R"({"id":"0190b8a4-0000-7000-8000-000000000001"})");
    EXPECT_EQ(answer.status, 400);
    EXPECT_TRUE(has(answer, "is one thing in the path and another in the body")) << answer.body;
    EXPECT_EQ(e.send("POST", std::string("/v1/things/") + id + ":close?reason=x").status, 400);
}

TEST(HttpDispatch, KnowsETags) {
    edge e;
    const std::string target = std::string("/v1/things/") + id;
    const auto read = e.send("GET", target);
    EXPECT_EQ(read.headers.get("ETag"), "\"7\"");
    for (const char* tag : {"\"7\"", "W/\"7\"", "\"6\", \"7\"", "*"}) EXPECT_EQ(e.send("GET", target, {}, {{"If-None-Match", tag}}).status, 304) << tag;
    EXPECT_EQ(e.send("GET", target, {}, {{"If-None-Match", "\"8\""}}).status, 200);
    EXPECT_EQ(e.send("PATCH", target, R"({"phone":"1"})", {{"If-Match", "\"6\""}}).status, 412);
    for (const char* tag : {"\"7\"", "*", "\"6\", \"7\""}) EXPECT_EQ(e.send("PATCH", target, R"({"phone":"1"})", {{"If-Match", tag}}).status, 200) << tag;
}

TEST(HttpDispatch, AsksForCredentialsAndScopesBeforeItReadsTheBody) {
    edge e;
    e.from.caller = {};
    EXPECT_EQ(e.send("POST", "/v1/things", "{").status, 401);
    EXPECT_EQ(e.send("GET", "/v1/things").status, 200);  // open to anyone
    e.from.caller.kind = bv::rpc::caller_kind::api_key;
    const auto refused = e.send("POST", "/v1/things", "{");
    EXPECT_EQ(refused.status, 403);
    EXPECT_TRUE(has(refused, "things.write or things.write.any"));
    EXPECT_EQ(e.send("DELETE", "/v1/things/x").status, 200);  // any authenticated caller
}

TEST(HttpDispatch, RendersWhatServicesReturnAndThrow) {
    edge e;
    const std::string target = std::string("/v1/things/") + id + ":close";
    EXPECT_EQ(e.send("POST", target).status, 404);
    const auto broken = e.send("POST", target, R"({"reason":"throw"})");
    EXPECT_EQ(broken.status, 500);
    EXPECT_FALSE(has(broken, "secret"));
    EXPECT_EQ(e.send("DELETE", "/v1/things/x").body, "{}");
    EXPECT_EQ(e.send("GET", "/v1/nothing").status, 404);
    const auto not_allowed = e.send("PUT", "/v1/things");
    EXPECT_EQ(not_allowed.status, 405);
    EXPECT_EQ(not_allowed.headers.get("Allow"), "POST, GET, HEAD, OPTIONS");
    EXPECT_EQ(e.send("POST", "/v1/things", "<a/>", {{"Content-Type", "text/xml"}}).status, 415);
    EXPECT_EQ(e.send("POST", target, "{}", {{"Content-Type", "application/merge-patch+json; charset=utf-8"}}).status, 404);
    EXPECT_EQ(e.send("POST", target, "{}", {{"Idempotency-Key", std::string(256, 'x')}}).status, 400);
}

TEST(InProcessClient, AuthorizesValidatesAndHandsTheETagBack) {
    echo_service service;
    v1::sample_service_client client(service);
    bv::rpc::context context;
    v1::GetThingRequest request;
    EXPECT_EQ(run(client.get_thing(context, request)).error().code, bv::code::unauthenticated);
    context.caller.kind = bv::rpc::caller_kind::service;
    EXPECT_EQ(run(client.get_thing(context, request)).error().violations.at(0).field, "id");
    EXPECT_EQ(service.last, "");
    request.set_id(id);
    ASSERT_TRUE(run(client.get_thing(context, request)));
    EXPECT_EQ(context.etag, "7");
}

TEST(InProcessClient, AnAbsentMaskMeansTheFieldsThatHaveAValue) {
    echo_service service;
    v1::sample_service_client client(service);
    bv::rpc::context context;
    context.caller.kind = bv::rpc::caller_kind::service;
    v1::UpdateThingRequest request;
    request.mutable_thing()->set_id(id);
    request.mutable_thing()->set_shoe_size(44);
    request.mutable_thing()->add_aliases("A");
    ASSERT_TRUE(run(client.update_thing(context, request)));
    EXPECT_TRUE(service.last.ends_with(R"("updateMask":"aliases,shoeSize"})")) << service.last;
    request.mutable_update_mask()->add_paths("*");
    EXPECT_EQ(run(client.update_thing(context, request)).error().violations.at(0).field, "thing.displayName");
    request.mutable_update_mask()->set_paths(0, "etag");
    EXPECT_EQ(run(client.update_thing(context, request)).error().violations.at(0).field, "updateMask");
}

TEST(Registry, WritesMessagesByTheirName) {
    bv::rpc::register_types(v1::bitvelocity_sample_v1_shared_types());
    bv::rpc::register_types(v1::bitvelocity_sample_v1_shared_types());
    v1::Contact contact;
    contact.set_email("a@b.de");
    EXPECT_EQ(bv::rpc::to_json(bv::rpc::type_name<v1::Contact>(), contact.SerializeAsString()), R"({"email":"a@b.de"})");
    EXPECT_EQ(bv::rpc::to_json("bitvelocity.sample.v1.Contact", contact.SerializeAsString(), true), R"({"email":"***"})");
    EXPECT_EQ(bv::rpc::to_json("bitvelocity.sample.v1.Contact", "\xff"), std::nullopt);
    EXPECT_EQ(bv::rpc::to_json("bitvelocity.sample.v1.Nothing", ""), std::nullopt);
    EXPECT_EQ(bv::rpc::registered_types().size(), 2U);
}

}  // namespace
