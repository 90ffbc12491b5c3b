// What a peer may send as gRPC metadata and messages: everything read is bounded, and what we write we read back.
#include "platform/rpc/grpc/status.hpp"
#include "platform/rpc/grpc/wire.hpp"
#include "platform/testing/fuzz.hpp"

BV_FUZZ(grpc) {
    using namespace bv::rpc::grpc;
    constexpr std::size_t most = 1 << 16;
    for (const std::string_view encoding : {"", "gzip"}) {
        message_reader reader(encoding, most);
        reader.put(bytes);
        for (auto next = reader.next(); next && *next; next = reader.next()) BV_ASSERT((*next)->size() <= most);
    }
    if (const auto status = decode_status(bytes)) {
        const auto again = decode_status(encode_status(*status));
        BV_ASSERT(again && again->code == status->code && again->reason == status->reason && again->message == status->message);
    }
    BV_ASSERT(decode_text(encode_text(bytes)) == bytes);
    BV_ASSERT(decode_binary(encode_binary(bytes)) == bytes);
    static_cast<void>(decode_text(bytes));
    if (const auto timeout = parse_timeout(bytes)) BV_ASSERT(timeout->count() >= 0);
}
