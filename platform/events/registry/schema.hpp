// The schema of an event, as a registry keeps it: one message, or enum, and what it uses are references to schemas of their own.
//
// A contract's file holds many events and what else a service has. Of one type a file is made that holds nothing but it, so that the
// history of an event is its own: a field that another event gets is no new version of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace google::protobuf {
class Descriptor;
}

namespace bv::events::registry {

// What a schema imports that is a schema too. Google's own types, which every registry brings along, are none.
struct used_type {
    std::string import;  // as the text spells it: "bitvelocity/type/v1/Money.proto"
    std::string type;    // "bitvelocity.type.v1.Money"
};

struct schema {
    std::string type;  // full name of its only message or enum on the outermost level
    std::string text;  // in Protobuf's language
    std::vector<used_type> uses{};
};

// The schema of a message that is on the outermost level of its file, and of all that it uses: what is used comes first. Options of our
// own are left out. Throws failure INTERNAL "SCHEMA_CYCLE" for messages that use each other, which no references can express.
[[nodiscard]] std::vector<schema> schemas_of(const google::protobuf::Descriptor&);

// Of a message that is linked into this binary; empty when there is none of that name.
[[nodiscard]] std::vector<schema> schemas_of(const std::string& type);

}  // namespace bv::events::registry
