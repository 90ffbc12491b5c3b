// What a load consists of: calls with weights, at a rate or by callers, for a time. Read from YAML; some are built in.
//
//   rate: 200               # arrivals a second (open loop); without it each caller sends when it has its answer
//   callers: 32             # closed loop: how many; open loop: the most that are under way at once
//   duration: 30s
//   warm_up: 5s             # answers of this time are not counted
//   shoppers: 16            # accounts that are made for it
//   calls:
//     read-product: 60      # a call that is built in, and its weight
//     journey: 1
//     mine:                 # one of its own
//       weight: 5
//       verb: POST
//       target: /v1/orders
//       body: '{"currency":"GBP","paymentMethod":"card_ok","lines":{lines}}'
//       as: shopper         # anyone, shopper, importer
//       key: true           # under a new Idempotency-Key each time
//       headers: {Accept-Language: en}
//
// Targets and bodies may hold {sku}, {category}, {word}, {lines}, {order}, {n}, {email} and {password}.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/core/error.hpp"
#include "platform/net/http/message.hpp"

namespace bv::load {

enum class caller : std::uint8_t { anyone, shopper, importer };

struct call {
    std::string name;
    double weight = 1;
    http::verb verb = http::verb::get;
    std::string target;
    std::vector<std::string> bodies{};  // sent in turn; empty: none
    caller as = caller::shopper;
    bool keyed = false;
    std::vector<std::pair<std::string, std::string>> headers{};
    bool is_journey = false;            // the whole path of an order (journey.hpp) instead of one request
};

struct scenario {
    std::string name;
    double rate = 0;                    // arrivals a second; 0: closed loop
    int callers = 0;                    // 0: 32 in a closed loop, 256 in an open one
    std::chrono::nanoseconds duration{std::chrono::seconds(30)};
    std::chrono::nanoseconds warm_up{std::chrono::seconds(3)};
    int shoppers = 16;
    std::uint64_t most_arrivals = 0;    // ends the run early; 0: no bound
    std::vector<call> calls;

    [[nodiscard]] int most_under_way() const noexcept { return callers > 0 ? callers : rate > 0 ? 256 : 32; }
    // Whether some target or body holds this placeholder, "{order}"; a journey holds all.
    [[nodiscard]] bool needs(std::string_view placeholder) const;
};

struct builtin {
    std::string_view name, about, text;  // text: the YAML
};
[[nodiscard]] std::span<const builtin> builtin_scenarios();
// The calls that a scenario may name without describing them.
[[nodiscard]] std::span<const call> builtin_calls();

// `folder` is where "bodies: FILE" (one body a line) is looked for. INVALID_ARGUMENT "SCENARIO_INVALID" says file, line, and how to mend it.
[[nodiscard]] result<scenario> parse_scenario(const std::string& text, const std::string& name, const std::filesystem::path& folder = ".");
// A built-in scenario by name, else a file.
[[nodiscard]] result<scenario> find_scenario(const std::string& name_or_file);
// "500ms", "30s", "2m", "1h".
[[nodiscard]] result<std::chrono::nanoseconds> parse_duration(std::string_view);

}  // namespace bv::load
