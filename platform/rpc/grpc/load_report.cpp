#include "platform/rpc/grpc/load_report.hpp"

#include <algorithm>
#include <bit>

#include "platform/rpc/grpc/fields.hpp"

namespace bv::rpc::grpc {

namespace {

// The numbers of the messages' fields.
enum report_field : std::uint32_t { cpu = 1, memory = 2, request_cost = 4, utilization = 5, calls_per_second = 6, failures_per_second = 7, named = 8, application = 9 };

constexpr milliseconds least_interval{1'000}, usual_interval{30'000};

void write_map(field_writer& out, std::uint32_t field, const std::map<std::string, double>& all) {
    for (const auto& [name, value] : all) {
        field_writer entry;
        entry.bytes(1, name);
        entry.real(2, value);
        out.bytes(field, entry.take());
    }
}

bool read_entry(std::string_view bytes, std::map<std::string, double>& into) {
    std::string name;
    double value = 0;
    const bool read = read_fields(bytes, [&](std::uint32_t field, std::uint64_t number, std::string text) {
        if (field == 1) name = std::move(text);
        else if (field == 2) value = std::bit_cast<double>(number);
        return true;
    });
    if (read) into[std::move(name)] = value;
    return read;
}

// OrcaLoadReportRequest.report_interval, a google.protobuf.Duration.
result<milliseconds> interval_of(std::string_view request) {
    std::uint64_t whole = 0, nanos = 0;
    bool given = false;
    const bool read = read_fields(request, [&](std::uint32_t field, std::uint64_t, const std::string& duration) {
        if (field != 1) return true;
        given = true;
        return read_fields(duration, [&](std::uint32_t n, std::uint64_t value, const std::string&) {
            (n == 1 ? whole : nanos) = value;
            return true;
        });
    });
    constexpr std::uint64_t longest = 24 * 3600;
    if (!read) return fail(code::invalid_argument, "MALFORMED_MESSAGE", "The bytes are no serialized OrcaLoadReportRequest.");
    if (!given) return usual_interval;
    return std::max(least_interval, milliseconds(static_cast<std::int64_t>(std::min(whole, longest) * 1000 + std::min<std::uint64_t>(nanos, 999'999'999) / 1'000'000)));
}

task<result<void>> report(std::function<load_report()> now, clock& time, incoming& in, outgoing& out) {
    const auto request = co_await in.next();
    if (!request) co_return std::unexpected(request.error());
    const auto interval = interval_of(request->value_or(std::string{}));
    if (!interval) co_return std::unexpected(interval.error());
    while (co_await out.write(encode(now()))) co_await time.sleep_for(*interval);  // ends with the call
    co_return result<void>{};
}

}  // namespace

std::string encode(const load_report& r) {
    field_writer out;
    const auto real = [&out](report_field field, double value) {
        if (value != 0) out.real(field, value);
    };
    real(cpu, r.cpu);
    real(memory, r.memory);
    write_map(out, request_cost, r.request_cost);
    write_map(out, utilization, r.utilization);
    real(calls_per_second, r.calls_per_second);
    real(failures_per_second, r.failures_per_second);
    write_map(out, named, r.named);
    real(application, r.application);
    return out.take();
}

std::optional<load_report> decode_load_report(std::string_view bytes) {
    load_report out;
    const bool read = read_fields(bytes, [&out](std::uint32_t field, std::uint64_t number, const std::string& text) {
        const auto value = std::bit_cast<double>(number);
        switch (field) {
        case cpu: out.cpu = value; break;
        case memory: out.memory = value; break;
        case calls_per_second: out.calls_per_second = value; break;
        case failures_per_second: out.failures_per_second = value; break;
        case application: out.application = value; break;
        case request_cost: return read_entry(text, out.request_cost);
        case utilization: return read_entry(text, out.utilization);
        case named: return read_entry(text, out.named);
        default: break;  // of a later version
        }
        return true;
    });
    return read ? std::optional(std::move(out)) : std::nullopt;
}

streamed load_reports(std::function<load_report()> now, clock& c) {
    return {std::string(load_method), [now = std::move(now), time = &c](context&, incoming& in, outgoing& out) { return report(now, *time, in, out); }};
}

std::string encode_load_request(milliseconds interval) {
    field_writer duration;
    duration.number(1, static_cast<std::uint64_t>(interval.count() / 1000));
    duration.number(2, static_cast<std::uint64_t>(interval.count() % 1000 * 1'000'000));
    field_writer out;
    out.bytes(1, duration.take());
    return out.take();
}

}  // namespace bv::rpc::grpc
