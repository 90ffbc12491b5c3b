#include "domains/identity/model/network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace bv::identity {

std::string network_of(std::string_view address) {
    const std::string text(address.substr(0, address.find('%')));  // without a zone
    std::array<std::uint8_t, 16> bytes{};
    if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return std::string(address);
    std::array<char, INET6_ADDRSTRLEN> out{};
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (std::equal(mapped.begin(), mapped.end(), bytes.begin()))
        return ::inet_ntop(AF_INET, bytes.data() + 12, out.data(), out.size());
    std::ranges::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
    return std::string(::inet_ntop(AF_INET6, bytes.data(), out.data(), out.size())) + "/64";
}

}  // namespace bv::identity
