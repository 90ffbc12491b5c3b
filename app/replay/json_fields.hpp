// Reads fields of the platform's JSON answers (proto3 JSON: fields with default values are left out, 64-bit numbers are strings).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace bv::replay {

// A field by its path, "total.minorUnits"; null when it is not there.
[[nodiscard]] const boost::json::value* field_at(const boost::json::value&, std::string_view path) noexcept;
// As text; empty when it is not there. Numbers and booleans are printed.
[[nodiscard]] std::string text_at(const boost::json::value&, std::string_view path);
// 0 when it is not there or no number.
[[nodiscard]] std::int64_t number_at(const boost::json::value&, std::string_view path);
// Empty when it is not there.
[[nodiscard]] const boost::json::array& items_at(const boost::json::value&, std::string_view path);
// The text as a JSON string, quotes included.
[[nodiscard]] std::string json_string(std::string_view);

}  // namespace bv::replay
