#include "platform/rpc/well_known.hpp"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/wrappers.pb.h>

#include <cmath>

#include "platform/rpc/json_reader.hpp"
#include "platform/rpc/registry.hpp"

namespace bv::json {
namespace {

bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// One path of a mask: identifiers joined by dots.
bool valid_path(std::string_view path) {
    char before = '.';
    for (const char c : path) {
        if (c == '.' ? before == '.' : !is_lower(c) && !is_upper(c) && !is_digit(c) && c != '_') return false;
        before = c;
    }
    return before != '.';
}

}  // namespace

std::string camel_case(std::string_view snake) {
    std::string out;
    for (std::size_t i = 0; i < snake.size(); ++i) {
        if (snake[i] == '_' && i + 1 < snake.size() && is_lower(snake[i + 1])) out += static_cast<char>(snake[++i] - 'a' + 'A');
        else out += snake[i];
    }
    return out;
}

std::string snake_case(std::string_view camel) {
    std::string out;
    for (const char c : camel) {
        if (is_upper(c)) (out += '_') += static_cast<char>(c - 'A' + 'a');
        else out += c;
    }
    return out;
}

void write_json(writer& out, const google::protobuf::FieldMask& m) {
    std::string text;
    for (const std::string& path : m.paths()) {
        if (!text.empty()) text += ',';
        text += camel_case(path);
    }
    out.string(text);
}

bool parse_field_mask(std::string_view text, google::protobuf::FieldMask& m) {
    while (!text.empty()) {
        const auto comma = text.find(',');
        const auto path = text.substr(0, comma);
        if (path != "*" && !valid_path(path)) return false;
        m.add_paths(snake_case(path));
        if (comma == text.npos) return true;
        text.remove_prefix(comma + 1);
        if (text.empty()) return false;
    }
    return true;
}

bool read_json(reader& in, google::protobuf::FieldMask& m) {
    std::string_view text;
    if (!in.text(text)) return false;
    return parse_field_mask(text, m) || in.refuse("expected field names joined by commas, such as \"displayName,price.currency\"");
}

void write_json(writer& out, const google::protobuf::Struct& m) {
    write_map(out, m.fields(), [&](const auto& value) { write_json(out, value); });
}

bool read_json(reader& in, google::protobuf::Struct& m) {
    return read_map(in, *m.mutable_fields(), [&](auto& value) { return read_json(in, value); });
}

void write_json(writer& out, const google::protobuf::ListValue& m) {
    write_list(out, m.values(), [&](const auto& value) { write_json(out, value); });
}

bool read_json(reader& in, google::protobuf::ListValue& m) {
    return read_list(in, [&] { return read_json(in, *m.add_values()); });
}

void write_json(writer& out, const google::protobuf::Value& m) {
    using google::protobuf::Value;
    switch (m.kind_case()) {
    case Value::kNumberValue: return out.value(m.number_value());
    case Value::kStringValue: return out.string(m.string_value());
    case Value::kBoolValue: return out.value(m.bool_value());
    case Value::kStructValue: return write_json(out, m.struct_value());
    case Value::kListValue: return write_json(out, m.list_value());
    case Value::kNullValue:
    case Value::KIND_NOT_SET: return out.literal("null");
    }
}

bool read_json(reader& in, google::protobuf::Value& m) {
    switch (in.peek()) {
    case '"': return in.read(*m.mutable_string_value());
    case '{': return read_json(in, *m.mutable_struct_value());
    case '[': return read_json(in, *m.mutable_list_value());
    case 't':
    case 'f': {
        bool value = false;
        if (!in.read(value)) return false;
        m.set_bool_value(value);
        return true;
    }
    case 'n':
        if (!in.null()) return in.skip();
        m.set_null_value(google::protobuf::NULL_VALUE);
        return true;
    default: {
        double value = 0;
        if (!in.plain_number(value)) return false;
        m.set_number_value(value);
        return true;
    }
    }
}

void write_json(writer& out, const google::protobuf::Empty&) { out.literal("{}"); }

bool read_json(reader& in, google::protobuf::Empty&) {
    if (!in.begin_object()) return false;
    for (std::string_view key; in.next_key(key);)
        if (!in.unknown(std::string(key), {})) return false;
    return in.ok();
}

void write_json(writer& out, const google::protobuf::Any& m) {
    out.literal("{\"@type\":");
    out.string(m.type_url());
    const std::string& url = m.type_url();
    const auto fields = rpc::to_json(std::string_view(url).substr(url.rfind('/') + 1), m.value());
    if (fields && fields->size() > 2) {
        out.put(',');
        return out.raw(std::string_view(*fields).substr(1));
    }
    if (!fields && !m.value().empty()) {
        out.literal(",\"value\":");
        out.bytes(m.value());
    }
    out.put('}');
}

bool read_json(reader& in, google::protobuf::Any&) { return in.refuse("cannot be given as JSON"); }

namespace {
// A wrapper is written as the value that it holds.
template <class Wrapper>
bool read_wrapper(reader& in, Wrapper& m) {
    decltype(m.value()) value{};
    if (!in.read(value)) return false;
    m.set_value(value);
    return true;
}
}  // namespace

void write_json(writer& out, const google::protobuf::BoolValue& m) { out.value(m.value()); }
void write_json(writer& out, const google::protobuf::Int32Value& m) { out.value(m.value()); }
void write_json(writer& out, const google::protobuf::Int64Value& m) { out.value(m.value()); }
void write_json(writer& out, const google::protobuf::UInt32Value& m) { out.value(m.value()); }
void write_json(writer& out, const google::protobuf::UInt64Value& m) { out.value(m.value()); }
void write_json(writer& out, const google::protobuf::FloatValue& m) { out.value(m.value()); }
void write_json(writer& out, const google::protobuf::DoubleValue& m) { out.value(m.value()); }
void write_json(writer& out, const google::protobuf::StringValue& m) { out.string(m.value()); }
void write_json(writer& out, const google::protobuf::BytesValue& m) { out.bytes(m.value()); }

bool read_json(reader& in, google::protobuf::BoolValue& m) { return read_wrapper(in, m); }
bool read_json(reader& in, google::protobuf::Int32Value& m) { return read_wrapper(in, m); }
bool read_json(reader& in, google::protobuf::Int64Value& m) { return read_wrapper(in, m); }
bool read_json(reader& in, google::protobuf::UInt32Value& m) { return read_wrapper(in, m); }
bool read_json(reader& in, google::protobuf::UInt64Value& m) { return read_wrapper(in, m); }
bool read_json(reader& in, google::protobuf::FloatValue& m) { return read_wrapper(in, m); }
bool read_json(reader& in, google::protobuf::DoubleValue& m) { return read_wrapper(in, m); }
bool read_json(reader& in, google::protobuf::StringValue& m) { return in.read(*m.mutable_value()); }
bool read_json(reader& in, google::protobuf::BytesValue& m) { return in.read_bytes(*m.mutable_value()); }

}  // namespace bv::json
