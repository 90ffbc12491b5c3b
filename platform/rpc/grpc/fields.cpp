#include "platform/rpc/grpc/fields.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace bv::rpc::grpc {

bool read_fields(std::string_view bytes, const std::function<bool(std::uint32_t, std::uint64_t, std::string)>& see) {
    namespace io = google::protobuf::io;
    io::ArrayInputStream array(bytes.data(), static_cast<int>(bytes.size()));
    io::CodedInputStream in(&array);
    while (const auto tag = in.ReadTag()) {
        std::uint64_t number = 0;
        std::uint32_t fixed = 0;
        std::string text;
        switch (tag & 7) {
        case 0:
            if (!in.ReadVarint64(&number)) return false;
            break;
        case 1:
            if (!in.ReadLittleEndian64(&number)) return false;
            break;
        case 2: {
            std::uint32_t size = 0;
            if (!in.ReadVarint32(&size) || !in.ReadString(&text, static_cast<int>(size))) return false;
            break;
        }
        case 5:
            if (!in.ReadLittleEndian32(&fixed)) return false;
            number = fixed;
            break;
        default: return false;
        }
        if (!see(tag >> 3, number, std::move(text))) return false;
    }
    return in.ConsumedEntireMessage();
}

}  // namespace bv::rpc::grpc
