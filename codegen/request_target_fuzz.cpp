// A request's target: found among the routes of a contract, and its path and query bound to the request message.
#include "bitvelocity/sample/v1/sample.bv.hpp"
#include "platform/net/http/message.hpp"
#include "platform/rpc/binder.hpp"
#include "platform/rpc/http_dispatch.hpp"
#include "platform/rpc/json_reader.hpp"
#include "platform/rpc/router.hpp"
#include "platform/testing/fuzz.hpp"

namespace {

namespace v1 = bitvelocity::sample::v1;

bv::rpc::router routes() {
    bv::rpc::router out;
    out.add({nullptr, v1::sample_service_methods()});
    return out;
}

void check(const bv::error& e) {
    BV_ASSERT(!e.reason.empty() && !e.message.empty() && bv::json::valid_utf8(e.message));
    for (const auto& v : e.violations) BV_ASSERT(!v.description.empty() && bv::json::valid_utf8(v.field) && bv::json::valid_utf8(v.description));
}

template <class Request>
void bound_or_refused(const bv::rpc::http_binding& http, const bv::rpc::parameters& all) {
    Request request;
    if (const auto bound = bv::rpc::bind_parameters(request, http, all); !bound) check(bound.error());
    else BV_ASSERT(bv::json::valid_utf8(request.ShortDebugString()));
}

}  // namespace

BV_FUZZ(request_target) {
    static const bv::rpc::router all = routes();
    const auto path = bytes.substr(0, bytes.find('?'));
    auto query = bv::rpc::parse_query(bytes.substr(std::min(bytes.size(), path.size() + 1)));
    if (!query) {
        check(query.error());
    } else {
        std::string written;
        for (const auto& [name, value] : *query)
            written += (written.empty() ? "" : "&") + bv::http::percent_encode(name) + '=' + bv::http::percent_encode(value);
        const auto again = bv::rpc::parse_query(written);
        BV_ASSERT(again && *again == *query);
    }
    for (const char* verb : {"GET", "POST", "PATCH", "DELETE"}) {
        auto found = all.find(verb, path);
        if (!found) {
            check(found.error());
            continue;
        }
        bv::rpc::parameters parameters = found->path;
        if (query) parameters.insert(parameters.end(), query->begin(), query->end());
        bound_or_refused<v1::ListThingsRequest>(found->route.http(), parameters);
        bound_or_refused<v1::GetThingRequest>(found->route.http(), parameters);
        bound_or_refused<v1::UpdateThingRequest>(found->route.http(), parameters);
    }
}
