// The checks that generated validate() functions are made of. Every violated field is named by its path in JSON names:
// "lines[3].quantity".
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/error.hpp"
#include "platform/rpc/format.hpp"

namespace bv::rpc {

using violations = std::vector<field_violation>;
using mask_paths = google::protobuf::RepeatedPtrField<std::string>;

// Where a value is, as a chain on the stack: rendered only when something is wrong.
class field_path {
public:
    // The message itself: "" or what it is called by the caller.
    field_path(std::string_view name = {}) noexcept : name_(name) {}
    field_path(const char* name) noexcept : name_(name) {}
    field_path(const std::string& name) noexcept : name_(name) {}
    field_path(const field_path& up, std::string_view name) noexcept : up_(&up), name_(name) {}
    // Only what the update mask names must be there.
    field_path(const field_path& up, std::string_view name, const mask_paths& mask) noexcept : up_(&up), mask_(&mask), name_(name) {}

    [[nodiscard]] field_path at(std::size_t index) const noexcept {
        field_path item(*this, {});
        item.index_ = index;
        return item;
    }
    [[nodiscard]] field_path at_key(std::string_view key) const noexcept {
        field_path item(*this, key);
        item.is_key_ = true;
        return item;
    }
    template <std::integral Key>
    [[nodiscard]] field_path at_key(Key key) const noexcept {
        return at(static_cast<std::size_t>(key));
    }

    [[nodiscard]] std::string str() const;
    // Whether an update mask above leaves this field out.
    [[nodiscard]] bool masked_out() const;

private:
    static constexpr std::size_t no_index = std::numeric_limits<std::size_t>::max();
    [[nodiscard]] std::string below(const field_path* top) const;

    const field_path* up_ = nullptr;
    const mask_paths* mask_ = nullptr;
    std::string_view name_;
    std::size_t index_ = no_index;
    bool is_key_ = false;
};

struct text_rule {
    std::uint32_t min_length = 0;
    std::uint32_t max_length = std::numeric_limits<std::uint32_t>::max();
    rpc::format format = rpc::format::any;
    bool required = false;
};
void check_text(std::string_view, const text_rule&, const field_path&, violations&);
// Lengths in bytes; no format.
void check_bytes(std::string_view, const text_rule&, const field_path&, violations&);

struct count_rule {
    std::uint32_t min = 0;
    std::uint32_t max = std::numeric_limits<std::uint32_t>::max();
};
void check_count(std::size_t, const count_rule&, const field_path&, violations&);

struct range_rule {
    std::int64_t min = std::numeric_limits<std::int64_t>::min();
    std::int64_t max = std::numeric_limits<std::int64_t>::max();
};
void check_range(std::int64_t, const range_rule&, const field_path&, violations&);
void check_range(double, const range_rule&, const field_path&, violations&);
void check_range(std::uint64_t, const range_rule&, const field_path&, violations&);
inline void check_range(std::int32_t v, const range_rule& r, const field_path& p, violations& out) { check_range(std::int64_t{v}, r, p, out); }
inline void check_range(std::uint32_t v, const range_rule& r, const field_path& p, violations& out) { check_range(std::int64_t{v}, r, p, out); }
inline void check_range(float v, const range_rule& r, const field_path& p, violations& out) { check_range(double{v}, r, p, out); }

// What must be there and is not.
void missing(const field_path&, violations&);
void missing_one_of(std::string_view names, const field_path&, violations&);
void undefined_enum(int number, const field_path&, violations&);

// A message by its generated validate(); INVALID_ARGUMENT with every violated field.
template <class Message>
[[nodiscard]] result<void> validated(const Message& message) {
    violations found;
    validate(message, field_path{}, found);
    if (found.empty()) return {};
    return invalid(std::move(found));
}

}  // namespace bv::rpc
