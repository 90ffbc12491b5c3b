#include "platform/runtime/module.hpp"

#include <algorithm>
#include <exception>
#include <optional>

#include "platform/core/error.hpp"
#include "platform/telemetry/log.hpp"

namespace bv {
namespace {

enum class mark : unsigned char { fresh, open, closed };

// Depth first over `needs`. The path holds the open modules, which is the cycle when one is met again.
class sorter {
public:
    explicit sorter(std::span<const module> modules) : modules_(modules), marks_(modules.size(), mark::fresh) {}

    std::vector<std::size_t> sorted() {
        for (std::size_t i = 0; i < modules_.size(); ++i) visit(i);
        return std::move(order_);
    }

private:
    void visit(std::size_t i) {
        if (marks_[i] == mark::closed) return;
        if (marks_[i] == mark::open) refuse_cycle(i);
        marks_[i] = mark::open;
        path_.push_back(i);
        for (const auto& need : modules_[i].needs) visit(index_of(need, modules_[i]));
        path_.pop_back();
        marks_[i] = mark::closed;
        order_.push_back(i);
    }

    [[nodiscard]] std::size_t index_of(const std::string& name, const module& wanted_by) const {
        const auto it = std::ranges::find(modules_, name, &module::name);
        if (it == modules_.end())
            throw failure(code::invalid_argument, "UNKNOWN_MODULE",
                          "module " + wanted_by.name + " needs " + name + ", which is not part of this process");
        return static_cast<std::size_t>(it - modules_.begin());
    }

    [[noreturn]] void refuse_cycle(std::size_t again) const {
        std::string cycle;
        for (auto it = std::ranges::find(path_, again); it != path_.end(); ++it) cycle += modules_[*it].name + " → ";
        throw failure(code::invalid_argument, "MODULE_CYCLE", "modules need each other in a circle: " + cycle + modules_[again].name);
    }

    std::span<const module> modules_;
    std::vector<mark> marks_;
    std::vector<std::size_t> path_, order_;
};

// Stops [0, count) of the order from the back. One that fails to stop does not keep the others from stopping.
task<void> stop_first(std::span<const module> modules, std::vector<std::size_t> order, std::size_t count,
                      std::function<void(const module&)> report) {
    std::exception_ptr first;
    while (count-- > 0) {
        const module& m = modules[order[count]];
        try {
            if (m.stop) co_await m.stop();
        } catch (...) {
            const error why = current_error();
            telemetry::error("module.stop_failed", {{"module", m.name}, {"reason", why.reason}, {"message", why.message}});
            if (!first) first = std::current_exception();
        }
        if (report) report(m);
    }
    if (first) std::rethrow_exception(first);
}

}  // namespace

std::vector<std::size_t> start_order(std::span<const module> modules) {
    for (std::size_t i = 0; i < modules.size(); ++i)
        for (std::size_t k = i + 1; k < modules.size(); ++k)
            if (modules[i].name == modules[k].name)
                throw failure(code::invalid_argument, "DUPLICATE_MODULE", "two modules are named " + modules[i].name);
    return sorter(modules).sorted();
}

task<void> start_all(std::span<const module> modules, std::function<void(const module&)> report) {
    const auto order = start_order(modules);
    std::size_t started = 0;
    std::exception_ptr broken;
    for (; started < order.size(); ++started) {
        const module& m = modules[order[started]];
        try {
            if (m.start) co_await m.start();
        } catch (...) {
            const error why = current_error();
            telemetry::error("module.start_failed", {{"module", m.name}, {"reason", why.reason}, {"message", why.message}});
            broken = std::current_exception();
            break;
        }
        if (report) report(m);
    }
    if (!broken) co_return;
    try {
        co_await stop_first(modules, order, started, {});
    } catch (...) {  // logged; what matters to the caller is why the start failed
    }
    std::rethrow_exception(broken);
}

task<void> stop_all(std::span<const module> modules, std::function<void(const module&)> report) {
    auto order = start_order(modules);
    const std::size_t count = order.size();
    co_await stop_first(modules, std::move(order), count, std::move(report));
}

}  // namespace bv
