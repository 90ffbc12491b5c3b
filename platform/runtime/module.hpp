// Modules: the parts of a process, started in dependency order and stopped in reverse.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "platform/core/task.hpp"

namespace bv {

struct module {
    std::string name;
    std::vector<std::string> needs;                 // names of modules that must be started before
    std::function<task<void>()> start;              // throws: the start of the process fails
    std::function<task<void>()> stop;               // drains; called once, in reverse order, also after a failed start
    std::function<std::string()> unready{};         // empty when ready, else why not: /readyz and `bv status`
    std::function<std::string()> degraded{};        // empty, or what works worse although it is ready: "away; slower"
};

// Indices in dependency order (stable: as listed where free). Throws failure INVALID_ARGUMENT naming an unknown
// dependency or the cycle ("order → inventory → order").
[[nodiscard]] std::vector<std::size_t> start_order(std::span<const module>);

// Starts in order; when one fails, stops those already started in reverse and rethrows.
task<void> start_all(std::span<const module>, std::function<void(const module&)> report = {});
task<void> stop_all(std::span<const module>, std::function<void(const module&)> report = {});

}  // namespace bv
