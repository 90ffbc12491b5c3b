#include "platform/rpc/update_mask.hpp"

#include <google/protobuf/descriptor.h>

#include <algorithm>

#include "platform/rpc/json_reader.hpp"
#include "platform/rpc/reported.hpp"
#include "platform/rpc/well_known.hpp"

namespace bv::rpc {
namespace {

namespace pb = google::protobuf;

// Whether the mask is settled: it names fields, or it named all.
bool is_settled(pb::FieldMask& mask, changeable_fields all) {
    if (mask.paths_size() != 1 || mask.paths(0) != "*") return mask.paths_size() > 0;
    mask.clear_paths();
    for (const std::string_view name : all) mask.add_paths(std::string(name));
    return true;
}

bool has_value(const pb::Message& m, const pb::FieldDescriptor& f) {
    const pb::Reflection& r = *m.GetReflection();
    return f.is_repeated() ? r.FieldSize(m, &f) > 0 : r.HasField(m, &f);
}

bool leads_somewhere(std::string_view path, changeable_fields all, const pb::Descriptor& resource) {
    if (std::ranges::find(all, path.substr(0, path.find('.'))) == all.end()) return false;
    const pb::Descriptor* type = &resource;
    while (true) {
        const auto dot = path.find('.');
        const pb::FieldDescriptor* f = type->FindFieldByName(std::string(path.substr(0, dot)));
        if (f == nullptr || dot == path.npos) return f != nullptr;
        if (f->is_repeated() || f->message_type() == nullptr) return false;
        type = f->message_type();
        path.remove_prefix(dot + 1);
    }
}

std::string list_of(changeable_fields all) {
    std::string out;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i > 0) out += i + 1 == all.size() ? " and " : ", ";
        out += json::camel_case(all[i]);
    }
    return out;
}

}  // namespace

void settle_update_mask(pb::FieldMask& mask, changeable_fields all, std::string_view body) {
    json::reader in(body);
    if (is_settled(mask, all) || body.empty() || !in.begin_object()) return;
    for (std::string_view key; in.next_key(key);) {
        for (const std::string_view name : all)
            if (key == name || key == json::camel_case(name)) mask.add_paths(std::string(name));
        if (!in.skip()) return;
    }
}

void settle_update_mask(pb::FieldMask& mask, changeable_fields all, const pb::Message& resource) {
    if (is_settled(mask, all)) return;
    for (const std::string_view name : all)
        if (has_value(resource, *resource.GetDescriptor()->FindFieldByName(std::string(name)))) mask.add_paths(std::string(name));
}

void check_update_mask(const pb::FieldMask& mask, changeable_fields all, const pb::Descriptor& resource, const field_path& path, violations& out) {
    for (const std::string& named : mask.paths()) {
        if (says_enough(out)) return;
        if (leads_somewhere(named, all, resource)) continue;
        if (named == "*") out.push_back({path.str(), "\"*\" means every field and stands alone"});
        else out.push_back({path.str(), '"' + json::camel_case(named) + "\" cannot be changed; " + list_of(all) + " can"});
    }
}

}  // namespace bv::rpc
