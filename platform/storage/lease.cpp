#include "platform/storage/lease.hpp"

#include <fmt/format.h>

namespace bv::storage {

failure lease_lost(const lease& l) {
    return {code::aborted, std::string(lease_store::lease_lost),
            fmt::format("the lease {} under fence {} is no longer {}'s: another has taken it over, and does the work", l.name, l.fence, l.owner)};
}

}  // namespace bv::storage
