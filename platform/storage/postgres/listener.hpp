// LISTEN on a connection of its own. Private to pg.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/storage/postgres/channel.hpp"

namespace bv::pg {

// Until cancelled: reconnects with growing pauses. See database::listen.
task<void> listen_forever(std::shared_ptr<client>, std::vector<std::string> channels,
                          std::function<void(std::string_view channel, std::string_view payload)> on_notify);

}  // namespace bv::pg
