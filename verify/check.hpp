// Checks the platform's invariants on its live stores, in one snapshot of the database.
//
//   auto found = co_await verify::check(runtime, admin, {.provider = …});
//   if (!found.holds()) std::cout << verify::to_text(found);
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "domains/commerce/payment/module.hpp"
#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/storage/postgres/database.hpp"
#include "verify/report.hpp"

namespace bv::verify {

struct options {
    seconds wait{30};                    // at most this long for orders under way to end; 0: check at once
    bool live = true;                    // the platform runs: what is under way goes on, and overdue orders are stuck
    seconds grace{30};                   // an open saga may be this long past its deadline
    std::size_t most_violations = 20;    // shown of one invariant
    std::optional<payment::provider_options> provider{};
    std::string no_provider = "no provider was named";  // why there is none
    std::function<void(std::string_view step)> progress{};  // for people; called on the runtime's core 0
};

// `admin` sees every schema: the role that migrates. Its statement_timeout must be 0. The runtime runs; called on its
// core 0 (runtime::block_on). Reads only. The order service's own checks (streams.legal, projections.fold) take a
// snapshot of their own at the same time, on the last core. Throws failure NOT_FOUND "NO_DATA" when the database holds no
// platform, and failure UNAVAILABLE when it is away.
task<report> check(runtime&, pg::database& admin, options);

}  // namespace bv::verify
