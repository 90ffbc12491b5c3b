// The parts of a generated file. Each function prints the C++ of one concern for one message or service.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/printer.h>

#include <map>
#include <string>
#include <vector>

namespace bv::codegen {

namespace pb = google::protobuf;
using pb::io::Printer;

// Four columns to the right for as long as it lives, as often as asked.
class indented {
public:
    explicit indented(Printer& out, int levels = 1) : out_(out), steps_(levels * 2) {
        for (int i = 0; i < steps_; ++i) out_.Indent();
    }
    ~indented() {
        for (int i = 0; i < steps_; ++i) out_.Outdent();
    }
    indented(const indented&) = delete;
    indented& operator=(const indented&) = delete;

private:
    Printer& out_;
    int steps_;
};

// What `$name$` stands for in what is printed.
using variables = std::map<std::string, std::string>;
// Names that the parts of one method are printed with.
[[nodiscard]] variables names_of(const pb::MethodDescriptor&);

// How the C++ of a field is spelt.
struct field_text {
    explicit field_text(const pb::FieldDescriptor&);
    std::string name;        // "class_" of `class`: as in the accessors of protoc
    std::string value_type;  // "std::int32_t", "::ns::Status", "std::string", "::ns::Thing": of one item; of a map: its value
};
// The field whose type the items have: of a map the value, else the field itself.
[[nodiscard]] const pb::FieldDescriptor& item_of(const pb::FieldDescriptor&);

// write_json: json_emitter.cpp; read_json: reader_emitter.cpp.
void emit_enum_names(Printer&, const pb::EnumDescriptor&);
void emit_writer(Printer&, const pb::Descriptor&);
void emit_reader(Printer&, const pb::Descriptor&);
// validate, and mask_pii, of messages that need them.
void emit_validator(Printer&, const pb::Descriptor&);
void emit_masker(Printer&, const pb::Descriptor&);

// Declarations of the abstract service and its client, for the header.
void declare_service(Printer&, const pb::ServiceDescriptor&);
// What a transport calls, the in-process client and the method table. A further transport adds one function here, called once
// per method from emit_service.
void emit_service(Printer&, const pb::ServiceDescriptor&);
void emit_http_entry(Printer&, const pb::MethodDescriptor&);
// What transports of serialized messages call; the client over a channel.
void emit_message_entry(Printer&, const pb::MethodDescriptor&);
void declare_remote(Printer&, const pb::ServiceDescriptor&);
void emit_remote(Printer&, const pb::ServiceDescriptor&);
// What is done with `request`, whole and typed, before the service sees it: its update mask settled, its fields checked.
void emit_checks(Printer&, const pb::MethodDescriptor&);
// Of a method with streams, instead: what it is called by, the reading of one message, for bv::rpc::serve_stream and
// bv::rpc::grpc::serve_messages, and the client over a channel.
void declare_streamed(Printer&, const pb::MethodDescriptor&);
void emit_streamed(Printer&, const pb::MethodDescriptor&);
// Its messages as lines of JSON.
void emit_line_reader(Printer&, const pb::MethodDescriptor&);
// The others of a service.
[[nodiscard]] std::vector<const pb::MethodDescriptor*> unary_methods_of(const pb::ServiceDescriptor&);
// What clients are let through by: the constant $id$_auth.
void emit_auth(Printer&, const pb::MethodDescriptor&);

// x.bv.hpp and x.bv.cpp.
void emit_header(Printer&, const pb::FileDescriptor&);
void emit_source(Printer&, const pb::FileDescriptor&);
// What is wrong with the contract; empty when nothing is.
[[nodiscard]] std::string fault_of(const pb::FileDescriptor&);

}  // namespace bv::codegen
