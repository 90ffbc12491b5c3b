#include "platform/storage/memory/database.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "platform/core/assert.hpp"

namespace bv::memory {
namespace {

constexpr milliseconds longest_pause{20};  // before a transaction that met another one runs again

// Others get their turn, and nothing else happens.
class short_way final : public link {
public:
    task<void> pass(leg) override { co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable); }
};

link& the_short_way() {
    static short_way way;
    return way;
}

}  // namespace

std::int64_t database::oldest_snapshot() const noexcept {
    auto oldest = commits_;
    for (const auto* tx : open_) oldest = std::min(oldest, tx->snapshot());
    return oldest;
}

transaction::transaction(database& d, link& l, storage::transaction_options o)
    : database_(d), link_(l), options_(std::move(o)), snapshot_(d.commits_) {
    database_.open_.push_back(this);
}

transaction::~transaction() {
    if (!ended_) end(false);
}

void transaction::check_usable() const {
    if (broken_) throw failure(code::internal, "TRANSACTION_BROKEN", "a statement of this transaction failed: nothing more can be done in it");
}

task<void> transaction::statement() {
    check_usable();
    try {
        co_await link_.pass(leg::request);
    } catch (...) {
        broken_ = true;
        throw;
    }
    if (!began_ || !reads_one_snapshot()) snapshot_ = database_.commits_;
    began_ = true;
}

void transaction::violate(code c, std::string reason, const std::string& message) {
    broken_ = true;
    throw failure(c, std::move(reason), message);
}

void transaction::give_up(std::string reason) {
    broken_ = true;
    throw conflict(std::move(reason));
}

std::int64_t transaction::id() {
    if (id_ == 0) {
        id_ = database_.next_id_++;
        database_.running_.insert(id_);
    }
    return id_;
}

void transaction::take(lock& l, held* of, void* row) {
    if (l.holder == this) return;
    BV_ASSERT(l.holder == nullptr);
    id();
    l.holder = this;
    held_.push_back({&l, of, row});
}

task<void> transaction::wait_for(lock& l) {
    while (l.holder != nullptr && l.holder != this) {
        for (const auto* next = l.holder; next != nullptr && next->waits_for_ != nullptr; next = next->waits_for_->holder) {
            if (next->waits_for_->holder == this) give_up("DEADLOCK");
        }
        const auto turn = waiter::make();
        l.waiting.push_back(turn);
        waits_for_ = &l;
        try {
            co_await turn->wait();
        } catch (...) {
            waits_for_ = nullptr;
            broken_ = true;
            throw;
        }
        waits_for_ = nullptr;
    }
}

task<void> transaction::lock_named(std::string name) {
    auto& l = database_.named_locks_[name];
    co_await wait_for(l);
    take(l, nullptr, nullptr);
}

task<void> transaction::commit() {
    check_usable();
    co_await link_.pass(leg::commit);
    end(true);
    co_await link_.pass(leg::answer);
}

void transaction::end(bool committed) noexcept {
    ended_ = true;
    std::erase(database_.open_, this);
    if (id_ != 0) database_.running_.erase(id_);
    const auto number = committed && id_ != 0 ? ++database_.commits_ : database_.commits_;
    const auto oldest = database_.oldest_snapshot();
    const auto all = std::exchange(held_, {});
    std::vector<std::shared_ptr<waiter>> turns;
    for (const auto& h : all) {
        h.what->holder = nullptr;
        for (auto& w : h.what->waiting) turns.push_back(std::move(w));
        h.what->waiting.clear();
    }
    for (const auto& h : all) {
        if (h.of == nullptr) continue;
        if (committed) h.of->commit(h.row, number, oldest);
        else h.of->roll_back(h.row);
    }
    for (const auto& w : turns) w->wake();
}

client::client(database& d, clock& c, rng& r) : client(d, c, r, the_short_way()) {}
client::client(database& d, clock& c, rng& r, link& l) : database_(d), clock_(c), rng_(r), link_(l) {}

task<void> client::run(storage::transaction_options o, std::function<task<void>(storage::unit_of_work&)> work) {
    for (int tries = 1;; ++tries) {
        bool again = false;
        {
            transaction tx(database_, link_, o);
            try {
                co_await work(tx);
                co_await tx.commit();
            } catch (const conflict&) {
                again = true;
            }
        }
        if (!again) co_return;
        if (tries >= o.attempts)
            throw failure(code::aborted, "TRANSACTION_CONFLICT",
                          fmt::format("the transaction conflicted with others {} times in a row: try again later", tries));
        const auto pause = microseconds(1 + rng_.below(static_cast<std::uint64_t>(microseconds(longest_pause).count())));
        if (clock_.steady_now() + pause >= o.deadline)
            throw failure(code::deadline_exceeded, "DEADLINE_EXCEEDED", "no time is left to run a conflicting transaction again");
        co_await clock_.sleep_for(pause);
    }
}

}  // namespace bv::memory
