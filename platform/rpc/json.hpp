// JSON of Protobuf messages: all that generated code includes.
#pragma once

#include "platform/rpc/json_reader.hpp"
#include "platform/rpc/json_writer.hpp"
#include "platform/rpc/well_known.hpp"
