// The JSON forms of Protobuf's well-known types (protobuf.dev/programming-guides/json).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace google::protobuf {
class Any;
class BoolValue;
class BytesValue;
class DoubleValue;
class Duration;
class Empty;
class FieldMask;
class FloatValue;
class Int32Value;
class Int64Value;
class ListValue;
class StringValue;
class Struct;
class Timestamp;
class UInt32Value;
class UInt64Value;
class Value;
}  // namespace google::protobuf

namespace bv::json {

class reader;
class writer;

void write_json(writer&, const google::protobuf::Timestamp&);  // "2026-01-31T09:00:00.250Z"
void write_json(writer&, const google::protobuf::Duration&);   // "1.500s"
void write_json(writer&, const google::protobuf::FieldMask&);  // "displayName,price.currency"
void write_json(writer&, const google::protobuf::Struct&);
void write_json(writer&, const google::protobuf::Value&);
void write_json(writer&, const google::protobuf::ListValue&);
void write_json(writer&, const google::protobuf::Empty&);
// With the fields of a registered type (registry.hpp), else with base64 under "value".
void write_json(writer&, const google::protobuf::Any&);
void write_json(writer&, const google::protobuf::BoolValue&);
void write_json(writer&, const google::protobuf::Int32Value&);
void write_json(writer&, const google::protobuf::Int64Value&);
void write_json(writer&, const google::protobuf::UInt32Value&);
void write_json(writer&, const google::protobuf::UInt64Value&);
void write_json(writer&, const google::protobuf::FloatValue&);
void write_json(writer&, const google::protobuf::DoubleValue&);
void write_json(writer&, const google::protobuf::StringValue&);
void write_json(writer&, const google::protobuf::BytesValue&);

bool read_json(reader&, google::protobuf::Timestamp&);
bool read_json(reader&, google::protobuf::Duration&);
bool read_json(reader&, google::protobuf::FieldMask&);
bool read_json(reader&, google::protobuf::Struct&);
bool read_json(reader&, google::protobuf::Value&);
bool read_json(reader&, google::protobuf::ListValue&);
bool read_json(reader&, google::protobuf::Empty&);
bool read_json(reader&, google::protobuf::Any&);  // refused: what it holds is for programs to set
bool read_json(reader&, google::protobuf::BoolValue&);
bool read_json(reader&, google::protobuf::Int32Value&);
bool read_json(reader&, google::protobuf::Int64Value&);
bool read_json(reader&, google::protobuf::UInt32Value&);
bool read_json(reader&, google::protobuf::UInt64Value&);
bool read_json(reader&, google::protobuf::FloatValue&);
bool read_json(reader&, google::protobuf::DoubleValue&);
bool read_json(reader&, google::protobuf::StringValue&);
bool read_json(reader&, google::protobuf::BytesValue&);

// RFC 3339 with any offset and up to nine fractional digits, years 1 to 9999; false when malformed.
[[nodiscard]] bool parse_timestamp(std::string_view, google::protobuf::Timestamp&);
// "1.5s", within ±315,576,000,000 s; false when malformed.
[[nodiscard]] bool parse_duration(std::string_view, google::protobuf::Duration&);
// "displayName,price.currency" or in snake_case, into snake_case paths; false when a path is malformed.
[[nodiscard]] bool parse_field_mask(std::string_view, google::protobuf::FieldMask&);

// "display_name" → "displayName"; "displayName" → "display_name".
[[nodiscard]] std::string camel_case(std::string_view);
[[nodiscard]] std::string snake_case(std::string_view);

}  // namespace bv::json
