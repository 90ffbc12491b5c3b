// What the HTTP transport calls of a method: its bindings, how a request is made of parameters and body, and the call.
#include <map>

#include "codegen/emit.hpp"
#include "codegen/names.hpp"
#include "codegen/options.hpp"

namespace bv::codegen {
namespace {

void emit_bindings(Printer& out, const variables& vars, const std::vector<http_rule>& rules) {
    out.Print(vars, "constexpr bv::rpc::http_binding $id$_http[] = {\n");
    for (const http_rule& r : rules)
        out.Print("    {$verb$, $path$, $body$},\n", "verb", quoted(r.verb), "path", quoted(r.path), "body", quoted(r.body));
    out.Print("};\n\n");
}

// Whether the binding's body is the resource that an update mask governs.
bool is_update(const pb::MethodDescriptor& method, const http_rule& r) {
    const update changed = update_of(*method.input_type());
    return changed.resource != nullptr && r.verb == "PATCH" && changed.resource->name() == r.body;
}

void emit_body(Printer& out, const pb::MethodDescriptor& method, const http_rule& r, variables vars) {
    if (r.body.empty()) return;
    const pb::FieldDescriptor* resource = r.body == "*" ? nullptr : method.input_type()->FindFieldByName(r.body);
    vars["target"] = resource == nullptr ? "request" : "*request.mutable_" + field_text(*resource).name + "()";
    out.Print(vars, "if (auto read = bv::rpc::read_body(body, $target$); !read) return read;\n");
}

void emit_binding(Printer& out, const pb::MethodDescriptor& method, const http_rule& r, const variables& vars) {
    emit_body(out, method, r, vars);
    out.Print(vars, "if (auto bound = bv::rpc::bind_parameters(request, $id$_http[binding], parameters); !bound) return bound;\n");
    // After the parameters, among which a mask may be.
    if (is_update(method, r)) out.Print(vars, "bv::rpc::settle_update_mask(*request.mutable_update_mask(), $Request_id$_changeable, body);\n");
    if (!has_checks(*method.input_type())) return;
    if (r.body.empty() || r.body == "*") {
        out.Print("if (auto valid = bv::rpc::validated(request); !valid) return valid;\n");
    } else {
        out.Print("if (auto valid = bv::rpc::validated(request); !valid)\n    return std::unexpected(bv::rpc::as_body_error(std::move(valid.error()), $body$));\n",
                  "body", quoted(method.input_type()->FindFieldByName(r.body)->json_name()));
    }
}

void emit_bind(Printer& out, const pb::MethodDescriptor& method, const std::vector<http_rule>& rules, const variables& vars) {
    out.Print(vars,
              "bv::result<void> $id$_bind($Request$& request, std::size_t binding, const bv::rpc::parameters& parameters,\n"
              "                           [[maybe_unused]] std::string_view body) {\n");
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const bool last = i + 1 == rules.size();
        if (!last) out.Print("    if (binding == $i$) {\n", "i", std::to_string(i));
        {
            const indented inside(out, last ? 1 : 2);
            emit_binding(out, method, rules[i], vars);
            out.Print("return {};\n");
        }
        if (!last) out.Print("    }\n");
    }
    out.Print("}\n\n");
}

void emit_call(Printer& out, const variables& vars) {
    out.Print(vars,
              "bv::task<bv::result<void>> $id$_json(void* service, bv::rpc::context& context, std::size_t binding,\n"
              "                                     const bv::rpc::parameters& parameters, std::string_view body, std::string& out) {\n"
              "    if (auto allowed = bv::rpc::authorize($id$_auth, context.caller); !allowed) co_return std::unexpected(std::move(allowed.error()));\n"
              "    $Request$ request;\n"
              "    if (auto bound = $id$_bind(request, binding, parameters, body); !bound) co_return std::unexpected(std::move(bound.error()));\n"
              "    auto answer = co_await static_cast<$service$*>(service)->$method$(context, std::move(request));\n"
              "    if (!answer) co_return std::unexpected(std::move(answer.error()));\n"
              "    bv::json::append(out, *answer);\n"
              "    co_return bv::result<void>{};\n"
              "}\n\n");
}

}  // namespace

void emit_http_entry(Printer& out, const pb::MethodDescriptor& method) {
    const std::vector<http_rule> rules = http_of(method);
    const variables vars = names_of(method);
    emit_bindings(out, vars, rules);
    emit_bind(out, method, rules, vars);
    emit_call(out, vars);
}

void emit_line_reader(Printer& out, const pb::MethodDescriptor& method) {
    const std::vector<http_rule> rules = http_of(method);
    const variables vars = names_of(method);
    out.Print("namespace {\n\n");
    emit_bindings(out, vars, rules);
    emit_bind(out, method, rules, vars);
    out.Print("}  // namespace\n\n");
    out.Print(vars, "bv::result<void> $method$_message(std::string_view line, $Request$& message) { return $id$_bind(message, 0, {}, line); }\n\n");
}

}  // namespace bv::codegen
