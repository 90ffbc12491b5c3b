#include "app/stack/provider_child.hpp"

#include <chrono>
#include <fstream>
#include <thread>

#include <fmt/format.h>

#include "platform/core/error.hpp"

namespace bv::stack {

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 15s;

}  // namespace

void provider_child::start(const data_dir& dir, security::secrets& secrets, const std::string& platform_url, const std::string& platform_certificate) {
    secrets.get_or_put(provider_api_key, security::random_secret());
    secrets.get_or_put(provider_callback_secret, security::random_secret());
    data_ = dir.path();
    log_ = dir.folder("log") / "provider.log";
    port_file_ = dir.folder("provider") / "port";
    platform_url_ = platform_url;
    platform_certificate_ = platform_certificate;
    launch();
}

void provider_child::start_again() { launch(); }

void provider_child::launch() {
    std::error_code ec;
    std::filesystem::remove(port_file_, ec);
    std::vector<std::string> arguments{"provider", "--data-dir", data_.string(), "--platform-url", platform_url_, "--port", std::to_string(port_),
                                       "--port-file", port_file_.string()};
    if (!platform_certificate_.empty()) arguments.insert(arguments.end(), {"--platform-certificate", platform_certificate_});
    child_ = child::start(std::move(arguments), log_);
    for (const auto end = std::chrono::steady_clock::now() + patience; std::chrono::steady_clock::now() < end;) {
        std::ifstream in(port_file_);
        unsigned port = 0;
        if (in >> port && port > 0) {
            port_ = static_cast<std::uint16_t>(port);
            return;
        }
        if (!child_.running()) break;
        std::this_thread::sleep_for(5ms);
    }
    child_.stop();
    throw failure(code::unavailable, "PROVIDER_FAILED",
                  fmt::format("the payment provider did not start; the end of {}:\n{}", log_.string(), log_tail(log_)));
}

}  // namespace bv::stack
