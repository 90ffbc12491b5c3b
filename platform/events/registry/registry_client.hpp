// A client of the Confluent schema registry's REST API, as far as Protobuf schemas need it; Apicurio Registry answers it too
// (/apis/ccompat/v7).
// https://docs.confluent.io/platform/current/schema-registry/develop/api.html
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/net/http/client.hpp"

namespace bv::events::registry {

struct registry_options {
    std::string url;       // "http://127.0.0.1:8081", or with a path
    std::string user{};    // empty: none is named
    std::string password{};
    std::string ca_file{};  // PEM; empty: the system's
    milliseconds timeout{3'000};  // of one call
};

// What a schema imports, where the registry has it.
struct reference {
    std::string name;     // the import
    std::string subject;
    std::int32_t version = 0;
};

struct registered {
    std::int32_t id = 0;
    std::int32_t version = 0;
    std::string text{};
};

// Thread-safe. Calls throw failure UNAVAILABLE "REGISTRY_AWAY" when it does not answer, or not as a registry does; they give as an error
// what it refused, with its own words: FAILED_PRECONDITION "INCOMPATIBLE_SCHEMA"; INVALID_ARGUMENT "REGISTRY_REFUSED";
// PERMISSION_DENIED "REGISTRY_LOGIN".
class registry_client {
public:
    // Throws failure INVALID_ARGUMENT for a URL that is none.
    explicit registry_client(const registry_options&);

    // None: there is no such subject.
    task<result<std::vector<std::int32_t>>> versions(std::string subject);
    task<result<registered>> at(std::string subject, std::int32_t version);
    // Its id, whether it was there already or is new. The same schema gets the same one.
    task<result<std::int32_t>> add(std::string subject, std::string text, std::vector<reference>);
    // Where the subject has this schema; none: it has not.
    task<result<std::optional<registered>>> find(std::string subject, std::string text, std::vector<reference>);
    // The text of a schema; none: the registry does not know the id.
    task<result<std::optional<std::string>>> text_of(std::int32_t id);
    // How versions of the subject must fit to those before: "BACKWARD_TRANSITIVE".
    task<result<void>> set_compatibility(std::string subject, std::string level);
    // Whether it answers.
    task<result<void>> probe();

    [[nodiscard]] const std::string& url() const noexcept { return url_; }

private:
    struct answer;
    task<answer> send(http::verb, std::string target, std::string body = {});
    [[nodiscard]] failure away(std::string_view why) const;
    [[nodiscard]] registered registered_in(const answer&) const;

    const std::string url_;
    const milliseconds timeout_;
    std::string base_, authorization_;
    std::optional<http::client> client_;
};

}  // namespace bv::events::registry
