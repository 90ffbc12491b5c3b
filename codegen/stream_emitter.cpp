// Methods with streams: what they are called by, the reading of one message, the client over a channel.
#include "codegen/emit.hpp"
#include "codegen/names.hpp"
#include "codegen/options.hpp"

namespace bv::codegen {

void declare_streamed(Printer& out, const pb::MethodDescriptor& method) {
    variables vars = names_of(method);
    vars["what"] = method.client_streaming() ? method.server_streaming() ? "takes a stream and answers with one" : "takes a stream" : "answers with a stream";
    out.Print(vars, "// $Method$ $what$.\nconst bv::rpc::streamed_method& $method$_method() noexcept;\n");
    if (!http_of(method).empty())
        out.Print(vars, "// A line of JSON, validated: for bv::rpc::serve_stream.\nbv::result<void> $method$_message(std::string_view line, $Request$& message);\n");
    out.Print(vars,
              "// A serialized message, validated: for bv::rpc::grpc::serve_messages and the like.\n"
              "bv::result<void> $method$_parsed(std::string_view bytes, $Request$& message);\n"
              "// Calls it in another process; throws as bv::rpc::channel::open does.\n"
              "bv::task<bv::rpc::remote_stream<$Request$, $Response$>> open_$method$(bv::rpc::channel& channel, bv::rpc::context& context);\n\n");
}

void emit_streamed(Printer& out, const pb::MethodDescriptor& method) {
    variables vars = names_of(method);
    const bool has_http = !http_of(method).empty();
    out.Print("namespace {\n\n");
    emit_auth(out, method);
    out.Print("}  // namespace\n\n");
    if (has_http) emit_line_reader(out, method);
    vars["http"] = has_http ? vars["id"] + "_http[0]" : "{}";
    vars["client"] = method.client_streaming() ? "true" : "false";
    vars["server"] = method.server_streaming() ? "true" : "false";
    vars["idempotent"] = is_safe_to_repeat(method) ? "true" : "false";
    out.Print(vars,
              "const bv::rpc::streamed_method& $method$_method() noexcept {\n"
              "    static constexpr bv::rpc::streamed_method method{\"$Service$\", \"$Method$\", $id$_auth, $http$, \"/$Service$/$Method$\", $client$, $server$, $idempotent$};\n"
              "    return method;\n"
              "}\n\n"
              "bv::result<void> $method$_parsed(std::string_view bytes, $Request$& message) {\n"
              "    if (auto parsed = bv::rpc::parse_message(bytes, message); !parsed) return parsed;\n");
    if (has_checks(*method.input_type())) out.Print("    if (auto valid = bv::rpc::validated(message); !valid) return valid;\n");
    out.Print(vars,
              "    return {};\n"
              "}\n\n"
              "bv::task<bv::rpc::remote_stream<$Request$, $Response$>> open_$method$(bv::rpc::channel& channel, bv::rpc::context& context) {\n"
              "    co_return bv::rpc::remote_stream<$Request$, $Response$>(co_await channel.open($method$_method(), context));\n"
              "}\n\n");
}

}  // namespace bv::codegen
