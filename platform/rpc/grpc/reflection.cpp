#include "platform/rpc/grpc/reflection.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <set>
#include <utility>

#include "platform/rpc/grpc/fields.hpp"

namespace bv::rpc::grpc {

namespace {

namespace pb = google::protobuf;

// Fields of ServerReflectionRequest and ServerReflectionResponse (grpc/reflection/v1/reflection.proto).
enum request_field : std::uint32_t { host = 1, file_by_name = 3, file_with_symbol = 4, file_with_extension = 5, extensions_of = 6, list_services = 7 };
enum response_field : std::uint32_t { valid_host = 1, original_request = 2, files = 4, extension_numbers = 5, services = 6, failure_of = 7 };

std::string failure_text(code c, std::string_view message) {
    field_writer out;
    out.number(1, static_cast<std::uint64_t>(c));
    out.bytes(2, message);
    return out.take();
}

// A file and all that it imports, each once, the file first.
std::string with_imports(const pb::FileDescriptor& first) {
    field_writer out;
    std::set<const pb::FileDescriptor*> seen{&first};
    std::vector<const pb::FileDescriptor*> left{&first};
    for (std::size_t i = 0; i < left.size(); ++i) {
        pb::FileDescriptorProto file;
        left[i]->CopyTo(&file);
        out.bytes(1, file.SerializeAsString());
        for (int d = 0; d < left[i]->dependency_count(); ++d)
            if (seen.insert(left[i]->dependency(d)).second) left.push_back(left[i]->dependency(d));
    }
    return out.take();
}

std::string listing(const std::vector<std::string>& names) {
    field_writer out;
    for (const auto& name : names) {
        field_writer one;
        one.bytes(1, name);
        out.bytes(1, one.take());
    }
    return out.take();
}

struct asked {
    std::uint32_t what = 0;
    std::string host, text;
    std::string extended;
    int number = 0;
};

bool read(std::string_view request, asked& into) {
    return read_fields(request, [&](std::uint32_t field, std::uint64_t, std::string text) {
        if (field == host) {
            into.host = std::move(text);
        } else {
            into.what = field;
            into.text = std::move(text);
        }
        return true;
    });
}

const pb::FileDescriptor* file_of(asked& a) {
    const auto& pool = *pb::DescriptorPool::generated_pool();
    if (a.what == file_by_name) return pool.FindFileByName(a.text);
    if (a.what == file_with_symbol) return pool.FindFileContainingSymbol(a.text);
    const bool whole = read_fields(a.text, [&](std::uint32_t field, std::uint64_t number, std::string text) {
        if (field == 1) a.extended = std::move(text);
        else if (field == 2) a.number = static_cast<int>(number);
        return true;
    });
    const auto* type = whole ? pool.FindMessageTypeByName(a.extended) : nullptr;
    const auto* extension = type ? pool.FindExtensionByNumber(type, a.number) : nullptr;
    return extension ? extension->file() : nullptr;
}

void answer(field_writer& out, asked& a, const std::vector<std::string>& names) {
    const auto& pool = *pb::DescriptorPool::generated_pool();
    if (a.what == list_services) return out.bytes(services, listing(names));
    if (a.what == extensions_of) {
        const auto* type = pool.FindMessageTypeByName(a.text);
        if (!type) return out.bytes(failure_of, failure_text(code::not_found, "there is no message " + a.text));
        std::vector<const pb::FieldDescriptor*> all;
        pool.FindAllExtensions(type, &all);
        field_writer list;
        list.bytes(1, a.text);
        for (const auto* one : all) list.number(2, static_cast<std::uint64_t>(one->number()));
        return out.bytes(extension_numbers, list.take());
    }
    if (a.what < file_by_name || a.what > file_with_extension) return out.bytes(failure_of, failure_text(code::invalid_argument, "the request asks for nothing"));
    if (const auto* file = file_of(a)) return out.bytes(files, with_imports(*file));
    out.bytes(failure_of, failure_text(code::not_found, "there is no " + a.text + " here"));
}

task<result<void>> serve_reflection(std::function<std::vector<std::string>()> names, incoming& in, outgoing& out) {
    const auto all = names();
    while (true) {
        auto request = co_await in.next();
        if (!request) co_return std::unexpected(std::move(request.error()));
        if (!*request) co_return result<void>{};
        const auto told = reflect(**request, all);
        if (!told) co_return std::unexpected(told.error());
        if (!co_await out.write(*told)) co_return result<void>{};
    }
}

}  // namespace

result<std::string> reflect(std::string_view request, const std::vector<std::string>& names) {
    asked a;
    if (!read(request, a)) return fail(code::invalid_argument, "MALFORMED_MESSAGE", "The bytes are no serialized ServerReflectionRequest.");
    field_writer out;
    out.bytes(valid_host, a.host);
    out.bytes(original_request, request);
    answer(out, a, names);
    return out.take();
}

std::vector<streamed> reflection(std::function<std::vector<std::string>()> names) {
    std::vector<streamed> out;
    for (const char* path : {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"})
        out.push_back({path, [names](context&, incoming& in, outgoing& to) { return serve_reflection(names, in, to); }});
    return out;
}

}  // namespace bv::rpc::grpc
