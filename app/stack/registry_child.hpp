// The schema registry of the events that Kafka carries: the one that is given, or a private one as a child process of the platform.
#pragma once

#include <memory>
#include <string>

#include "app/stack/data_dir.hpp"
#include "app/stack/restart_pause.hpp"
#include "platform/core/config.hpp"
#include "platform/core/error.hpp"
#include "platform/events/kafka/registry_server.hpp"

namespace bv::stack {

class registry_child {
public:
    // Launches the private registry when the settings ask for one. It answers some seconds later; events wait for it where they need it.
    // Throws what registry_server::launch does.
    void launch(const config&, const data_dir&);
    [[nodiscard]] bool started() const noexcept { return server_ != nullptr; }
    // True once it answers. Throws failure UNAVAILABLE "REGISTRY_START" when it has ended instead, or takes too long.
    [[nodiscard]] bool is_up() { return !server_ || server_->is_up(); }
    // Launches it again when it has ended by itself, on the same port and with what it holds. True when it did.
    bool tend();
    void stop() noexcept;

    [[nodiscard]] pid_t pid() const noexcept { return server_ ? server_->pid() : 0; }
    // Of whichever it is; empty: there is none.
    [[nodiscard]] const std::string& url() const noexcept { return url_; }

private:
    std::unique_ptr<events::kafka::registry_server> server_;
    restart_pause pause_;
    std::string url_;
};

// INVALID_ARGUMENT for a registry without Kafka, and for a URL that is none.
[[nodiscard]] result<void> check_registry_settings(const config&);

}  // namespace bv::stack
