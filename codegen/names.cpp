#include "codegen/names.hpp"

#include <google/protobuf/descriptor.pb.h>

#include <cctype>
#include <set>

namespace bv::codegen {
namespace {

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
    std::string out;
    while (true) {
        const auto at = text.find(from);
        out += text.substr(0, at);
        if (at == text.npos) return out;
        out += to;
        text.remove_prefix(at + from.size());
    }
}

bool starts_with(const std::string& text, std::string_view prefix) { return std::string_view(text).substr(0, prefix.size()) == prefix; }

void collect(const pb::Descriptor& m, std::vector<const pb::Descriptor*>& out) {
    if (m.options().map_entry()) return;
    for (int i = 0; i < m.nested_type_count(); ++i) collect(*m.nested_type(i), out);
    out.push_back(&m);
}

}  // namespace

std::string snake_case(std::string_view camel) {
    std::string out;
    const auto upper = [&](std::size_t i) { return i < camel.size() && std::isupper(static_cast<unsigned char>(camel[i])); };
    for (std::size_t i = 0; i < camel.size(); ++i) {
        const bool word_begins = i > 0 && upper(i) && (!upper(i - 1) || (i + 1 < camel.size() && !upper(i + 1)));
        if (word_begins && camel[i - 1] != '_') out += '_';
        out += static_cast<char>(std::tolower(static_cast<unsigned char>(camel[i])));
    }
    return out;
}

std::string cpp_namespace(const pb::FileDescriptor& file) { return replaced(file.package(), ".", "::"); }

std::string functions_namespace(const pb::FileDescriptor& file) {
    return file.package() == "google.protobuf" ? "::bv::json" : "::" + cpp_namespace(file);
}

std::string base_path(const pb::FileDescriptor& file) { return pb::compiler::cpp::StripProto(file.name()); }

std::string identifier(const pb::FileDescriptor& file) {
    std::string out = base_path(file);
    for (char& c : out)
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
    return out;
}

std::string short_name(const pb::FileDescriptor& file) {
    std::string base = base_path(file);
    base = base.substr(base.rfind('/') + 1);
    for (char& c : base)
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
    return base;
}

std::string quoted(std::string_view text) {
    constexpr char digits[] = "01234567";
    std::string out = "\"";
    for (const char ch : text) {
        const auto c = static_cast<unsigned char>(ch);
        if (ch == '"' || ch == '\\') {
            (out += '\\') += ch;
        } else if (c < 32 || c > 126) {
            ((out += '\\') += digits[c >> 6]) += digits[c >> 3 & 7];
            out += digits[c & 7];
        } else {
            out += ch;
        }
    }
    return out + '"';
}

bool is_well_known(const pb::Descriptor& m) { return m.file()->package() == "google.protobuf"; }

bool is_foreign(const pb::FileDescriptor& file) {
    return starts_with(file.name(), "google/") || starts_with(file.name(), "bitvelocity/options/");
}

std::vector<const pb::Descriptor*> messages_of(const pb::FileDescriptor& file) {
    std::vector<const pb::Descriptor*> out;
    for (int i = 0; i < file.message_type_count(); ++i) collect(*file.message_type(i), out);
    return out;
}

std::vector<const pb::EnumDescriptor*> enums_of(const pb::FileDescriptor& file) {
    std::vector<const pb::EnumDescriptor*> out;
    for (int i = 0; i < file.enum_type_count(); ++i) out.push_back(file.enum_type(i));
    for (const pb::Descriptor* m : messages_of(file))
        for (int i = 0; i < m->enum_type_count(); ++i) out.push_back(m->enum_type(i));
    return out;
}

std::string method_name(const pb::MethodDescriptor& method) {
    static const std::set<std::string> keywords{"delete", "export", "register", "new", "continue", "default", "switch", "import"};
    std::string name = snake_case(method.name());
    return keywords.contains(name) ? name + '_' : name;
}

}  // namespace bv::codegen
