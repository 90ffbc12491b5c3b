// Writes JSON text (RFC 8259) piece by piece.
#pragma once

#include <string>
#include <string_view>

namespace bv::telemetry {

// Appends a quoted string. Bytes that are not UTF-8 become U+FFFD, so that the text is always valid JSON.
void append_json_string(std::string& out, std::string_view text);
// Appends "name": with a comma before it unless the object or array has just been opened.
void append_json_key(std::string& out, std::string_view name);
// Appends a finite number in its shortest form, null otherwise.
void append_json_number(std::string& out, double);

}  // namespace bv::telemetry
