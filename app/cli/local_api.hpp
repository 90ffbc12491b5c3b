// The running platform's API, as the commands call it: with the operator's key out of the data directory.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "app/cli/command.hpp"
#include "platform/net/http/client.hpp"
#include "platform/runtime/runtime.hpp"

namespace bv::cli {

class local_api {
public:
    // Throws failure "NOT_RUNNING"; FAILED_PRECONDITION when the data directory's secrets are not this account's to read.
    explicit local_api(const common&, const std::string& key_name = "dev.operator.api_key");
    ~local_api();

    // Throws failure with the problem's own text for any status from 400 on.
    boost::json::value get(const std::string& target);
    boost::json::value post(const std::string& target, const boost::json::value& body);
    [[nodiscard]] const stack::running_platform& platform() const noexcept { return platform_; }

private:
    boost::json::value send(http::client_request);
    stack::running_platform platform_;
    std::string key_;
    bv::runtime runtime_;
    http::client client_;
};

// A field of an object as text; empty when it is not there. Numbers are printed.
[[nodiscard]] std::string text_of(const boost::json::value&, std::string_view key);
// An array of an object; empty when it is not there.
[[nodiscard]] const boost::json::array& items_of(const boost::json::value&, std::string_view key);

}  // namespace bv::cli
