// A replay's file, plain or compressed, from the bytes on disk to invoices.
#include "app/replay/online_retail.hpp"
#include "platform/core/error.hpp"
#include "platform/testing/fuzz.hpp"
#include "platform/testing/memory_file.hpp"

BV_FUZZ(replay_file) {
    const bv::testing::memory_file file(bytes);
    std::uint64_t lines = 0, rejected = 0;
    try {
        const auto counts = bv::replay::read_invoices(
            file.path(),
            [&](bv::replay::invoice&& i) {
                BV_ASSERT(!i.number.empty() && !i.customer.empty() && !i.lines.empty());
                for (const auto& line : i.lines) {
                    BV_ASSERT(line.quantity > 0 && line.price_minor > 0 && !line.sku.empty() && line.sku.size() <= 64);
                    ++lines;
                }
                return lines < 100'000;  // a small file may unfold into a large one
            },
            [&](const bv::replay::rejected_line& r) {
                BV_ASSERT(r.why != bv::replay::unusable::count_);
                ++rejected;
            });
        if (lines < 100'000) BV_ASSERT(counts.usable == lines && counts.lines == lines + rejected);
    } catch (const bv::failure&) {
        // It is damaged, or no such file: the message says which.
    }
}
