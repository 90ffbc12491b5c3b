// Which earlier orders a return can be of. A return takes from the customer's newest earlier order that holds the SKU, then
// from the one before. What it decides depends on the file and on the orders' outcomes only, so every run decides alike.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace bv::replay {

using order_slot = std::uint32_t;  // an order by its place in the file

enum class outcome : std::uint8_t { unknown, confirmed, cancelled };

enum class unmatched : std::uint8_t {
    no_earlier_purchase,
    order_cancelled,   // bought only in orders that were cancelled or refused
    more_than_bought,  // what was bought has come back already
    order_not_final,   // the order's saga did not end in time
    refused,           // the platform refused the return
    count_
};
inline constexpr std::size_t unmatched_kinds = static_cast<std::size_t>(unmatched::count_);
[[nodiscard]] const char* describe(unmatched) noexcept;

struct wanted_return {
    std::uint32_t sku = 0;  // by its place in the catalogue; none_such: not in it
    std::int64_t quantity = 0;
};
inline constexpr std::uint32_t none_such = UINT32_MAX;

struct taken_line {
    std::uint32_t sku = 0;
    std::int64_t quantity = 0;
};

struct order_return {
    order_slot order = 0;
    std::vector<taken_line> lines;
};

struct return_match {
    std::vector<order_slot> undecided;  // not empty: their outcome is needed first, and the rest is no answer yet
    std::vector<order_return> orders;   // newest first
    std::array<std::int64_t, unmatched_kinds> unmatched_units{};
};

// 12 bytes a line that was bought. Not thread-safe.
class return_index {
public:
    explicit return_index(std::size_t customers) : bought_(customers) {}

    // Slots of a customer are added in growing order.
    void add(std::uint32_t customer, order_slot, std::span<const wanted_return> lines);
    // Considers orders below `before` only: those that stand earlier in the file. Changes nothing.
    [[nodiscard]] return_match match(std::uint32_t customer, order_slot before, std::span<const wanted_return>,
                                     const std::function<outcome(order_slot)>&) const;
    // What was matched cannot be returned again.
    void take(std::uint32_t customer, const return_match&);

private:
    struct bought_line {
        order_slot order;
        std::uint32_t sku;
        std::uint32_t left;
    };
    std::vector<std::vector<bought_line>> bought_;  // by customer
};

}  // namespace bv::replay
