// The development payment provider as a child process of the platform.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "app/stack/child.hpp"
#include "app/stack/data_dir.hpp"
#include "platform/security/secrets.hpp"

namespace bv::stack {

// Names in the secrets of what platform and provider share.
inline constexpr std::string_view provider_api_key = "provider.api_key";
inline constexpr std::string_view provider_callback_secret = "provider.callback_secret";

class provider_child {
public:
    // Makes the shared secrets where missing, starts the child and waits until it listens.
    // Throws failure UNAVAILABLE "PROVIDER_FAILED" quoting the end of its log.
    void start(const data_dir&, security::secrets&, const std::string& platform_url, const std::string& platform_certificate);
    // After it has ended by itself: on the same port, with the same books.
    void start_again();
    void stop() noexcept { child_.stop(); }
    [[nodiscard]] bool started() const noexcept { return port_ != 0; }
    [[nodiscard]] bool running() noexcept { return child_.running(); }
    [[nodiscard]] pid_t pid() const noexcept { return child_.pid(); }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

private:
    void launch();
    child child_;
    std::filesystem::path data_, log_, port_file_;
    std::string platform_url_, platform_certificate_;
    std::uint16_t port_ = 0;
};

}  // namespace bv::stack
