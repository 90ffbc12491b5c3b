// The abstract coroutine interface of a service, what transports call, and the client for the same process.
#include <map>
#include <sstream>

#include "codegen/emit.hpp"
#include "codegen/names.hpp"
#include "codegen/options.hpp"

namespace bv::codegen {
variables names_of(const pb::MethodDescriptor& method) {
    return {{"service", interface_name(*method.service())},
            {"Service", method.service()->full_name()},
            {"Method", method.name()},
            {"method", method_name(method)},
            {"id", method.service()->name() + '_' + method.name()},
            {"Request", pb::compiler::cpp::QualifiedClassName(method.input_type())},
            {"Request_id", pb::compiler::cpp::ClassName(method.input_type())},
            {"Response", pb::compiler::cpp::QualifiedClassName(method.output_type())}};
}

namespace {

void emit_comment(Printer& out, const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) out.PrintRaw("//" + line + "\n");
}

template <class Descriptor>
std::string comment_of(const Descriptor& d) {
    pb::SourceLocation location;
    return d.GetSourceLocation(&location) ? location.leading_comments : std::string{};
}

void emit_client_method(Printer& out, const pb::MethodDescriptor& method) {
    variables vars = names_of(method);
    out.Print(vars,
              "bv::task<bv::result<$Response$>> $service$_client::$method$(bv::rpc::context& context, $Request$ request) {\n"
              "    if (auto allowed = bv::rpc::authorize($id$_auth, context.caller); !allowed) co_return std::unexpected(std::move(allowed.error()));\n");
    emit_checks(out, method);
    out.Print(vars,
              "    bv::rpc::call_span span(\"$Service$\", \"$Method$\", context);\n"
              "    auto answer = co_await target_.$method$(span.callee(), std::move(request));\n"
              "    span.finish(answer);\n"
              "    co_return answer;\n"
              "}\n\n");
}

void emit_names(Printer& out, const std::string& constant, const std::vector<std::string>& names) {
    if (names.empty()) return;
    out.Print("constexpr std::string_view $constant$[] = {", "constant", constant);
    for (std::size_t i = 0; i < names.size(); ++i) out.Print(i > 0 ? ", $name$" : "$name$", "name", quoted(names[i]));
    out.Print("};\n");
}

void emit_methods(Printer& out, const pb::ServiceDescriptor& service) {
    out.Print("std::span<const bv::rpc::method> $service$_methods() noexcept {\n", "service", interface_name(service));
    const auto methods = unary_methods_of(service);
    if (methods.empty()) {
        out.Print("    return {};\n}\n\n");
        return;
    }
    out.Print("    static constexpr bv::rpc::method methods[] = {\n");
    for (const pb::MethodDescriptor* one : methods) {
        const pb::MethodDescriptor& method = *one;
        variables vars = names_of(method);
        const bool has_http = !http_of(method).empty();
        vars["idempotent"] = is_safe_to_repeat(method) ? "true" : "false";
        vars["keyed"] = is_keyed(method) ? "true" : "false";
        vars["http"] = has_http ? vars["id"] + "_http" : "{}";
        vars["thunk"] = has_http ? "&" + vars["id"] + "_json" : "nullptr";
        out.Print(vars, "        {\"$Service$\", \"$Method$\", $id$_auth, $idempotent$, $keyed$, $http$, $thunk$, \"/$Service$/$Method$\", &$id$_message},\n");
    }
    out.Print("    };\n    return methods;\n}\n\n");
}

}  // namespace

std::vector<const pb::MethodDescriptor*> unary_methods_of(const pb::ServiceDescriptor& service) {
    std::vector<const pb::MethodDescriptor*> out;
    for (int i = 0; i < service.method_count(); ++i)
        if (!is_streamed(*service.method(i))) out.push_back(service.method(i));
    return out;
}

void emit_auth(Printer& out, const pb::MethodDescriptor& method) {
    variables vars = names_of(method);
    const auth rule = auth_of(method);
    vars["anonymous"] = rule.anonymous ? "true" : "false";
    vars["scopes"] = rule.any_scope.empty() ? "{}" : vars["id"] + "_scopes";
    vars["callers"] = rule.callers.empty() ? "{}" : vars["id"] + "_callers";
    emit_names(out, vars["scopes"], rule.any_scope);
    emit_names(out, vars["callers"], rule.callers);
    out.Print(vars, "constexpr bv::rpc::auth_rule $id$_auth{$anonymous$, $scopes$, $callers$};\n\n");
}

void declare_service(Printer& out, const pb::ServiceDescriptor& service) {
    for (int i = 0; i < service.method_count(); ++i)
        if (is_streamed(*service.method(i))) declare_streamed(out, *service.method(i));
    const auto methods = unary_methods_of(service);
    if (methods.empty() && service.method_count() > 0) return;  // it has streams only
    const std::string name = interface_name(service);
    emit_comment(out, comment_of(service));
    out.Print("class $name$ {\npublic:\n    virtual ~$name$() = default;\n", "name", name);
    for (const pb::MethodDescriptor* method : methods) {
        const indented body(out);
        out.Print("\n");
        emit_comment(out, comment_of(*method));
        out.Print(names_of(*method), "virtual bv::task<bv::result<$Response$>> $method$(bv::rpc::context& context, $Request$ request) = 0;\n");
    }
    out.Print(
        "};\n\n"
        "// Its methods as transports serve them: bv::rpc::served{static_cast<$name$*>(&service), $name$_methods()}.\n"
        "std::span<const bv::rpc::method> $name$_methods() noexcept;\n"
        "[[nodiscard]] inline bv::rpc::served serve($name$& service) { return {&service, $name$_methods()}; }\n\n"
        "// Calls a service of the same process as a transport would: authorizes, validates, traces. `target` outlives it.\n"
        "class $name$_client final : public $name$ {\npublic:\n    explicit $name$_client($name$& target) noexcept : target_(target) {}\n",
        "name", name);
    for (const pb::MethodDescriptor* method : methods)
        out.Print(names_of(*method), "    bv::task<bv::result<$Response$>> $method$(bv::rpc::context& context, $Request$ request) override;\n");
    out.Print("\nprivate:\n    $name$& target_;\n};\n\n", "name", name);
    declare_remote(out, service);
}

void emit_service(Printer& out, const pb::ServiceDescriptor& service) {
    for (int i = 0; i < service.method_count(); ++i)
        if (is_streamed(*service.method(i))) emit_streamed(out, *service.method(i));
    const auto methods = unary_methods_of(service);
    if (methods.empty() && service.method_count() > 0) return;
    out.Print("namespace {\n\n");
    for (const pb::MethodDescriptor* method : methods) {
        emit_auth(out, *method);
        if (!http_of(*method).empty()) emit_http_entry(out, *method);
        emit_message_entry(out, *method);
    }
    out.Print("}  // namespace\n\n");
    for (const pb::MethodDescriptor* method : methods) emit_client_method(out, *method);
    emit_methods(out, service);
    emit_remote(out, service);
}

}  // namespace bv::codegen
