#include "platform/rpc/grpc/stream.hpp"

#include <memory>
#include <utility>

#include "platform/rpc/grpc/status.hpp"
#include "platform/rpc/grpc/wire.hpp"
#include "platform/rpc/problem.hpp"
#include "platform/runtime/deadline.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::rpc::grpc {

namespace {

class body_messages final : public incoming {
public:
    body_messages(const http::request& request, http::body_reader& body, std::size_t most)
        : metadata_(request.headers), body_(body), reader_(request.headers.get("grpc-encoding"), most) {}

    [[nodiscard]] const http::fields& metadata() const noexcept override { return metadata_; }

    task<result<std::optional<std::string>>> next() override {
        while (true) {
            auto message = reader_.next();
            if (!message || *message) co_return message;
            auto piece = co_await body_.read();
            if (!piece) co_return std::unexpected(std::move(piece.error()));
            if (*piece) {
                reader_.put(**piece);
            } else if (reader_.empty()) {
                co_return std::nullopt;
            } else {
                co_return fail(code::internal, "MALFORMED_FRAME", "The stream ends within a message.");
            }
        }
    }

private:
    const http::fields& metadata_;
    http::body_reader& body_;
    message_reader reader_;
};

class written_messages final : public outgoing {
public:
    written_messages(http::body_writer& out, bool gzip) : out_(out), gzip_(gzip) {}
    task<bool> write(std::string_view message) override { co_return co_await out_.write(frame(message, gzip_)); }
    void add_initial(std::string_view name, std::string_view value) override { out_.add_header(name, value); }
    void add_trailing(std::string_view name, std::string_view value) override { trailers.add(name, value); }

    http::fields trailers;

private:
    http::body_writer& out_;
    bool gzip_;
};

struct call {
    body_messages in;
    context ctx;
    bool gzip;
    audience told;

    [[nodiscard]] error as_told(const error& e) const { return told == audience::outside ? shown(e) : e; }
};

task<result<void>> run_until_deadline(const streamed& method, call& c, outgoing& out) {
    if (c.ctx.deadline == steady_point::max()) co_return co_await method.run(c.ctx, c.in, out);
    co_return co_await with_deadline(system_clock(), c.ctx.deadline, method.run(c.ctx, c.in, out));
}

task<void> run(const streamed& method, std::shared_ptr<call> c, http::body_writer& writer) {
    written_messages out(writer, c->gzip);
    error broken;
    bool failed = false;
    try {
        const auto ended = co_await run_until_deadline(method, *c, out);
        if (ended) out.trailers.add("grpc-status", "0");
        else add_status(out.trailers, c->as_told(ended.error()));
    } catch (...) {
        failed = true;
        broken = current_error();
    }
    if (failed) {
        const bool client_gave_up = broken.code == code::cancelled || broken.code == code::deadline_exceeded;
        if (!client_gave_up)
            telemetry::error("rpc.failed", {{"method", method.path}, {"code", name(broken.code)}, {"reason", broken.reason}, {"error", broken.message}}, c->ctx.trace);
        add_status(out.trailers, c->as_told(broken));
    }
    writer.finish_with(std::move(out.trailers));
}

}  // namespace

http::response serve(const streamed& method, const http::request& request, http::body_reader& body, context ctx, std::size_t max_message_bytes, audience told) {
    http::response out;
    out.content_type = content_type;
    out.headers.add("grpc-accept-encoding", "identity,gzip");
    const bool gzip = request.headers.get("grpc-encoding") == "gzip";
    if (gzip) out.headers.add("grpc-encoding", "gzip");
    auto c = std::make_shared<call>(body_messages(request, body, max_message_bytes), std::move(ctx), gzip, told);
    out.stream = [&method, c = std::move(c)](http::body_writer& writer) { return run(method, c, writer); };
    return out;
}

}  // namespace bv::rpc::grpc
