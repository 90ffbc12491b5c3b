#include "platform/events/registry/schema.hpp"

#include <algorithm>
#include <ranges>
#include <variant>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/message.h>

#include "platform/core/assert.hpp"
#include "platform/core/error.hpp"

namespace bv::events::registry {
namespace {

namespace pb = google::protobuf;

// A type on the outermost level of its file.
using outermost = std::variant<const pb::Descriptor*, const pb::EnumDescriptor*>;

const pb::FileDescriptor& file_of(const outermost& t) {
    return std::visit([](const auto* d) -> const pb::FileDescriptor& { return *d->file(); }, t);
}
const std::string& name_of(const outermost& t) {
    return std::visit([](const auto* d) -> const std::string& { return d->full_name(); }, t);
}

std::string path_of(const outermost& t) {
    auto out = name_of(t);
    std::ranges::replace(out, '.', '/');
    return out + ".proto";
}

bool is_googles(const outermost& t) { return file_of(t).package() == "google.protobuf"; }

outermost around(const pb::Descriptor* d) {
    while (d->containing_type() != nullptr) d = d->containing_type();
    return d;
}
outermost around(const pb::EnumDescriptor* d) {
    if (d->containing_type() != nullptr) return around(d->containing_type());
    return d;
}

// Without options of our own: who reads the schema has not got them.
void strip(pb::Message& options) {
    std::vector<const pb::FieldDescriptor*> set;
    options.GetReflection()->ListFields(options, &set);
    for (const auto* f : set)
        if (f->is_extension()) options.GetReflection()->ClearField(&options, f);
    options.GetReflection()->MutableUnknownFields(&options)->Clear();
}

template <class Proto>
void strip_options(Proto& of) {
    if (!of.has_options()) return;
    strip(*of.mutable_options());
    if (of.options().ByteSizeLong() == 0) of.clear_options();
}

void strip_all(pb::EnumDescriptorProto& e) {
    strip_options(e);
    for (auto& v : *e.mutable_value()) strip_options(v);
}

void strip_all(pb::DescriptorProto& m) {
    strip_options(m);
    for (auto& f : *m.mutable_field()) strip_options(f);
    for (auto& o : *m.mutable_oneof_decl()) strip_options(o);
    for (auto& e : *m.mutable_enum_type()) strip_all(e);
    for (auto& n : *m.mutable_nested_type()) strip_all(n);
}

void collect(const pb::Descriptor& m, std::vector<outermost>& to) {
    const auto add = [&to](const outermost& t) {
        if (std::ranges::find(to, t) == to.end()) to.push_back(t);
    };
    for (int i = 0; i < m.field_count(); ++i) {
        if (const auto* used = m.field(i)->message_type()) add(around(used));
        if (const auto* used = m.field(i)->enum_type()) add(around(used));
    }
    for (int i = 0; i < m.nested_type_count(); ++i) collect(*m.nested_type(i), to);
}

class schema_maker {
public:
    void add(const outermost& t) {
        if (std::ranges::find(made_, name_of(t), &schema::type) != made_.end()) return;
        if (std::ranges::find(open_, t) != open_.end())
            throw failure(code::internal, "SCHEMA_CYCLE", fmt::format("{} and what it uses use each other: nest one in the other", name_of(t)));
        open_.push_back(t);
        pb::FileDescriptorProto file;
        file.set_name(path_of(t));
        file.set_package(file_of(t).package());
        file.set_syntax(pb::FileDescriptor::SyntaxName(file_of(t).syntax()));
        schema out{name_of(t), {}};
        for (const auto& used : used_by(t)) {
            if (is_googles(used)) {
                bring(file_of(used));
                depend(file, file_of(used).name());
            } else {
                add(used);
                depend(file, path_of(used));
                out.uses.push_back({path_of(used), name_of(used)});
            }
        }
        put(t, file);
        const auto* built = pool_.BuildFile(file);
        BV_ASSERT(built != nullptr);
        out.text = built->DebugString();
        made_.push_back(std::move(out));
        open_.pop_back();
    }
    std::vector<schema> take() { return std::move(made_); }

private:
    static std::vector<outermost> used_by(const outermost& t) {
        std::vector<outermost> out;
        if (const auto* m = std::get_if<const pb::Descriptor*>(&t)) collect(**m, out);
        std::erase(out, t);
        std::ranges::sort(out, {}, &name_of);
        return out;
    }
    static void put(const outermost& t, pb::FileDescriptorProto& into) {
        if (const auto* m = std::get_if<const pb::Descriptor*>(&t)) {
            auto* copy = into.add_message_type();
            (*m)->CopyTo(copy);
            strip_all(*copy);
        } else {
            auto* copy = into.add_enum_type();
            std::get<const pb::EnumDescriptor*>(t)->CopyTo(copy);
            strip_all(*copy);
        }
    }
    static void depend(pb::FileDescriptorProto& file, const std::string& on) {
        if (std::ranges::find(file.dependency(), on) == file.dependency().end()) file.add_dependency(on);
    }
    // A file of Google's as it is.
    void bring(const pb::FileDescriptor& f) {
        if (pool_.FindFileByName(f.name()) != nullptr) return;
        for (int i = 0; i < f.dependency_count(); ++i) bring(*f.dependency(i));
        pb::FileDescriptorProto copy;
        f.CopyTo(&copy);
        BV_ASSERT(pool_.BuildFile(copy) != nullptr);
    }

    pb::DescriptorPool pool_;
    std::vector<outermost> open_;
    std::vector<schema> made_;
};

}  // namespace

std::vector<schema> schemas_of(const pb::Descriptor& message) {
    BV_ASSERT(message.containing_type() == nullptr);
    schema_maker maker;
    maker.add(&message);
    return maker.take();
}

std::vector<schema> schemas_of(const std::string& type) {
    const auto* found = pb::DescriptorPool::generated_pool()->FindMessageTypeByName(type);
    if (found == nullptr || found->containing_type() != nullptr) return {};
    return schemas_of(*found);
}

}  // namespace bv::events::registry
