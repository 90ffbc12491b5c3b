#include "app/replay/driver.hpp"

#include <thread>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "platform/core/error.hpp"

namespace bv::replay {

driver::driver(runtime& r, clock& c, platform_api& api, const imported& known, progress_file& progress, driver_options o, time_point run_began)
    : runtime_(r), clock_(c), api_(api), known_(known), progress_(progress), options_(std::move(o)), run_began_(run_began),
      order_permits_(options_.rate > 0 ? std::max(options_.concurrency, options_.most_in_flight) : options_.concurrency),
      return_permits_(options_.returns_in_hand), index_(known.customer_ids.size()), customers_(known.customer_ids.size()) {}

driver::~driver() {
    order_permits_.close();
    return_permits_.close();
    tasks_.stop();
    runtime_.block_on(tasks_.join());
}

bool driver::offer(invoice&& i) {
    if (!(i.is_return ? return_permits_ : order_permits_).take()) return false;
    auto intended = clock_.steady_now();
    // What an earlier run placed does not arrive again.
    if (options_.rate > 0 && !i.is_return && !progress_.find(i.number)) {
        // Latency counts from when the order should have arrived, so that a slow platform does not hide its queue.
        if (next_arrival_ == steady_point{}) next_arrival_ = intended;
        intended = next_arrival_;
        next_arrival_ += std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / options_.rate));
        std::this_thread::sleep_until(intended);
    }
    asio::post(runtime_.context(0), [this, intended, moved = std::move(i)]() mutable {
        const bool is_return = moved.is_return;
        try {
            accept(std::move(moved), intended);
        } catch (...) {
            (is_return ? return_permits_ : order_permits_).give_back();
            fail(std::current_exception());
        }
    });
    return true;
}

void driver::finish() {
    order_permits_.wait_for_all();
    return_permits_.wait_for_all();
    runtime_.block_on(tasks_.join());
    progress_.flush();
    if (failure_) std::rethrow_exception(failure_);
}

void driver::fail(std::exception_ptr e) {
    if (!failure_) failure_ = std::move(e);
    order_permits_.close();
    return_permits_.close();
}

// Numbers orders and enters what they buy in the file's order, before any answer is there: what a return may be of does
// not depend on how fast the platform is.
void driver::accept(invoice i, steady_point intended) {
    const auto who = known_.customer_places.find(i.customer);
    if (who == known_.customer_places.end())
        throw failure(code::aborted, "FILE_CHANGED", fmt::format("invoice {} has a customer that the file did not hold before: it was changed while it was read", i.number));
    if (i.is_return) {
        accept_return(i, who->second);
        return;
    }
    auto& parts = parts_[i.number];
    auto drafts = plan_orders(i, parts, options_.decline_rate, options_.max_lines);
    if (parts + drafts.size() > 1) tally_.split.push_back(i.number);
    parts += drafts.size();
    const auto first = static_cast<order_slot>(orders_.size());
    for (const auto& d : drafts) {
        std::vector<wanted_return> lines;
        auto& o = orders_.emplace_back();
        o.invoice_minor = d.invoice_minor;
        for (const auto& l : d.lines) {
            lines.push_back({known_.sku_places.at(l.sku), l.quantity});
            o.units += l.quantity;
        }
        index_.add(who->second, static_cast<order_slot>(orders_.size() - 1), lines);
    }
    tasks_.spawn(runtime_.context(0).get_executor(), place_all(first, std::move(drafts), intended));
}

void driver::accept_return(const invoice& i, std::uint32_t who) {
    ++tally_.returns;
    auto& c = customers_[who];
    c.returns.push_back({part_reference(i.number, parts_[i.number]++), i.number, merged_lines(i), static_cast<order_slot>(orders_.size())});
    if (std::exchange(c.returning, true)) return;
    tasks_.spawn(runtime_.context(0).get_executor(), return_all(who));
}

}  // namespace bv::replay
