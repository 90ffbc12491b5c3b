// Sends a file's invoices to the platform: sales as orders, several at once, "C…" invoices as returns of earlier orders.
//
// One thread reads the file and offers invoices; all else runs on core 0 of the runtime. Orders are a closed loop of
// `concurrency`, or an open one of `rate` arrivals a second. Returns of one customer go one after the other, in the file's
// order, as what one takes is no longer there for the next.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "app/replay/import.hpp"
#include "app/load/latencies.hpp"
#include "app/replay/order_plan.hpp"
#include "app/replay/permits.hpp"
#include "app/replay/progress_file.hpp"
#include "app/replay/return_index.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/runtime/scope.hpp"

namespace bv::replay {

struct driver_options {
    std::string file_key;
    int concurrency = 32;                  // orders in flight
    int most_in_flight = 512;              // of an open loop
    double rate = 0;                       // orders a second; 0: as fast as they are answered
    double decline_rate = 0;
    int returns_in_hand = 128;             // waiting for their orders' outcome: bounds how far the sagas may fall behind
    milliseconds settle_patience{90'000};  // for an order that a return needs
    std::size_t max_lines = max_order_lines;
};

struct placed_order {
    enum class state : std::uint8_t { pending, known, refused };
    state is = state::pending;
    outcome ended = outcome::unknown;
    uuid id;
    std::int64_t units = 0, total_minor = 0, invoice_minor = 0, refunded_minor = 0;
};

struct refusal_note {
    std::string reference, reason, detail;
};

struct tally {
    std::uint64_t placed = 0, placed_before = 0;
    std::uint64_t returns = 0, return_calls = 0, return_calls_before = 0;  // "C…" invoices; calls that were accepted
    std::int64_t returned_units = 0;
    std::array<std::int64_t, unmatched_kinds> unmatched_units{};
    std::array<std::uint64_t, unmatched_kinds> unmatched_invoices{};
    std::map<std::string, std::uint64_t> refused;  // orders and returns, by the platform's reason
    std::vector<refusal_note> notes;               // the first of the refused and unmatched ones
    std::vector<std::string> split;                // invoices that became more than one order
    load::latencies accept;                        // of orders placed by this run, repeats included
};

class driver {
public:
    // All outlive the driver. Times up to `run_began` (the platform's clock) are those of earlier runs.
    driver(runtime&, clock&, platform_api&, const imported&, progress_file&, driver_options, time_point run_began);
    ~driver();

    // On the reading thread. Blocks while enough is in flight; false when the run has failed: stop reading.
    bool offer(invoice&&);
    // On the reading thread, last: blocks until all are done. Throws what the run failed with.
    void finish();

    // On core 0, or after finish().
    [[nodiscard]] const tally& counts() const noexcept { return tally_; }
    [[nodiscard]] const std::deque<placed_order>& orders() const noexcept { return orders_; }
    [[nodiscard]] int in_flight() const { return order_permits_.taken() + return_permits_.taken(); }

private:
    struct pending_return {
        std::string reference, number;
        std::vector<planned_line> lines;
        order_slot before = 0;
    };
    struct customer {
        std::deque<pending_return> returns;
        bool returning = false;
        bool stuck = false;  // an order did not become final in time: a later return must not take what an earlier one may
    };

    void accept(invoice, steady_point intended);
    void accept_return(const invoice&, std::uint32_t customer);
    task<void> place_all(order_slot first, std::vector<order_draft>, steady_point intended);
    task<void> place(order_slot, const order_draft&, steady_point intended);
    task<api_answer> find_placed(const order_draft&);
    void note_placed(order_slot, const order_draft&, const api_answer&, steady_point intended);
    void refuse(std::string reference, const api_answer&);
    task<void> return_all(std::uint32_t customer);
    task<void> give_back(std::uint32_t customer, const pending_return&);
    task<return_match> match(std::uint32_t customer, const pending_return&, std::vector<wanted_return>);
    task<outcome> settle(order_slot);
    task<bool> send_return(const pending_return&, const order_return&);
    void note_unmatched(const pending_return&, const std::array<std::int64_t, unmatched_kinds>&);
    void fail(std::exception_ptr);

    runtime& runtime_;
    clock& clock_;
    platform_api& api_;
    const imported& known_;
    progress_file& progress_;
    driver_options options_;
    time_point run_began_;

    permits order_permits_, return_permits_;
    scope tasks_{"replay"};
    steady_point next_arrival_{};
    std::deque<placed_order> orders_;  // by slot; references stay valid while it grows
    return_index index_;
    std::vector<customer> customers_;
    std::unordered_map<std::string, std::size_t> parts_;  // orders or returns made of an invoice number
    tally tally_;
    std::exception_ptr failure_;
};

}  // namespace bv::replay
