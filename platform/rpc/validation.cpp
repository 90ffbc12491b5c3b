#include "platform/rpc/validation.hpp"

#include <algorithm>

#include "platform/rpc/reported.hpp"
#include "platform/rpc/well_known.hpp"

namespace bv::rpc {
namespace {

std::size_t code_points(std::string_view utf8) noexcept {
    return static_cast<std::size_t>(std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string counted(std::uint64_t n, std::string_view what) {
    std::string out = std::to_string(n) + ' ';
    out += what;
    if (n != 1) out += 's';
    return out;
}

void check_length(std::size_t length, std::string_view unit, const text_rule& rule, const field_path& path, violations& out) {
    if (length < rule.min_length) out.push_back({path.str(), "must have at least " + counted(rule.min_length, unit) + ", has " + std::to_string(length)});
    if (length > rule.max_length) out.push_back({path.str(), "must have at most " + counted(rule.max_length, unit) + ", has " + std::to_string(length)});
}

std::string range_text(const range_rule& rule) {
    const range_rule any;
    if (rule.min == any.min) return "must be at most " + std::to_string(rule.max);
    if (rule.max == any.max) return "must be at least " + std::to_string(rule.min);
    return "must be from " + std::to_string(rule.min) + " to " + std::to_string(rule.max);
}

}  // namespace

// The path from below `top`, in JSON names.
std::string field_path::below(const field_path* top) const {
    if (this == top) return {};
    std::string out = up_ != nullptr ? up_->below(top) : std::string{};
    if (index_ != no_index) return out + '[' + std::to_string(index_) + ']';
    if (is_key_) return out + "[\"" + std::string(name_) + "\"]";
    if (!out.empty() && !name_.empty()) out += '.';
    return out += name_;
}

std::string field_path::str() const { return below(nullptr); }

bool field_path::masked_out() const {
    const field_path* top = this;
    while (top != nullptr && top->mask_ == nullptr) top = top->up_;
    if (top == nullptr || top == this) return false;
    const std::string path = below(top);
    return std::ranges::none_of(*top->mask_, [&](const std::string& masked) {
        const std::string name = json::camel_case(masked);
        if (path == name) return true;
        const bool inside = path.starts_with(name) && (path[name.size()] == '.' || path[name.size()] == '[');
        return inside || (name.starts_with(path) && name[path.size()] == '.');
    });
}

void missing(const field_path& path, violations& out) {
    if (!says_enough(out) && !path.masked_out()) out.push_back({path.str(), "is required"});
}

void missing_one_of(std::string_view names, const field_path& path, violations& out) {
    if (!says_enough(out) && !path.masked_out()) out.push_back({path.str(), "one of these is required: " + std::string(names)});
}

void undefined_enum(int number, const field_path& path, violations& out) {
    if (!says_enough(out)) out.push_back({path.str(), std::to_string(number) + " is not a value of the enum"});
}

void check_text(std::string_view text, const text_rule& rule, const field_path& path, violations& out) {
    if (says_enough(out)) return;
    if (text.empty()) {
        if (rule.required) missing(path, out);
        return;
    }
    // As many code points as bytes at most: count only where it matters.
    if (text.size() > rule.max_length || rule.min_length > 1) check_length(code_points(text), "character", rule, path, out);
    if (rule.format != format::any && !matches(rule.format, text)) out.push_back({path.str(), std::string(demand(rule.format))});
}

void check_bytes(std::string_view bytes, const text_rule& rule, const field_path& path, violations& out) {
    if (says_enough(out)) return;
    if (bytes.empty()) {
        if (rule.required) missing(path, out);
        return;
    }
    check_length(bytes.size(), "byte", rule, path, out);
}

void check_count(std::size_t count, const count_rule& rule, const field_path& path, violations& out) {
    if (says_enough(out)) return;
    if (count < rule.min && !(count == 0 && path.masked_out()))
        out.push_back({path.str(), "must have at least " + counted(rule.min, "item") + ", has " + std::to_string(count)});
    if (count > rule.max) out.push_back({path.str(), "must have at most " + counted(rule.max, "item") + ", has " + std::to_string(count)});
}

void check_range(std::int64_t value, const range_rule& rule, const field_path& path, violations& out) {
    if (says_enough(out)) return;
    if (value >= rule.min && value <= rule.max) return;
    if (value == 0 && path.masked_out()) return;
    out.push_back({path.str(), range_text(rule) + ", is " + std::to_string(value)});
}

void check_range(std::uint64_t value, const range_rule& rule, const field_path& path, violations& out) {
    if (says_enough(out)) return;
    if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return check_range(static_cast<std::int64_t>(value), rule, path, out);
    if (rule.max != range_rule{}.max) out.push_back({path.str(), range_text(rule) + ", is " + std::to_string(value)});
}

void check_range(double value, const range_rule& rule, const field_path& path, violations& out) {
    if (says_enough(out)) return;
    const range_rule any;
    const bool low_ok = rule.min == any.min || value >= static_cast<double>(rule.min);
    const bool high_ok = rule.max == any.max || value <= static_cast<double>(rule.max);
    if (low_ok && high_ok) return;
    if (value == 0 && path.masked_out()) return;
    out.push_back({path.str(), range_text(rule)});  // also what is not a number
}

}  // namespace bv::rpc
