// The whole platform: database, provider, services, edge. Started and stopped as one. In profile one the services are in this
// process; in profile full each is a process that this one looks after.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/stack/data_dir.hpp"
#include "platform/core/config.hpp"

namespace bv::stack {

// Progress for people: a step, and whether it begins or has ended.
using reporter = std::function<void(std::string_view step)>;

class platform {
public:
    // The data directory is locked by the caller.
    // role_arguments: what the processes of profile full are given to read the same settings: --config, --set.
    platform(const config&, data_dir&, reporter, std::vector<std::string> role_arguments = {});
    ~platform();

    // Blocks until everything is ready, or until a signal asks to stop: then state().ready is false and run() returns at
    // once. Throws failure with what to do about it; then nothing is left running.
    void start();
    // Blocks until SIGINT or SIGTERM, keeping the child processes alive: one that ends is started again.
    void run();
    // Drains and stops everything in reverse order, child processes last.
    void stop() noexcept;

    [[nodiscard]] const running_platform& state() const noexcept;
    // What a person needs to log in, a line each; empty when there are no development accounts.
    [[nodiscard]] std::vector<std::string> logins() const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace bv::stack
