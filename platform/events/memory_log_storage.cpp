#include "platform/events/memory_log_storage.hpp"

#include <algorithm>

#include "platform/events/memory_outbox_reader.hpp"

namespace bv::events {
namespace {

using letter_key = memory_schema::letter_key;

class memory_consumer_store final : public consumer_store {
public:
    memory_consumer_store(memory_schema& s, std::string group, std::string source, const clock& c)
        : schema_(s), key_(std::move(group), std::move(source)), clock_(c) {}

    task<place> load(storage::unit_of_work& uow) override {
        auto& tx = memory::of(uow);
        co_await tx.statement();
        if (const auto* at = schema_.positions.find(tx, key_)) co_return *at;
        co_await schema_.positions.insert(tx, key_, {});
        co_await tx.statement();
        co_return *schema_.positions.find(tx, key_);
    }
    task<place> take(storage::unit_of_work& uow, std::int64_t fence) override {
        co_await load(uow);
        auto& tx = memory::of(uow);
        co_await tx.statement();
        auto at = *co_await schema_.positions.lock(tx, key_);
        if (at.fence > fence) throw events::position_moved(key_.first, key_.second, {at.position, fence});
        at.fence = fence;
        schema_.positions.put(tx, key_, at);
        co_return at;
    }
    task<void> advance(storage::unit_of_work& uow, place from, std::int64_t to) override {
        auto& tx = memory::of(uow);
        co_await tx.statement();
        const auto* at = co_await schema_.positions.lock(tx, key_);
        if (!at || at->position != from.position || at->fence != from.fence) throw events::position_moved(key_.first, key_.second, from);
        schema_.positions.put(tx, key_, {to, from.fence});
    }
    task<void> lock(storage::unit_of_work& uow) override {
        auto& tx = memory::of(uow);
        co_await tx.statement();
        co_await schema_.positions.lock(tx, key_);
    }
    task<std::set<std::string>> blocked_keys(storage::unit_of_work& uow) override {
        co_await memory::of(uow).statement();
        co_return blocked(memory::of(uow));
    }
    task<std::set<std::string>> blocked_among(storage::unit_of_work& uow, std::vector<std::string> keys) override {
        co_await memory::of(uow).statement();
        auto all = blocked(memory::of(uow));
        std::erase_if(all, [&](const std::string& k) { return std::ranges::find(keys, k) == keys.end(); });
        co_return all;
    }
    task<std::int64_t> unresolved(storage::unit_of_work& uow) override {
        co_await memory::of(uow).statement();
        std::int64_t n = 0;
        each_unresolved(memory::of(uow), [&](const dead_letter&) { ++n; });
        co_return n;
    }
    void park(storage::unit_of_work& uow, std::span<const event> events, std::int32_t attempts, std::string_view error,
              std::string_view state) override {
        const auto now = clock_.now();
        for (const auto& e : events) {
            dead_letter d{key_.first, e, std::ssize(e.payload), attempts, std::string(error), parse_dead_letter_state(state), now, now, {}};
            schema_.letters.add(memory::of(uow), {key_.first, key_.second, e.position}, std::move(d));
        }
    }

private:
    template <class F>
    void each_unresolved(const memory::transaction& tx, F f) const {
        schema_.letters.scan(tx, [&](const letter_key& k, const dead_letter& d) {
            if (std::get<0>(k) == key_.first && std::get<1>(k) == key_.second && is_unresolved(d.state)) f(d);
        });
    }
    std::set<std::string> blocked(const memory::transaction& tx) const {
        std::set<std::string> out;
        each_unresolved(tx, [&](const dead_letter& d) { out.insert(d.event.key); });
        return out;
    }

    memory_schema& schema_;
    const memory_schema::group_source key_;
    const clock& clock_;
};

class memory_dead_letter_store final : public dead_letter_store {
public:
    memory_dead_letter_store(memory_schema& s, std::string group, std::string source, const clock& c)
        : schema_(s), group_(std::move(group)), source_(std::move(source)), clock_(c) {}

    task<std::vector<dead_letter>> list(storage::unit_of_work& uow, bool unresolved_only, std::int32_t limit) override {
        co_await memory::of(uow).statement();
        std::vector<dead_letter> out;
        each(memory::of(uow), [&](const dead_letter& d) {
            if (!unresolved_only || is_unresolved(d.state)) out.push_back(d);
        });
        std::ranges::reverse(out);
        if (std::ssize(out) > limit) out.resize(static_cast<std::size_t>(limit));
        for (auto& d : out) d.event.payload.clear();
        co_return out;
    }
    task<std::optional<dead_letter>> find(storage::unit_of_work& uow, uuid id) override {
        co_await memory::of(uow).statement();
        std::optional<dead_letter> out;
        each(memory::of(uow), [&](const dead_letter& d) {
            if (d.event.id == id) out = d;
        });
        co_return out;
    }
    task<std::vector<item>> unresolved(storage::unit_of_work& uow, dead_letter_target target, std::int64_t after, std::int32_t limit) override {
        co_await memory::of(uow).statement();
        std::vector<item> out;
        for (const auto& e : targeted(memory::of(uow), target, true))
            if (e.position > after && std::ssize(out) < limit) out.push_back({e.position, e.key, e.traceparent});
        co_return out;
    }
    task<std::optional<event>> take_unresolved(storage::unit_of_work& uow, std::int64_t position) override {
        auto& tx = memory::of(uow);
        co_await tx.statement();
        const auto* d = co_await schema_.letters.lock(tx, key(position));
        if (!d || !is_unresolved(d->state)) co_return std::nullopt;
        co_return d->event;
    }
    void mark(storage::unit_of_work& uow, std::int64_t position, std::string_view state) override {
        change(memory::of(uow), position, [&](dead_letter& d) {
            d.state = parse_dead_letter_state(state);
            d.resolved_at = clock_.now();
        });
    }
    void failed_again(storage::unit_of_work& uow, std::int64_t position, std::string_view error) override {
        change(memory::of(uow), position, [&](dead_letter& d) {
            if (!is_unresolved(d.state)) return;
            d.state = dead_letter_state::failed;
            ++d.attempts;
            d.error = error;
            d.last_failed_at = clock_.now();
        });
    }
    task<std::int64_t> discard(storage::unit_of_work& uow, dead_letter_target target) override {
        co_await memory::of(uow).statement();
        std::int64_t n = 0;
        for (const auto& e : targeted(memory::of(uow), target, false)) {
            mark(uow, e.position, "discarded");
            ++n;
        }
        co_return n;
    }

private:
    [[nodiscard]] letter_key key(std::int64_t position) const { return {group_, source_, position}; }
    template <class F>
    void each(const memory::transaction& tx, F f) const {
        schema_.letters.scan(tx, [&](const letter_key& k, const dead_letter& d) {
            if (std::get<0>(k) == group_ && std::get<1>(k) == source_) f(d);
        });
    }
    // Unresolved ones, in position order.
    [[nodiscard]] std::vector<event> targeted(const memory::transaction& tx, const dead_letter_target& t, bool and_before) const {
        std::optional<event> last;
        each(tx, [&](const dead_letter& d) {
            if (t.id && d.event.id == *t.id) last = d.event;
        });
        std::vector<event> out;
        each(tx, [&](const dead_letter& d) {
            const auto& e = d.event;
            const bool of_id = !t.id || e.id == *t.id || (and_before && last && !e.key.empty() && e.key == last->key && e.position < last->position);
            if (is_unresolved(d.state) && of_id && (!t.key || e.key == *t.key)) out.push_back(e);
        });
        return out;
    }
    template <class F>
    void change(memory::transaction& tx, std::int64_t position, F f) {
        const auto* found = schema_.letters.try_lock(tx, key(position));
        if (!found) return;
        auto d = *found;
        f(d);
        schema_.letters.put(tx, key(position), std::move(d));
    }

    memory_schema& schema_;
    const std::string group_, source_;
    const clock& clock_;
};

}  // namespace

memory_log_storage::memory_log_storage(memory::database& d, memory_schemas& s, storage::transactor& reads, const clock& c)
    : schemas_(s), clock_(c), reader_(std::make_unique<memory_outbox_reader>(d, s, reads)) {}
memory_log_storage::~memory_log_storage() = default;

outbox_reader& memory_log_storage::outboxes() { return *reader_; }

std::unique_ptr<consumer_store> memory_log_storage::positions(std::string group, std::string source, std::string_view consumer) {
    return std::make_unique<memory_consumer_store>(schemas_.of(consumer), std::move(group), std::move(source), clock_);
}

std::unique_ptr<dead_letter_store> memory_log_storage::letters(std::string group, std::string source, std::string_view consumer) {
    return std::make_unique<memory_dead_letter_store>(schemas_.of(consumer), std::move(group), std::move(source), clock_);
}

}  // namespace bv::events
