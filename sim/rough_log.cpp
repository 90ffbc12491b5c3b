#include "sim/rough_log.hpp"

#include <algorithm>
#include <map>
#include <string>

#include "platform/storage/memory/database.hpp"

namespace bv::sim {

void rough_log::subscribe(events::subscription s) {
    s.handler = [this, h = std::move(s.handler), stock = s.group == "inventory", tally = s.group == "tally"](storage::unit_of_work& uow,
                                                                                                             std::span<const events::event> batch) {
        // Stock counts a return as often as its event is applied, and the tally every event: there the position alone has to do.
        const bool counts = tally || (stock && std::ranges::any_of(batch, [](const events::event& e) { return e.short_type() == "OrderReturned"; }));
        return deliver(&h, !counts, &uow, batch);
    };
    inner_.subscribe(std::move(s));
}

// Events of one key stay in their order; keys come in any.
std::vector<events::event> rough_log::mixed(std::span<const events::event> batch) {
    std::map<std::string, std::vector<const events::event*>> by_key;
    std::vector<std::string> turns;
    for (const auto& e : batch) {
        by_key[e.key].push_back(&e);
        turns.push_back(e.key);
    }
    for (std::size_t i = turns.size(); i > 1; --i) std::swap(turns[i - 1], turns[chance_.random().below(i)]);
    std::map<std::string, std::size_t> next;
    std::vector<events::event> out;
    for (const auto& key : turns) out.push_back(*by_key[key][next[key]++]);
    return out;
}

task<void> rough_log::deliver(const events::batch_handler* h, bool may_repeat, storage::unit_of_work* uow, std::span<const events::event> batch) {
    std::vector<events::event> events(batch.begin(), batch.end());
    if (chance_.happens(fault::slow_consumer)) co_await clock_.sleep_for(milliseconds(chance_.random().below(chance_.random().below(3) == 0 ? 9'000 : 2'000)));
    if (chance_.happens(fault::reordering)) events = mixed(batch);
    co_await (*h)(*uow, events);
    if (may_repeat && chance_.happens(fault::redelivery)) co_await (*h)(*uow, events);
    if (chance_.happens(fault::second_run)) throw memory::conflict("SERIALIZATION_FAILURE");
}

class rough_storage::reader final : public events::outbox_reader {
public:
    reader(events::outbox_reader& inner, chance& c) : inner_(inner), chance_(c) {}
    task<events::heads_probe> probe(std::vector<std::string> sources) override {
        auto found = co_await inner_.probe(std::move(sources));
        if (chance_.happens(fault::log_restart)) ++epoch_;
        found.epoch = std::to_string(epoch_);
        co_return found;
    }
    task<std::vector<events::open_transaction>> who_runs(std::int64_t xid) override { return inner_.who_runs(xid); }
    task<std::vector<events::event_ptr>> fetch(std::string source, std::int64_t after, std::int64_t upto, std::int32_t limit) override {
        return inner_.fetch(std::move(source), after, upto, limit);
    }
    task<std::int64_t> last_row(std::string source, std::int64_t upto) override { return inner_.last_row(std::move(source), upto); }
    task<void> register_group(std::string group, std::string source, std::string consumer) override {
        return inner_.register_group(std::move(group), std::move(source), std::move(consumer));
    }
    task<std::int64_t> prune(std::string source, time_point cutoff, std::int32_t limit) override { return inner_.prune(std::move(source), cutoff, limit); }

private:
    events::outbox_reader& inner_;
    chance& chance_;
    int epoch_ = 1;
};

rough_storage::rough_storage(std::unique_ptr<events::log_storage> inner, chance& c)
    : inner_(std::move(inner)), reader_(std::make_unique<reader>(inner_->outboxes(), c)) {}
rough_storage::~rough_storage() = default;
events::outbox_reader& rough_storage::outboxes() { return *reader_; }

}  // namespace bv::sim
