// Where the processes of a role listen.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bv::rpc {

struct address {
    std::string host;
    std::uint16_t port = 0;
    friend auto operator<=>(const address&, const address&) = default;
};

// Thread-safe.
class directory {
public:
    virtual ~directory() = default;
    // Of those that are ready; empty when none is.
    [[nodiscard]] virtual std::vector<address> find(std::string_view role) = 0;
};

}  // namespace bv::rpc
