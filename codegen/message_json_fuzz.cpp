// A request body of every type: refused with an error that can be shown, or read so that it can be written and read again.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <string>

#include "bitvelocity/sample/v1/sample.bv.hpp"
#include "platform/rpc/message_json.hpp"
#include "platform/testing/fuzz.hpp"

namespace {

namespace v1 = bitvelocity::sample::v1;

// The same bytes for the same message, whatever the order of its maps.
std::string bytes_of(const google::protobuf::Message& m) {
    std::string out;
    google::protobuf::io::StringOutputStream stream(&out);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    BV_ASSERT(m.SerializeToCodedStream(&coded));
    coded.Trim();
    return out;
}

void check(const bv::error& e) {
    BV_ASSERT(e.code == bv::code::invalid_argument && bv::json::valid_utf8(e.message));
    BV_ASSERT(e.reason == "MALFORMED_JSON" || !e.violations.empty());
    for (const auto& v : e.violations) BV_ASSERT(!v.description.empty() && bv::json::valid_utf8(v.field) && bv::json::valid_utf8(v.description));
}

template <class Message>
void read_write_read(std::string_view text) {
    Message first, second;
    if (const auto read = bv::json::parse(text, first); !read) return check(read.error());
    const std::string written = bv::rpc::to_json(first);
    BV_ASSERT(bv::json::valid_utf8(written));
    BV_ASSERT(bv::json::parse(written, second));
    BV_ASSERT(bytes_of(first) == bytes_of(second));
    (void)bv::rpc::validated(first);
}

}  // namespace

BV_FUZZ(message_json) {
    read_write_read<v1::EveryType>(bytes);
    read_write_read<v1::CreateThingRequest>(bytes);
    v1::EveryType lenient;
    (void)bv::json::parse(bytes, lenient, {.ignore_unknown = true});
}
