// Reads the JSON that tokens are made of: one object whose values are strings, integers, truth values, null or arrays of strings.
// Anything else is refused, and so are duplicate names: two readers must never understand one token differently (RFC 8725, 2.4).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bv::security {

using flat_value = std::variant<std::nullptr_t, bool, std::int64_t, std::string, std::vector<std::string>>;
using flat_object = std::map<std::string, flat_value, std::less<>>;

[[nodiscard]] std::optional<flat_object> parse_flat_json(std::string_view text);
// Appends a quoted string; control characters, '"' and '\' escaped.
void append_quoted(std::string& out, std::string_view text);

}  // namespace bv::security
