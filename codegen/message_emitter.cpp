// What transports of Protobuf messages need of a method: the entry on the server, and the client over a channel.
#include "codegen/emit.hpp"
#include "codegen/names.hpp"
#include "codegen/options.hpp"

namespace bv::codegen {

void emit_message_entry(Printer& out, const pb::MethodDescriptor& method) {
    const variables vars = names_of(method);
    out.Print(vars,
              "bv::task<bv::result<void>> $id$_message(void* service, bv::rpc::context& context, std::string_view message, std::string& out) {\n"
              "    if (auto allowed = bv::rpc::authorize($id$_auth, context.caller); !allowed) co_return std::unexpected(std::move(allowed.error()));\n"
              "    $Request$ request;\n"
              "    if (auto parsed = bv::rpc::parse_message(message, request); !parsed) co_return parsed;\n");
    emit_checks(out, method);
    out.Print(vars,
              "    auto answer = co_await static_cast<$service$*>(service)->$method$(context, std::move(request));\n"
              "    if (!answer) co_return std::unexpected(std::move(answer.error()));\n"
              "    co_return bv::rpc::append_message(out, *answer);\n"
              "}\n\n");
}

void emit_checks(Printer& out, const pb::MethodDescriptor& method) {
    if (const update changed = update_of(*method.input_type()); changed.resource != nullptr)
        out.Print("    bv::rpc::settle_update_mask(*request.mutable_update_mask(), $Request$_changeable, request.$resource$());\n", "Request",
                  pb::compiler::cpp::ClassName(method.input_type()), "resource", field_text(*changed.resource).name);
    if (has_checks(*method.input_type()))
        out.Print("    if (auto valid = bv::rpc::validated(request); !valid) co_return std::unexpected(std::move(valid.error()));\n");
}

void declare_remote(Printer& out, const pb::ServiceDescriptor& service) {
    const std::string name = interface_name(service);
    out.Print("// Calls a service of another process. `channel` outlives it.\n"
              "class $name$_remote final : public $name$ {\npublic:\n    explicit $name$_remote(bv::rpc::channel& channel) noexcept : channel_(channel) {}\n",
              "name", name);
    for (const pb::MethodDescriptor* method : unary_methods_of(service))
        out.Print(names_of(*method), "    bv::task<bv::result<$Response$>> $method$(bv::rpc::context& context, $Request$ request) override;\n");
    out.Print("\nprivate:\n    bv::rpc::channel& channel_;\n};\n\n");
}

void emit_remote(Printer& out, const pb::ServiceDescriptor& service) {
    int index = 0;
    for (const pb::MethodDescriptor* method : unary_methods_of(service)) {
        variables vars = names_of(*method);
        vars["index"] = std::to_string(index++);
        out.Print(vars,
                  "bv::task<bv::result<$Response$>> $service$_remote::$method$(bv::rpc::context& context, $Request$ request) {\n"
                  "    $Response$ answer;\n"
                  "    auto outcome = co_await channel_.unary($service$_methods()[$index$], request, answer, context);\n"
                  "    if (!outcome) co_return std::unexpected(std::move(outcome.error()));\n"
                  "    co_return answer;\n"
                  "}\n\n");
    }
}

}  // namespace bv::codegen
