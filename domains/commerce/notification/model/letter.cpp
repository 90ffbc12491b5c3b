#include "domains/commerce/notification/model/letter.hpp"

#include <algorithm>

#include "platform/core/assert.hpp"

namespace bv::notification {

namespace {

constexpr std::string_view subject_mark = "Subject: ";

std::string_view take_line(std::string_view& text) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

const std::string& value_of(std::string_view name, placeholder_values values) {
    const auto it = std::ranges::find(values, name, [](const auto& v) { return v.first; });
    BV_ASSERT(it != values.end());
    return it->second;
}

// False: the line is to be left out.
bool append_line(std::string& out, std::string_view line, placeholder_values values) {
    bool placeholders = false, filled = false;
    const auto begin = out.size();
    for (;;) {
        const auto open = line.find("{{");
        out += line.substr(0, open);
        if (open == line.npos) break;
        const auto close = line.find("}}", open);
        BV_ASSERT(close != line.npos);
        const auto& value = value_of(line.substr(open + 2, close - open - 2), values);
        out += value;
        placeholders = true;
        filled = filled || !value.empty();
        line.remove_prefix(close + 2);
    }
    if (!placeholders || filled) return true;
    out.resize(begin);
    return false;
}

}  // namespace

letter fill_in(std::string_view text, placeholder_values values) {
    letter out;
    const auto first = take_line(text);
    BV_ASSERT(first.starts_with(subject_mark));
    append_line(out.subject, first.substr(subject_mark.size()), values);
    BV_ASSERT(take_line(text).empty());
    while (!text.empty())
        if (append_line(out.text, take_line(text), values)) out.text += '\n';
    return out;
}

}  // namespace bv::notification
