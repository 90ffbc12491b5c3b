#include "platform/jobs/rabbitmq/options.hpp"

#include <charconv>

#include <fmt/format.h>

namespace bv::jobs::rabbitmq {

result<address> parse_address(std::string_view text) {
    address out;
    const auto colon = text.rfind(':');
    out.host = text.substr(0, colon);
    if (colon != text.npos) {
        const auto port = text.substr(colon + 1);
        const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), out.port);
        if (problem != std::errc{} || end != port.data() + port.size() || out.port == 0) out.host.clear();
    }
    if (out.host.empty() || out.host.find_first_of("/@ ") != std::string::npos)
        return fail(code::invalid_argument, "RABBITMQ_ENDPOINT", fmt::format("rabbitmq.endpoints: \"{}\" is not of the form host:port", text));
    return out;
}

}  // namespace bv::jobs::rabbitmq
