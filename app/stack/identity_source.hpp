// Where a role's process has its certificates from: its supervisor (identity_link.hpp) or files (identity_files.hpp).
#pragma once

#include <functional>

#include "platform/security/svid.hpp"

namespace bv::stack {

class identity_source {
public:
    virtual ~identity_source() = default;
    [[nodiscard]] virtual const security::svid& first() const noexcept = 0;
    // Calls `take` with each that follows, on the runtime, until stop(), which is called while the runtime runs. What it throws is
    // logged, and the identity before goes on.
    virtual void follow(std::function<void(const security::svid&)> take) = 0;
    virtual void stop() = 0;
};

}  // namespace bv::stack
