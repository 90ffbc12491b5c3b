// Any bytes after the preface: every stream that begins ends exactly once, and nothing is said of it afterwards.
#include <memory>
#include <string>

#include "platform/net/http2/frames.hpp"
#include "platform/testing/fuzz.hpp"

namespace {

class watched final : public bv::http2::stream {
public:
    watched(bv::http2::frames*& f, int& open) : frames_(f), open_(open) { ++open_; }
    void on_field(std::string_view name, std::string_view) override {
        BV_ASSERT(!closed_);
        BV_ASSERT(!name.empty());
    }
    void on_fields_end() override { BV_ASSERT(!closed_); }
    void on_data(std::string_view bytes) override {
        BV_ASSERT(!closed_ && !ended_);
        frames_->consume(*this, bytes.size());
    }
    void on_end() override {
        BV_ASSERT(!closed_ && !ended_);
        ended_ = true;
        const bv::http2::field head[] = {{":status", "200"}};
        frames_->respond(*this, head, false);
        frames_->write(*this, "answer");
        frames_->finish(*this, {});
    }
    void on_close(std::uint32_t, bool) override {
        BV_ASSERT(!closed_);
        closed_ = true;
        --open_;
    }

private:
    bv::http2::frames*& frames_;
    int& open_;
    bool closed_ = false, ended_ = false;
};

}  // namespace

BV_FUZZ(http2) {
    int open = 0;
    bv::http2::frames* self = nullptr;
    bv::http2::frames session(bv::http2::role::server, {.max_streams = 8}, [&] { return std::make_shared<watched>(self, open); });
    self = &session;
    std::string out;
    bool alive = session.receive("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    while (alive && !bytes.empty()) {
        const auto n = std::min<std::size_t>(bytes.size(), 1 + static_cast<unsigned char>(bytes[0]));
        alive = session.receive(bytes.substr(0, n));
        bytes.remove_prefix(n);
        session.collect(out, 1 << 20);
        out.clear();
    }
    session.close_all();
    BV_ASSERT(open == 0);
}
