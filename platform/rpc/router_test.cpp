#include "platform/rpc/router.hpp"

#include <gtest/gtest.h>

namespace bv::rpc {
namespace {

task<result<void>> unused(void*, context&, std::size_t, const parameters&, std::string_view, std::string&) { co_return result<void>{}; }

constexpr http_binding get_order[] = {{"GET", "/v1/orders/{id}", ""}, {"GET", "/v1/{parent=customers/*}/orders/{id}", ""}};
constexpr http_binding delete_order[] = {{"DELETE", "/v1/orders/{id}", ""}};
constexpr http_binding list_orders[] = {{"GET", "/v1/orders", ""}};
constexpr http_binding place_order[] = {{"POST", "/v1/orders", "*"}};
constexpr http_binding cancel_order[] = {{"POST", "/v1/orders/{id}:cancel", "*"}};
constexpr http_binding batch_get[] = {{"GET", "/v1/orders:batchGet", ""}};
constexpr http_binding latest[] = {{"GET", "/v1/orders/latest", ""}};
constexpr http_binding file[] = {{"GET", "/v1/files/{name=**}", ""}};
constexpr http_binding update_order[] = {{"PATCH", "/v1/orders/{order.id}", "order"}};

constexpr method methods[] = {
    {"shop.v1.Orders", "GetOrder", {}, true, false, get_order, &unused},
    {"shop.v1.Orders", "DeleteOrder", {}, true, false, delete_order, &unused},
    {"shop.v1.Orders", "ListOrders", {}, true, false, list_orders, &unused},
    {"shop.v1.Orders", "PlaceOrder", {}, false, true, place_order, &unused},
    {"shop.v1.Orders", "CancelOrder", {}, false, false, cancel_order, &unused},
    {"shop.v1.Orders", "BatchGet", {}, true, false, batch_get, &unused},
    {"shop.v1.Orders", "Latest", {}, true, false, latest, &unused},
    {"shop.v1.Orders", "File", {}, true, false, file, &unused},
    {"shop.v1.Orders", "UpdateOrder", {}, true, false, update_order, &unused},
};

router shop() {
    router out;
    out.add({nullptr, methods});
    return out;
}

std::string text_of(const parameters& all) {
    std::string out;
    for (const auto& [name, value] : all) out += name + '=' + value + ';';
    return out;
}

struct routing_case {
    const char *verb, *path, *expected, *parameters;
};

class Routing : public ::testing::TestWithParam<routing_case> {};

TEST_P(Routing, FindsTheMethodOrTheReason) {
    const auto found = shop().find(GetParam().verb, GetParam().path);
    EXPECT_EQ(found ? std::string(found->route.method->name) : found.error().reason, GetParam().expected) << GetParam().verb << ' ' << GetParam().path;
    if (found) EXPECT_EQ(text_of(found->path), GetParam().parameters);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Routing,
    ::testing::Values(routing_case{"GET", "/v1/orders/7", "GetOrder", "id=7;"}, routing_case{"HEAD", "/v1/orders/7", "GetOrder", "id=7;"},
                      routing_case{"GET", "/v1/customers/c1/orders/7", "GetOrder", "parent=customers/c1;id=7;"},
                      routing_case{"DELETE", "/v1/orders/7", "DeleteOrder", "id=7;"}, routing_case{"GET", "/v1/orders", "ListOrders", ""},
                      routing_case{"POST", "/v1/orders", "PlaceOrder", ""}, routing_case{"POST", "/v1/orders/7:cancel", "CancelOrder", "id=7;"},
                      routing_case{"POST", "/v1/orders/a:b:cancel", "CancelOrder", "id=a:b;"}, routing_case{"GET", "/v1/orders:batchGet", "BatchGet", ""},
                      routing_case{"GET", "/v1/orders/latest", "Latest", ""},
                      // No DELETE on the static path: the variable takes it.
                      routing_case{"DELETE", "/v1/orders/latest", "DeleteOrder", "id=latest;"},
                      // Not a verb that the path has: part of the id.
                      routing_case{"GET", "/v1/orders/7:other", "GetOrder", "id=7:other;"},
                      routing_case{"GET", "/v1/orders/a%2Fb%20c", "GetOrder", "id=a/b c;"}, routing_case{"GET", "/v1/%6Frders/7", "GetOrder", "id=7;"},
                      routing_case{"GET", "/v1/files/a/b/c", "File", "name=a/b/c;"}, routing_case{"PATCH", "/v1/orders/7", "UpdateOrder", "order.id=7;"},
                      routing_case{"PUT", "/v1/orders/7", "METHOD_NOT_ALLOWED", ""}, // A custom method's path is that, whatever the verb.
                      routing_case{"GET", "/v1/orders/7:cancel", "METHOD_NOT_ALLOWED", ""},
                      routing_case{"GET", "/v1/orders/", "NO_SUCH_PATH", ""}, routing_case{"GET", "/v1//orders", "NO_SUCH_PATH", ""},
                      routing_case{"GET", "/v2/orders", "NO_SUCH_PATH", ""}, routing_case{"GET", "", "NO_SUCH_PATH", ""},
                      routing_case{"GET", "v1/orders", "NO_SUCH_PATH", ""}, routing_case{"GET", "/v1/orders/7/8", "NO_SUCH_PATH", ""},
                      routing_case{"GET", "/v1/orders/%zz", "MALFORMED_PATH", ""},
                      routing_case{"GET", "/1/2/3/4/5/6/7/8/9/1/2/3/4/5/6/7/8/9/1/2/3/4/5/6/7/8/9", "NO_SUCH_PATH", ""}));

TEST(Router, NamesTheVerbsOfAPath) {
    EXPECT_EQ(shop().allowed("/v1/orders"), "GET, HEAD, POST, OPTIONS");
    EXPECT_EQ(shop().allowed("/v1/orders/7"), "GET, HEAD, DELETE, PATCH, OPTIONS");
    EXPECT_EQ(shop().allowed("/v1/orders/7:cancel"), "POST, OPTIONS");
    EXPECT_EQ(shop().allowed("/v2"), "");
}

TEST(Router, RefusesTwoMethodsWithOnePathAndNamesBoth) {
    constexpr static http_binding same[] = {{"GET", "/v1/orders/{other}", ""}};
    constexpr static method second[] = {{"shop.v1.Other", "Read", {}, true, false, same, &unused}};
    router routes = shop();
    try {
        routes.add({nullptr, second});
        FAIL() << "the conflict was accepted";
    } catch (const failure& e) {
        EXPECT_EQ(e.error().reason, "ROUTE_CONFLICT");
        EXPECT_NE(e.error().message.find("shop.v1.Other.Read"), std::string::npos);
        EXPECT_NE(e.error().message.find("shop.v1.Orders.GetOrder"), std::string::npos);
    }
}

TEST(Router, RefusesMalformedTemplates) {
    for (const char* path : {"", "v1", "/v1//x", "/v1/{id", "/v1/{}", "/v1/{id}x", "/v1/{a=**}/b", "/v1/x:"}) {
        const http_binding bindings[] = {{"GET", path, ""}};
        const method one[] = {{"s", "m", {}, true, false, bindings, &unused}};
        router routes;
        EXPECT_THROW(routes.add({nullptr, one}), failure) << path;
    }
}

}  // namespace
}  // namespace bv::rpc
