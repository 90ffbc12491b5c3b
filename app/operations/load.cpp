#include "app/operations/load.hpp"

#include <memory>
#include <utility>

#include "platform/rpc/grpc/services.hpp"
#include "platform/rpc/grpc/wire.hpp"

namespace bv::operations {

namespace {

// Over gRPC a failure is an answer of 200 whose status stands in the header: INTERNAL, UNAVAILABLE and others that no client brings about.
bool is_failure(const http::response& r) {
    if (r.status >= 500) return true;
    const auto status = r.headers.get("grpc-status");
    return status == "2" || status == "13" || status == "14" || status == "15";
}

task<http::response> answer(std::shared_ptr<const http::handler> inner, process_load* load, http::request& request) {
    auto out = co_await (*inner)(request);
    load->called();
    if (is_failure(out)) load->failed();
    if (request.http2 && !out.stream && out.trailers.size() != 0 && rpc::grpc::is_call(request))
        out.trailers.add(rpc::grpc::load_trailer, rpc::grpc::encode_binary(rpc::grpc::encode(report_of(*load))));
    co_return out;
}

}  // namespace

rpc::grpc::load_report report_of(process_load& load) {
    const auto now = load.now();
    return {.cpu = now.cpu, .calls_per_second = now.calls_per_second, .failures_per_second = now.failures_per_second};
}

http::handler reporting(http::handler inner, process_load& load) {
    return [inner = std::make_shared<const http::handler>(std::move(inner)), load = &load](http::request& request) { return answer(inner, load, request); };
}

}  // namespace bv::operations
