// The servers that a client knows: who holds which slots, learnt in the background, and the connections of each thread to them.
// Private to redis.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "platform/runtime/scope.hpp"
#include "platform/storage/redis/link.hpp"

namespace bv::redis {

// The connections of one thread, by server.
using thread_links = std::map<address, std::shared_ptr<link>>;

// Thread-safe, but for a thread's links, which are its own.
class servers {
public:
    servers(std::shared_ptr<shared_state>);

    // Of the executor's thread.
    [[nodiscard]] thread_links& of_thread(const asio::any_io_executor&);
    // Connects at first use. Null once it is stopping.
    [[nodiscard]] std::shared_ptr<link> to(thread_links&, const asio::any_io_executor&, const address&);
    // Whom a key's command goes to; any server for none. nullopt: nobody is known for it.
    [[nodiscard]] std::optional<address> owner(std::optional<std::uint16_t> slot);
    [[nodiscard]] std::shared_ptr<const topology> known() const;

    // For a scope: listens at some server, and at another when that one goes.
    static task<void> listen(std::shared_ptr<servers>, std::shared_ptr<const listener>);

    // Ask again who holds what, soon.
    void look_again();
    // For a scope: learns, then waits until it is asked to look again.
    static task<void> follow(std::shared_ptr<servers>);
    // After its first attempt to learn, whichever way it ended.
    task<void> first_look();

    task<void> stop();
    [[nodiscard]] std::string trouble() const;
    [[nodiscard]] shared_state& shared() noexcept { return *shared_; }
    // Spawns what ends at stop().
    void spawn(const asio::any_io_executor& e, task<void> t) { jobs_.spawn(e, std::move(t)); }

private:
    task<bool> learn();
    task<std::optional<topology>> ask(address);
    task<void> wait_for_need();
    [[nodiscard]] std::vector<address> candidates();
    [[nodiscard]] std::shared_ptr<server_state> state_of(const address&);
    void looked();
    void drop_strangers(thread_links&);

    std::shared_ptr<shared_state> shared_;
    mutable std::mutex mutex_;
    std::map<asio::execution_context*, thread_links> threads_;
    std::map<address, std::shared_ptr<server_state>> states_;
    std::shared_ptr<const topology> topology_;
    std::shared_ptr<waiter> need_;
    std::vector<std::shared_ptr<waiter>> first_;
    bool needed_ = false, looked_ = false, stopping_ = false;
    scope jobs_{"redis"};
};

}  // namespace bv::redis
