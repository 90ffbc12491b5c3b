#include "platform/events/registry/compatibility.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace bv::events::registry {
namespace {

namespace pb = google::protobuf;
using field = pb::FieldDescriptorProto;

class first_error final : public pb::io::ErrorCollector {
public:
    void AddError(int line, pb::io::ColumnNumber column, const std::string& message) override {
        if (text.empty()) text = fmt::format("line {}, column {}: {}", line + 1, column + 1, message);
    }
    std::string text;
};

template <class All, class Matches>
const auto* find(const All& all, Matches matches) {
    const auto it = std::ranges::find_if(all, matches);
    return it == all.end() ? nullptr : &*it;
}

// "int64", "bitvelocity.type.v1.Money".
std::string type_of(const field& f) {
    if (f.has_type_name()) return f.type_name().starts_with('.') ? f.type_name().substr(1) : f.type_name();
    return pb::FieldDescriptor::TypeName(static_cast<pb::FieldDescriptor::Type>(f.type()));
}

std::string label_of(const field& f) {
    switch (f.label()) {
        case field::LABEL_REPEATED: return "repeated";
        case field::LABEL_REQUIRED: return "required";
        case field::LABEL_OPTIONAL: break;
    }
    return f.proto3_optional() ? "optional" : "singular";
}

// Of the oneof that a person wrote.
std::string oneof_of(const pb::DescriptorProto& m, const field& f) {
    return f.has_oneof_index() && !f.proto3_optional() ? "oneof " + m.oneof_decl(f.oneof_index()).name() : "no oneof";
}

// The end of a message's range is not in it; that of an enum's is.
bool reserves(const pb::DescriptorProto& m, int number) {
    return std::ranges::any_of(m.reserved_range(), [number](const auto& r) { return number >= r.start() && number < r.end(); });
}
bool reserves(const pb::EnumDescriptorProto& e, int number) {
    return std::ranges::any_of(e.reserved_range(), [number](const auto& r) { return number >= r.start() && number <= r.end(); });
}
template <class Proto>
bool reserves(const Proto& p, const std::string& name) {
    return std::ranges::any_of(p.reserved_name(), [&name](const auto& n) { return n == name; });
}

class comparison {
public:
    void files(const pb::FileDescriptorProto& older, const pb::FileDescriptorProto& newer) {
        if (older.package() != newer.package()) add(older.package(), "PACKAGE_CHANGED", fmt::format("is {}", newer.package()));
        children(older.package(), older.message_type(), newer.message_type(), older.enum_type(), newer.enum_type());
    }
    std::vector<breach> found;

private:
    void add(std::string where, std::string rule, std::string what) { found.push_back({std::move(where), std::move(rule), std::move(what)}); }

    template <class Messages, class Enums>
    void children(const std::string& scope, const Messages& older, const Messages& newer, const Enums& older_enums, const Enums& newer_enums) {
        for (const auto& was : older) {
            const auto where = scope + '.' + was.name();
            if (const auto* is = find(newer, [&](const auto& m) { return m.name() == was.name(); })) message(where, was, *is);
            else add(where, "MESSAGE_REMOVED", "records of it are there");
        }
        for (const auto& was : older_enums) {
            const auto where = scope + '.' + was.name();
            if (const auto* is = find(newer_enums, [&](const auto& e) { return e.name() == was.name(); })) enumeration(where, was, *is);
            else add(where, "ENUM_REMOVED", "records hold its values");
        }
    }

    void message(const std::string& where, const pb::DescriptorProto& older, const pb::DescriptorProto& newer) {
        for (const auto& was : older.field()) {
            const auto* is = find(newer.field(), [&](const field& f) { return f.number() == was.number(); });
            if (is) same_field(where + '.' + was.name(), {older, was}, {newer, *is});
            else if (!reserves(newer, was.number()) || !reserves(newer, was.name()))
                add(where + '.' + was.name(), "FIELD_REMOVED", fmt::format("write \"reserved {}; reserved \\\"{}\\\";\" in its place", was.number(), was.name()));
        }
        for (const auto& is : newer.field()) {
            if (find(older.field(), [&](const field& f) { return f.number() == is.number(); })) continue;
            if (is.label() == field::LABEL_REQUIRED) add(where + '.' + is.name(), "REQUIRED_FIELD_ADDED", "older records have none");
            if (reserves(older, is.number()) || reserves(older, is.name()))
                add(where + '.' + is.name(), "RESERVED_REUSED", fmt::format("number {} or the name was reserved: older records may hold something else", is.number()));
        }
        children(where, older.nested_type(), newer.nested_type(), older.enum_type(), newer.enum_type());
    }

    using in_message = std::pair<const pb::DescriptorProto&, const field&>;
    void same_field(const std::string& where, const in_message& older, const in_message& newer) {
        const auto changed = [&](const char* rule, const std::string& was, const std::string& is) {
            if (was != is) add(where, rule, fmt::format("was {}, is {}", was, is));
        };
        changed("FIELD_RENAMED", older.second.name(), newer.second.name());
        changed("FIELD_TYPE_CHANGED", type_of(older.second), type_of(newer.second));
        changed("FIELD_LABEL_CHANGED", label_of(older.second), label_of(newer.second));
        changed("FIELD_ONEOF_CHANGED", oneof_of(older.first, older.second), oneof_of(newer.first, newer.second));
    }

    void enumeration(const std::string& where, const pb::EnumDescriptorProto& older, const pb::EnumDescriptorProto& newer) {
        for (const auto& was : older.value()) {
            const auto* is = find(newer.value(), [&](const auto& v) { return v.number() == was.number(); });
            if (is && is->name() != was.name()) add(where + '.' + was.name(), "ENUM_VALUE_RENAMED", fmt::format("is {}", is->name()));
            if (!is && (!reserves(newer, was.number()) || !reserves(newer, was.name())))
                add(where + '.' + was.name(), "ENUM_VALUE_REMOVED", fmt::format("write \"reserved {}; reserved \\\"{}\\\";\" in its place", was.number(), was.name()));
        }
        for (const auto& is : newer.value()) {
            const bool is_new = !find(older.value(), [&](const auto& v) { return v.number() == is.number(); });
            if (is_new && (reserves(older, is.number()) || reserves(older, is.name())))
                add(where + '.' + is.name(), "RESERVED_REUSED", fmt::format("number {} or the name was reserved: older records may hold something else", is.number()));
        }
    }
};

}  // namespace

result<pb::FileDescriptorProto> parse_schema(std::string_view text) {
    pb::io::ArrayInputStream in(text.data(), static_cast<int>(text.size()));
    first_error errors;
    pb::io::Tokenizer tokens(&in, &errors);
    pb::compiler::Parser parser;
    parser.RecordErrorsTo(&errors);
    pb::FileDescriptorProto out;
    if (!parser.Parse(&tokens, &out) || !errors.text.empty())
        return fail(code::invalid_argument, "MALFORMED_SCHEMA", fmt::format("the schema is no Protobuf: {}", errors.text));
    return out;
}

std::string message_at(const pb::FileDescriptorProto& file, std::span<const std::int32_t> indexes) {
    std::string name = file.package();
    const auto* among = &file.message_type();
    for (const auto i : indexes) {
        if (i < 0 || i >= among->size()) return {};
        const auto& m = among->Get(i);
        name += (name.empty() ? "" : ".") + m.name();
        among = &m.nested_type();
    }
    return indexes.empty() ? std::string{} : name;
}

std::vector<breach> breaches(const pb::FileDescriptorProto& older, const pb::FileDescriptorProto& newer) {
    comparison c;
    c.files(older, newer);
    return std::move(c.found);
}

}  // namespace bv::events::registry
