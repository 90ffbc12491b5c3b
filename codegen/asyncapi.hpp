// AsyncAPI 3.0 of the events that services publish.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

namespace bv::codegen {

// One document: a channel for each source of events, as a Kafka topic (binding 0.5.0), with the messages of the contract that have a
// key, under CloudEvents 1.0 attributes in headers.
[[nodiscard]] std::string asyncapi_document(const std::vector<const google::protobuf::FileDescriptor*>&);

// What is wrong with the options of the file's events; empty when nothing is.
[[nodiscard]] std::string fault_of_events(const google::protobuf::FileDescriptor&);

}  // namespace bv::codegen
