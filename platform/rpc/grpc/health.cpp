#include "platform/rpc/grpc/health.hpp"

#include <optional>
#include <utility>

#include "platform/rpc/grpc/fields.hpp"

namespace bv::rpc::grpc {

namespace {

using state_of = std::function<serving(std::string_view)>;

std::string encode(serving s) {
    field_writer out;
    out.number(1, static_cast<std::uint64_t>(s));
    return out.take();
}

// HealthCheckRequest.service.
task<result<std::string>> asked(incoming& in) {
    auto request = co_await in.next();
    if (!request) co_return std::unexpected(std::move(request.error()));
    std::string name;
    const bool whole = *request && read_fields(**request, [&](std::uint32_t field, std::uint64_t, std::string text) {
        if (field == 1) name = std::move(text);
        return true;
    });
    if (!whole) co_return fail(code::invalid_argument, "MALFORMED_MESSAGE", "The bytes are no serialized HealthCheckRequest.");
    co_return name;
}

task<result<void>> check(state_of state, incoming& in, outgoing& out) {
    const auto service = co_await asked(in);
    if (!service) co_return std::unexpected(service.error());
    const auto now = state(*service);
    if (now == serving::service_unknown) co_return fail(code::not_found, "NO_SUCH_SERVICE", "There is no service " + *service + " here.");
    co_await out.write(encode(now));
    co_return result<void>{};
}

task<result<void>> watch(state_of state, clock& time, incoming& in, outgoing& out) {
    const auto service = co_await asked(in);
    if (!service) co_return std::unexpected(service.error());
    std::optional<serving> told;
    while (true) {
        const auto now = state(*service);
        if (told != now && !co_await out.write(encode(now))) co_return result<void>{};
        told = now;
        co_await time.sleep_for(seconds(1));  // ends with the call
    }
}

}  // namespace

std::vector<streamed> health(state_of state, clock& c) {
    return {{"/grpc.health.v1.Health/Check", [state](context&, incoming& in, outgoing& out) { return check(state, in, out); }},
            {"/grpc.health.v1.Health/Watch", [state, time = &c](context&, incoming& in, outgoing& out) { return watch(state, *time, in, out); }}};
}

}  // namespace bv::rpc::grpc
