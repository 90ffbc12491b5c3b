// The fields of an answer's head, as HTTP/2 sends them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/net/http2/frames.hpp"

namespace bv::http2 {

// Refers to the response, which outlives it.
class answer_fields {
public:
    answer_fields(const http::response&, std::string_view date, bool with_length);
    [[nodiscard]] std::span<const field> all() const noexcept { return fields_; }

private:
    std::vector<field> fields_;
    std::string status_, length_;
    std::vector<std::string> names_;  // those that had to be made lower; with room for all, since fields_ refers to them
};

// Whether HTTP/2 has no such field (RFC 9113 section 8.2.2), or it is the sender's to say.
[[nodiscard]] bool is_connection_field(std::string_view name) noexcept;
[[nodiscard]] std::string lower(std::string_view name);

}  // namespace bv::http2
