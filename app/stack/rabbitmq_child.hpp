// RabbitMQ, when it announces jobs: the servers that are given, or a private one as a child process of the platform.
#pragma once

#include <memory>
#include <string>

#include "app/modules.hpp"
#include "app/stack/data_dir.hpp"
#include "app/stack/restart_pause.hpp"
#include "platform/core/config.hpp"
#include "platform/jobs/rabbitmq/private_server.hpp"
#include "platform/security/secrets.hpp"

namespace bv::stack {

class rabbitmq_child {
public:
    // Launches the private server when the settings ask for one and give none. It answers some seconds later, and nothing needs to
    // wait for it but who wants all of the platform. Throws what private_server::launch does.
    void launch(const config&, const data_dir&, security::secrets&);
    [[nodiscard]] bool started() const noexcept { return server_ != nullptr; }
    // True once it answers. Throws failure UNAVAILABLE "RABBITMQ_START" when it has ended instead, or takes too long.
    [[nodiscard]] bool is_up() { return !server_ || server_->is_up(); }
    // Launches it again when it has ended by itself, on the same ports and with what it keeps. True when it did.
    bool tend();
    void stop() noexcept;

    [[nodiscard]] pid_t pid() const noexcept { return server_ ? server_->pid() : 0; }
    // Of the private one; empty: there is none.
    [[nodiscard]] std::string address() const { return server_ ? server_->address() : std::string(); }
    [[nodiscard]] std::string management() const { return server_ ? server_->management_address() : std::string(); }

private:
    std::unique_ptr<jobs::rabbitmq::private_server> server_;
    restart_pause pause_;
};

// How processes of the platform reach it. private_address: of the private server, empty when there is none.
[[nodiscard]] app::rabbitmq_access rabbitmq_of(const config&, security::secrets&, const std::string& private_address);

}  // namespace bv::stack
