// A call with streams over one HTTP/2 exchange.
#pragma once

#include <functional>
#include <memory>

#include "platform/net/http2/client_stream.hpp"
#include "platform/rpc/channel.hpp"
#include "platform/rpc/grpc/wire.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::rpc::grpc {

class open_call final : public stream_call {
public:
    // failed: what to throw when the exchange broke. `span` ends with the call.
    open_call(std::shared_ptr<http2::client_stream>, bool gzip, std::size_t max_message_bytes, std::function<failure(http2::call_fault)> failed, telemetry::span);
    ~open_call() override { stream_->cancel(); }

    task<bool> write(const google::protobuf::MessageLite&) override;
    void finish_writing() override { stream_->finish(); }
    task<result<bool>> read(google::protobuf::MessageLite&) override;
    [[nodiscard]] const http::fields& initial() const noexcept override { return stream_->head(); }
    [[nodiscard]] const http::fields& trailing() const noexcept override { return stream_->trailers(); }

private:
    [[nodiscard]] result<bool> ended();

    std::shared_ptr<http2::client_stream> stream_;
    bool gzip_;
    std::size_t most_;
    std::function<failure(http2::call_fault)> failed_;
    telemetry::span span_;
    std::optional<message_reader> reader_;  // once the head has come
};

}  // namespace bv::rpc::grpc
