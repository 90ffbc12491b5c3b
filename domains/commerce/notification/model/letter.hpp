// Letters from templates. A template's first line is "Subject: …", then an empty line, then the text:
//
//   Subject: Your order {{order}} is cancelled
//
//   Total: {{total}}
//   Details: {{detail}}
//
// {{name}} is replaced by a value, once: what a value contains is never looked at again. A line that has placeholders,
// all with empty values, is left out.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace bv::notification {

struct letter {
    std::string subject;
    std::string text;
};

using placeholder_values = std::span<const std::pair<std::string_view, std::string>>;

// Asserts that the template is well-formed and that every placeholder has a value: templates are part of the program.
[[nodiscard]] letter fill_in(std::string_view text, placeholder_values);

}  // namespace bv::notification
