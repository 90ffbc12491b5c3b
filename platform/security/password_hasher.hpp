// Argon2id off the event loop: a hash takes tens of milliseconds of CPU, which would hold up every request of a core.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "platform/core/task.hpp"
#include "platform/security/password.hpp"

namespace bv::security {

struct password_hasher_options {
    argon2_cost cost{};
    std::size_t threads = 1;
    std::size_t max_waiting = 64;  // some two seconds of work a thread; more are refused
};

// Thread-safe. Outlives its calls: the destructor finishes those in hand, so join what calls it first.
// Every call throws failure RESOURCE_EXHAUSTED "PASSWORD_QUEUE_FULL" (with retry_after) when too many wait.
class password_hasher {
public:
    explicit password_hasher(password_hasher_options options = {});
    ~password_hasher();
    password_hasher(const password_hasher&) = delete;
    password_hasher& operator=(const password_hasher&) = delete;

    task<std::string> hash(std::string password);
    // Without a stored hash (the user is unknown) as much time is spent, and the answer is false.
    task<bool> verify(std::string password, std::optional<std::string> stored);
    [[nodiscard]] bool needs_rehash(std::string_view stored) const noexcept { return security::needs_rehash(stored, options_.cost); }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.load(std::memory_order_relaxed); }

private:
    struct impl;
    class slot;
    password_hasher_options options_;
    std::atomic<std::size_t> waiting_{0};
    std::unique_ptr<impl> impl_;
};

}  // namespace bv::security
