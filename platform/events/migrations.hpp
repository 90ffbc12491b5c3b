// The event platform's part of the "platform" migration set: platform.create_outbox, platform.create_consumer, retention.
#pragma once

#include <span>

#include "platform/core/embed.hpp"

namespace bv::events {
[[nodiscard]] std::span<const embedded_file> migration_files();
}  // namespace bv::events
