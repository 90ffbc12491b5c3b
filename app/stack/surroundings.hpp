// What a role's process that bv serve runs finds around it: a platform of this directory, whose supervisor runs, or what its
// settings name, where roles are run by systemd or on several machines.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/role_directory.hpp"
#include "app/stack/data_dir.hpp"
#include "platform/core/config.hpp"

namespace bv::stack {

struct surroundings {
    std::string provider_url;  // of the payment provider
    std::string url;           // where clients reach the platform
    std::vector<std::string> redis;
    std::string kafka;
    std::string registry;      // of schemas; empty: there is none
    std::string rabbitmq;      // the private one of a supervisor; empty: as the settings say
    std::uint16_t port = 0;    // of the edge
    bool port_is_held = false; // by a supervisor
    std::unique_ptr<app::role_directory> peers;
};

// Of the platform of many processes that runs in the directory. Throws failure FAILED_PRECONDITION "NOT_RUNNING".
[[nodiscard]] surroundings of_running(const config&, const data_dir&);
// As peers.addresses and the other settings say; `role` is the one that the process holds. Throws failure FAILED_PRECONDITION:
// "SETTING_MISSING", "NO_SECRETS".
[[nodiscard]] surroundings as_given(const config&, const data_dir&, std::string_view role);

struct listening_place {
    std::string address;
    std::uint16_t port = 0;  // 0: a free one
};
// "127.0.0.1:0", "[::]:7001". INVALID_ARGUMENT "INVALID_SETTING", naming peers.listen.
[[nodiscard]] result<listening_place> parse_listening_place(std::string_view);

}  // namespace bv::stack
