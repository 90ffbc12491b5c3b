// What a consumer's transaction stores for the worker to send at once.
//
// A fresh operation is due now. Stored as pending it would cost a second transaction, the worker's claim, before it could be sent. So the
// transaction that stores it leases it, and hands it to the worker after its commit. Until then nothing is sent; a crash in between leaves
// what a crash between claim and call leaves: an operation in flight, asked for by its key when its lease ends.
#pragma once

#include <utility>
#include <vector>

#include "domains/commerce/payment/app/perform_operations.hpp"

namespace bv::payment {

// One transaction at a time, on the consumer's thread.
class handover {
public:
    explicit handover(operation_worker& w) : worker_(w) {}
    ~handover() { drop(); }
    handover(const handover&) = delete;
    handover& operator=(const handover&) = delete;

    // Leases as many of the new operations as the worker has places for; the others stay pending, and the worker is woken for them.
    void lease(changes&, time_point now);
    // The transaction came to nothing, or is run again.
    void drop() noexcept;

    struct batch {
        std::vector<claimed_operation> operations;
        int places = 0;
        bool more = false;  // pending ones, for the worker to claim
    };
    // It is committed: what to give to the worker's take_over().
    [[nodiscard]] batch committed() noexcept { return std::exchange(held_, {}); }

private:
    operation_worker& worker_;
    batch held_;
};

}  // namespace bv::payment
