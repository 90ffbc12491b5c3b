// bench_json [rounds], or bench_json write|read|write_util|read_util CALLS: the generated JSON code against Protobuf's own (google/protobuf/util/json_util.h), on an order with
// three lines. CPU time of this process, both in turns; prints one JSON object with a number a round. Both sides make the same
// message or string anew each time, with the platform's allocator, and Protobuf keeps its type resolver between calls.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>
#include <google/protobuf/util/json_util.h>

#include "bitvelocity/commerce/order/v1/order.bv.hpp"
#include "platform/rpc/message_json.hpp"

namespace {

namespace contract = bitvelocity::commerce::order::v1;
namespace util = google::protobuf::util;

contract::Order an_order() {
    contract::Order o;
    o.set_id("0190b8a4-0000-7000-8000-000000000001");
    o.set_customer_id("0190b8a4-0000-7000-8000-000000000002");
    o.set_status(contract::ORDER_STATUS_CONFIRMED);
    for (int i = 0; i < 3; ++i) {
        auto& l = *o.add_lines();
        l.set_sku("KIT-KETTLE-1" + std::to_string(i));
        l.set_name("Stovetop kettle, 1.7 l");
        l.set_quantity(i + 1);
        l.mutable_unit_price()->set_minor_units(3450);
        l.mutable_unit_price()->set_currency("GBP");
        l.mutable_amount()->set_minor_units(3450 * (i + 1));
        l.mutable_amount()->set_currency("GBP");
    }
    o.mutable_total()->set_minor_units(20700);
    o.mutable_total()->set_currency("GBP");
    for (auto* t : {o.mutable_ordered_at(), o.mutable_create_time(), o.mutable_update_time()}) t->set_seconds(1'770'000'000), t->set_nanos(250'000'000);
    o.set_version(4);
    o.set_etag("4");
    return o;
}

double cpu_seconds() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Microseconds a call; work returns something that depends on all it did.
template <class Work>
double measure(int calls, const Work& work) {
    std::size_t used = 0;
    const double begun = cpu_seconds();
    for (int i = 0; i < calls; ++i) used += work();
    const double spent = cpu_seconds() - begun;
    if (used == 0) std::abort();
    return spent * 1e6 / calls;
}

std::string util_text(const contract::Order& o) {
    std::string out;
    if (!util::MessageToJsonString(o, &out).ok()) std::abort();
    return out;
}

}  // namespace

// What is measured, each with as many calls as make a round last.
struct piece {
    const char* name;
    int calls;
    std::function<std::size_t()> work;
};

int main(int argc, char** argv) {
    const auto order = an_order();
    const auto text = bv::rpc::to_json(order);
    const std::array<piece, 4> pieces{{
        {"write", 100'000, [&] { return bv::rpc::to_json(order).size(); }},
        {"write_util", 4'000, [&] { return util_text(order).size(); }},
        {"read", 50'000,
         [&] {
             contract::Order out;
             if (!bv::json::parse(text, out)) std::abort();
             return out.id().size();
         }},
        {"read_util", 2'000,
         [&] {
             contract::Order out;
             if (!util::JsonStringToMessage(text, &out).ok()) std::abort();
             return out.id().size();
         }},
    }};
    if (argc == 3) {  // one piece, so many calls: for a counter of instructions
        for (const auto& p : pieces)
            if (p.name == std::string_view(argv[1])) measure(std::atoi(argv[2]), p.work);
        return 0;
    }
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 7;
    boost::json::object out{{"bytes", text.size()}};
    for (const auto& p : pieces) out.emplace(p.name, boost::json::array{});
    for (int i = 0; i < rounds; ++i)
        for (const auto& p : pieces) out[p.name].as_array().push_back(measure(p.calls, p.work));
    std::puts(boost::json::serialize(out).c_str());
}
