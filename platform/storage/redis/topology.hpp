// Who holds which slots of a cluster, and what a server says when a key is elsewhere. Without sockets.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/error.hpp"
#include "platform/storage/redis/command.hpp"
#include "platform/storage/redis/reply.hpp"

namespace bv::redis {

struct address {
    std::string host;  // a name, an IP address, or the path of a Unix socket
    std::uint16_t port = 0;

    [[nodiscard]] bool is_socket() const noexcept { return host.starts_with('/'); }
    [[nodiscard]] std::string str() const;
    friend auto operator<=>(const address&, const address&) = default;
};

// "host:port", "[::1]:6379", "unix:/run/redis.sock". Error INVALID_ARGUMENT "REDIS_ENDPOINT".
[[nodiscard]] result<address> parse_address(std::string_view);

class topology {
public:
    // One server that holds everything.
    [[nodiscard]] static topology single(address);
    // The answer to CLUSTER SLOTS of the server at `asked`. nullopt: it is none, or covers no slot.
    [[nodiscard]] static std::optional<topology> of_cluster(const reply& slots, const address& asked);

    [[nodiscard]] bool is_cluster() const noexcept { return cluster_; }
    // Null for a slot that nobody serves.
    [[nodiscard]] const address* master_of(std::uint16_t slot) const noexcept;
    [[nodiscard]] const std::vector<address>& masters() const noexcept { return masters_; }
    [[nodiscard]] bool knows(const address&) const noexcept;

private:
    static constexpr std::uint16_t nobody = 0xFFFF;
    std::vector<address> masters_;
    std::array<std::uint16_t, slots> owner_{};  // index into masters_
    bool cluster_ = false;
};

// Where an error reply sends its caller.
struct redirection {
    enum class kind : std::uint8_t {
        none,        // it is no redirection
        moved,       // the slot belongs to `to`: for good
        ask,         // the key may be at `to` already, while its slot moves there: this time only
        try_again,   // a slot is being moved: shortly
        not_now,     // loading, cluster down, a replica: this server does not serve at the moment
        no_script,
    };
    kind is = kind::none;
    address to{};
};
// asked: a server that does not know its own name means the one that was asked.
[[nodiscard]] redirection redirection_of(const reply&, const address& asked);

}  // namespace bv::redis
