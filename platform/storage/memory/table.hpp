// A table of a memory database: rows by key, with the versions that open snapshots may still see.
//
// Reading is done at once; what waits for other transactions is a coroutine. The pointers and references that reading
// gives are good until the next co_await.
#pragma once

#include <map>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "platform/core/assert.hpp"
#include "platform/storage/memory/database.hpp"

namespace bv::memory {

template <class Key, class Row>
class table final : private held {
public:
    table() = default;
    table(const table&) = delete;
    table& operator=(const table&) = delete;

    // Within a statement: committed when it began, or written by this transaction. Null: no such row.
    [[nodiscard]] const Row* find(const transaction& tx, const Key& k) const {
        const auto at = rows_.find(k);
        return at == rows_.end() ? nullptr : visible(tx, at->second);
    }
    // f(key, row) on each row in the order of keys, from the first key after `after` on; as long as it returns true, when it
    // returns something.
    template <class F>
    void scan(const transaction& tx, F&& f) const {
        walk(rows_.begin(), tx, f);
    }
    template <class F>
    void scan_after(const transaction& tx, const Key& after, F&& f) const {
        walk(rows_.upper_bound(after), tx, f);
    }

    // FOR UPDATE: the row as it is once nobody else holds it; null when the statement sees none, or it is gone meanwhile.
    task<const Row*> lock(transaction& tx, Key k) {
        const auto at = rows_.find(k);
        if (at == rows_.end() || !visible(tx, at->second)) co_return nullptr;
        co_return co_await lock_newest(tx, k);
    }
    // FOR UPDATE SKIP LOCKED: null when another has it, too.
    const Row* try_lock(transaction& tx, const Key& k) {
        const auto at = rows_.find(k);
        if (at == rows_.end() || !visible(tx, at->second)) return nullptr;
        auto& l = at->second.lock;
        if (l.holder != nullptr && l.holder != &tx) return nullptr;
        const auto* newest = newest_of(tx, at->second);
        if (newest) tx.take(l, this, &*at);
        return newest;
    }
    // ON CONFLICT DO NOTHING: false when there is a row. Waits for a transaction that is just inserting or deleting it.
    task<bool> insert(transaction& tx, Key k, Row r) {
        auto& at = *rows_.try_emplace(k).first;
        co_await tx.wait_for(at.second.lock);
        auto& c = at.second;
        if (newest_of(tx, c)) {
            if (tx.reads_one_snapshot() && !visible(tx, c)) tx.give_up("SERIALIZATION_FAILURE");
            co_return false;
        }
        tx.take(c.lock, this, &at);
        c.pending.emplace(std::move(r));
        co_return true;
    }
    // ON CONFLICT DO UPDATE: change(row) on the row that is there; false when the row was inserted.
    template <class F>
    task<bool> upsert(transaction& tx, Key k, Row r, F change) {
        if (co_await insert(tx, k, r)) co_return false;
        auto now = *co_await lock_newest(tx, k);
        change(now);
        put(tx, k, std::move(now));
        co_return true;
    }
    // Of a row that this transaction has locked or inserted.
    void put(transaction& tx, const Key& k, Row r) { own(tx, k).pending.emplace(std::move(r)); }
    void erase(transaction& tx, const Key& k) { own(tx, k).pending.emplace(std::nullopt); }
    // Of a key that nobody else writes, as a lock of another row says.
    void add(transaction& tx, const Key& k, Row r) {
        auto& at = *rows_.try_emplace(k).first;
        tx.take(at.second.lock, this, &at);
        at.second.pending.emplace(std::move(r));
    }

    // What is committed, whoever asks: for checks.
    [[nodiscard]] const Row* committed(const Key& k) const {
        const auto at = rows_.find(k);
        return at == rows_.end() ? nullptr : last(at->second);
    }
    template <class F>
    void each_committed(F&& f) const {
        for (const auto& [k, c] : rows_)
            if (const auto* r = last(c)) f(k, *r);
    }

private:
    struct version {
        std::int64_t since;  // the commit that made it
        std::optional<Row> row;
    };
    struct chain {
        std::vector<version> past{};
        memory::lock lock{};
        std::optional<std::optional<Row>> pending{};  // what the lock's holder has written
    };
    using rows = std::map<Key, chain>;
    using entry = typename rows::value_type;

    static const Row* of(const std::optional<Row>& r) { return r ? &*r : nullptr; }
    static const Row* last(const chain& c) { return c.past.empty() ? nullptr : of(c.past.back().row); }
    static bool is_mine(const transaction& tx, const chain& c) { return c.pending && c.lock.holder == &tx; }

    static const Row* visible(const transaction& tx, const chain& c) {
        if (is_mine(tx, c)) return of(*c.pending);
        for (auto v = c.past.rbegin(); v != c.past.rend(); ++v)
            if (v->since <= tx.snapshot()) return of(v->row);
        return nullptr;
    }
    static const Row* newest_of(const transaction& tx, const chain& c) { return is_mine(tx, c) ? of(*c.pending) : last(c); }

    task<const Row*> lock_newest(transaction& tx, Key k) {
        auto& at = *rows_.try_emplace(k).first;
        co_await tx.wait_for(at.second.lock);
        auto& c = at.second;
        if (tx.reads_one_snapshot() && !c.past.empty() && c.past.back().since > tx.snapshot()) tx.give_up("SERIALIZATION_FAILURE");
        const auto* newest = newest_of(tx, c);
        if (newest) tx.take(c.lock, this, &at);
        co_return newest;
    }

    chain& own(transaction& tx, const Key& k) {
        const auto at = rows_.find(k);
        BV_ASSERT(at != rows_.end() && at->second.lock.holder == &tx);
        return at->second;
    }

    template <class At, class F>
    void walk(At at, const transaction& tx, F& f) const {
        for (; at != rows_.end(); ++at) {
            const auto* r = visible(tx, at->second);
            if (!r) continue;
            if constexpr (std::is_void_v<decltype(f(at->first, *r))>) {
                f(at->first, *r);
            } else {
                if (!f(at->first, *r)) return;
            }
        }
    }

    // A key stays once it was used: who waits for its lock refers to it.
    void commit(void* row, std::int64_t number, std::int64_t oldest_snapshot) override {
        auto& c = static_cast<entry*>(row)->second;
        if (!c.pending) return;
        c.past.push_back({number, std::move(*c.pending)});
        c.pending.reset();
        // What the oldest snapshot sees, and all after it.
        auto keep = c.past.end() - 1;
        while (keep != c.past.begin() && keep->since > oldest_snapshot) --keep;
        c.past.erase(c.past.begin(), keep);
    }
    void roll_back(void* row) override { static_cast<entry*>(row)->second.pending.reset(); }

    rows rows_;
};

}  // namespace bv::memory
