// The journey of an order, as one arrival of a load.
#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/load/driver.hpp"
#include "app/replay/json_fields.hpp"

namespace bv::load {

namespace {

using replay::text_at;

// Of all journeys: how many begin with a new account, with a log-in (the others have a token), and end with a way back.
constexpr double registers = 0.05, logs_in = 0.10, cancels_at_once = 0.05, cancels_confirmed = 0.03, returns = 0.05;
constexpr milliseconds first_look{30}, longest_look{1'000};
constexpr seconds patience{30};

const call& known(std::string_view name) {
    const auto all = builtin_calls();
    return *std::ranges::find(all, name, &call::name);
}

bool is_good(const http::client_response& r) { return r.status >= 200 && r.status < 300; }

call changing(std::string name, std::string target) { return {.name = std::move(name), .verb = http::verb::post, .target = std::move(target), .bodies = {"{}"}, .keyed = true}; }

// One step after the other; a step that fails ends it.
class walk {
public:
    walk(driver& d, std::uint64_t n, steady_point due) : d_(d), due_(due), begun_(due), n_(n) {}

    task<void> go() {
        const auto broken = co_await steps();
        if (!d_.ended_early) d_.note_stretch("journey", begun_, broken);
    }

private:
    // Empty, or at which step it broke off.
    task<std::string> steps() {
        if (!co_await enter()) co_return "broken off before the shop";
        (void)co_await step("journey/browse", known("list-products"));
        (void)co_await step("journey/read-product", known("read-product"));
        const auto placing = due_;
        const auto placed = co_await step("journey/place", known("place-order"));
        if (!is_good(placed)) co_return "broken off at placing";
        order_ = text_at(boost::json::parse(placed.body), "id");
        if (d_.random.uniform() < cancels_at_once) (void)co_await step("journey/cancel", changing("cancel", fmt::format("/v1/orders/{}:cancel", order_)));
        const auto outcome = co_await watch();
        if (outcome.empty()) co_return d_.ended_early ? "cut off" : fmt::format("no outcome within {} s", patience.count());
        d_.note_stretch("journey/placed to final", placing);
        if (!is_good(co_await step("journey/events", reading("/events")))) co_return "broken off at the events";
        if (outcome == "ORDER_STATUS_CONFIRMED") co_await second_thoughts();
        co_return "";
    }

    task<bool> enter() {
        const auto dice = d_.random.uniform();
        who_ = d_.shop.any_shopper();
        if (dice >= registers + logs_in) co_return true;
        if (dice < registers) {
            who_ = d_.shop.add_shopper();
            http::client_request r{.verb = http::verb::post, .target = "/v1/accounts", .body = d_.shop.register_body(who_)};
            const auto made = co_await d_.ask("journey/register", std::move(r), due_);
            due_ = d_.time.steady_now();
            if (!is_good(made)) co_return false;
        }
        const auto session = co_await step("journey/log-in", known("log-in"));
        d_.shop.session(who_, session.body);
        co_return is_good(session);
    }

    task<std::string> watch() {
        const auto last = d_.time.steady_now() + patience;
        for (auto pause = first_look; d_.time.steady_now() < last && !d_.ended_early; pause = std::min(longest_look, pause * 3 / 2)) {
            co_await d_.time.sleep_for(pause);
            due_ = d_.time.steady_now();
            const auto answer = co_await step("journey/read-order", reading(""));
            if (!is_good(answer)) continue;
            auto status = text_at(boost::json::parse(answer.body), "status");
            if (status == "ORDER_STATUS_CONFIRMED" || status == "ORDER_STATUS_CANCELLED" || status == "ORDER_STATUS_RETURNED") co_return status;
        }
        co_return std::string{};
    }

    task<void> second_thoughts() {
        const auto dice = d_.random.uniform();
        if (dice < cancels_confirmed) (void)co_await step("journey/cancel", changing("cancel", fmt::format("/v1/orders/{}:cancel", order_)));
        else if (dice < cancels_confirmed + returns) (void)co_await step("journey/return", changing("return", fmt::format("/v1/orders/{}:return", order_)));
    }

    [[nodiscard]] call reading(std::string_view what) const { return {.name = "read", .target = fmt::format("/v1/orders/{}{}", order_, what)}; }

    // Due when the step before it was answered.
    task<http::client_response> step(std::string name, call c) {
        auto answer = co_await d_.ask(std::move(name), d_.shop.make(c, n_, who_), due_);
        due_ = d_.time.steady_now();
        co_return answer;
    }

    driver& d_;
    steady_point due_;
    const steady_point begun_;
    const std::uint64_t n_;
    std::size_t who_ = 0;
    std::string order_;
};

}  // namespace

task<void> journey(driver& d, std::uint64_t n, steady_point due) {
    walk w(d, n, due);
    co_await w.go();
}

}  // namespace bv::load
