// Vault's HTTP API as one AppRole: the log-in and its renewal, errors that say how to mend them, and what is known of the server.
//
// It has a thread of its own, so that secrets can be asked for where a caller may block and renewals go on wherever it does not.
// A token is renewed at half of its life; one that nears its last end, or that somebody revoked, is followed by a new log-in. What was
// leased under a token ends with it: login_number() tells leases that they have to be taken again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <boost/json/value.hpp>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"
#include "platform/net/http/message.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/security/vault/answer.hpp"
#include "platform/security/vault/options.hpp"

namespace bv::vault {

struct request {
    http::verb verb = http::verb::get;
    std::string path;  // "secret/data/bitvelocity/x", without "/v1/"
    boost::json::value body{};
};

// How things stand, for people.
struct standing {
    std::string trouble{};       // empty: it answers, or nothing was asked yet; else what is wrong, with how to mend it
    time_point since{};          // of the trouble
    time_point token_until{};    // when the log-in ends unless it is renewed
};

// Thread-safe.
class client {
public:
    // Throws failure INVALID_ARGUMENT "VAULT_ADDRESS". Connects to nothing yet.
    client(options, clock&);
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    // Logs in, and keeps the log-in from then on. Blocks. Throws failure: what ask() gives as an error.
    void start();
    void stop() noexcept;

    // Resumes on the caller's executor. Beside the errors of read_answer: UNAVAILABLE "VAULT_UNREACHABLE"; FAILED_PRECONDITION
    // "VAULT_LOGIN_REFUSED", "VAULT_SECRET_ID" (its file), and what read_private_file throws. While the server is known to be away
    // most calls fail at once.
    task<result<answer>> ask(request);
    // The same for callers that may block; never on own().
    [[nodiscard]] result<answer> call(request);

    [[nodiscard]] standing now() const;
    [[nodiscard]] bool is_away() const { return !now().trouble.empty(); }
    // How often it has logged in.
    [[nodiscard]] std::uint64_t login_number() const noexcept;
    // Where what renews leases runs. It stops with the client: stop such jobs first.
    [[nodiscard]] bv::runtime& own() noexcept;
    [[nodiscard]] const options& configured() const noexcept;

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace bv::vault
