// A process: the real services of some roles over the memory stores, with an io_context, a clock and randomness of its own.
// A crash destroys all of it between two handlers, with every coroutine where it is suspended.
#pragma once

#include <memory>
#include <set>
#include <string>

#include <boost/asio/io_context.hpp>

#include "domains/commerce/inventory/wiring.hpp"
#include "domains/commerce/order/wiring.hpp"
#include "domains/commerce/payment/wiring.hpp"
#include "platform/events/embedded_log.hpp"
#include "sim/chance.hpp"
#include "sim/plan.hpp"
#include "sim/provider.hpp"
#include "sim/stores.hpp"
#include "sim/timeline.hpp"

namespace bv::sim {

// The way to the database: takes its time, and loses what the chance says.
class rough_link final : public memory::link {
public:
    rough_link(chance& c, clock& time) : chance_(c), clock_(time) {}
    task<void> pass(memory::leg) override;

private:
    chance& chance_;
    clock& clock_;
};

class node {
public:
    // `far` runs what goes on at the provider when the node does not.
    node(node_plan, seconds hold, stores&, timeline&, chance&, later far);
    ~node();

    [[nodiscard]] const std::string& name() const noexcept { return plan_.name; }
    [[nodiscard]] bool is_up() const noexcept { return services_ != nullptr; }
    [[nodiscard]] bool has(role r) const noexcept { return plan_.roles.contains(r); }
    void start();
    void crash();
    // Somebody sets the clock on its wall: seconds off, and now and then many minutes. false: nearly right again.
    void set_clock(bool wrong);
    // Asks the services to drain and stop; is_stopped() once they have.
    void stop();
    [[nodiscard]] bool is_stopped() const noexcept { return stopped_; }
    // As SIGSTOP does: time goes on, and nothing of the node runs.
    void stand_still(bool on) noexcept { stands_still_ = on; }
    [[nodiscard]] bool stands_still() const noexcept { return stands_still_; }
    // One handler; false when none is ready.
    bool run_one();
    // On the node; dropped when it is down or crashes before it has ended.
    void spawn(task<void>);

    [[nodiscard]] clock& time() noexcept { return clock_; }
    [[nodiscard]] order::wiring& orders();
    [[nodiscard]] inventory::wiring& stock();
    [[nodiscard]] payment::wiring& payments();

private:
    struct services;
    static task<void> start_all(services*);
    static task<void> stop_all(node*);

    const node_plan plan_;
    const seconds hold_;
    stores& stores_;
    chance& chance_;
    const later far_;
    node_clock clock_;
    bool stopped_ = false, stands_still_ = false;
    int starts_ = 0;
    // The io_context ends first: its coroutines refer to the services.
    std::unique_ptr<services> services_;
    std::unique_ptr<asio::io_context> io_;
};

}  // namespace bv::sim
