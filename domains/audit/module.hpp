// The audit service: shows the trail, and makes its partitions ahead of time.
#pragma once

#include <memory>

#include "platform/rpc/method.hpp"
#include "platform/runtime/module.hpp"
#include "platform/storage/postgres/migrations.hpp"

namespace bv::audit {

struct deps {
    bv::clock& clock;
    pg::database& db;  // connected as bv_audit
};

struct options {
    int months_ahead = 3;
    seconds partition_interval{6 * 3600};
};

class service {
public:
    service(deps, options);
    ~service();
    [[nodiscard]] rpc::served served();
    [[nodiscard]] bv::module lifecycle();
    // Comes right after "platform": the migrations of other services call audit.track.
    [[nodiscard]] static pg::migration_set migrations();

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace bv::audit
