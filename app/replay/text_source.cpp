#include "app/replay/text_source.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <lzma.h>
#include <unistd.h>
#include <zlib.h>

#include "platform/core/error.hpp"
#include "platform/core/os_error.hpp"

namespace bv::replay {

namespace {

class file_bytes {
public:
    explicit file_bytes(const std::filesystem::path& path) : path_(path.string()), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        if (fd_ >= 0) return;
        if (errno == ENOENT) throw failure(code::not_found, "FILE_NOT_FOUND", fmt::format("there is no file {}", path_));
        throw failure(code::failed_precondition, "FILE_UNREADABLE", fmt::format("{} cannot be read: {}", path_, os_error()));
    }
    file_bytes(const file_bytes&) = delete;
    file_bytes& operator=(const file_bytes&) = delete;
    ~file_bytes() {
        if (fd_ >= 0) ::close(fd_);
    }
    std::size_t read(std::span<char> into) {
        const auto n = ::read(fd_, into.data(), into.size());
        if (n < 0) throw failure(code::failed_precondition, "FILE_UNREADABLE", fmt::format("{} cannot be read: {}", path_, os_error()));
        consumed_ += static_cast<std::uint64_t>(n);
        return static_cast<std::size_t>(n);
    }
    void rewind() { ::lseek(fd_, 0, SEEK_SET), consumed_ = 0; }
    [[nodiscard]] std::uint64_t consumed() const noexcept { return consumed_; }
    [[noreturn]] void damaged(std::string_view what) const {
        throw failure(code::data_loss, "FILE_DAMAGED", fmt::format("{} is damaged or cut short near byte {}: {}", path_, consumed_, what));
    }

private:
    std::string path_;
    int fd_;
    std::uint64_t consumed_ = 0;
};

constexpr std::size_t piece = 64 * 1024;

class plain_source final : public text_source {
public:
    explicit plain_source(const std::filesystem::path& p) : file_(p) {}
    bool read(std::string& out) override {
        const auto n = file_.read(buffer_);
        out.append(buffer_.data(), n);
        return n > 0;
    }
    [[nodiscard]] std::uint64_t consumed() const override { return file_.consumed(); }

private:
    file_bytes file_;
    std::array<char, piece> buffer_;
};

class xz_source final : public text_source {
public:
    explicit xz_source(const std::filesystem::path& p) : file_(p) {
        if (lzma_stream_decoder(&stream_, 256ull << 20, LZMA_CONCATENATED) != LZMA_OK) file_.damaged("no memory for the decoder");
    }
    ~xz_source() override { lzma_end(&stream_); }
    bool read(std::string& out) override {
        while (!ended_) {
            if (stream_.avail_in == 0 && !drained_) {
                const auto n = file_.read(in_);
                drained_ = n == 0;
                stream_.next_in = reinterpret_cast<const std::uint8_t*>(in_.data());
                stream_.avail_in = n;
            }
            stream_.next_out = reinterpret_cast<std::uint8_t*>(out_.data());
            stream_.avail_out = out_.size();
            const auto status = lzma_code(&stream_, drained_ ? LZMA_FINISH : LZMA_RUN);
            ended_ = status == LZMA_STREAM_END;
            if (status != LZMA_OK && !ended_) file_.damaged("xz data does not decode");
            const auto got = out_.size() - stream_.avail_out;
            out.append(out_.data(), got);
            if (got > 0) return true;
        }
        return false;
    }
    [[nodiscard]] std::uint64_t consumed() const override { return file_.consumed(); }

private:
    file_bytes file_;
    lzma_stream stream_ = LZMA_STREAM_INIT;
    std::array<char, piece> in_, out_;
    bool drained_ = false, ended_ = false;
};

class gz_source final : public text_source {
public:
    explicit gz_source(const std::filesystem::path& p) : file_(p) {
        if (inflateInit2(&stream_, 15 + 32) != Z_OK) file_.damaged("no memory for the decoder");
    }
    ~gz_source() override { inflateEnd(&stream_); }
    bool read(std::string& out) override {
        for (;;) {
            if (stream_.avail_in == 0) {
                const auto n = file_.read(in_);
                if (n == 0) {
                    if (!ended_) file_.damaged("the gzip data stops before its end");
                    return false;
                }
                stream_.next_in = reinterpret_cast<Bytef*>(in_.data());
                stream_.avail_in = static_cast<uInt>(n);
                if (ended_) inflateReset(&stream_);  // concatenated members
                ended_ = false;
            }
            stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
            stream_.avail_out = static_cast<uInt>(out_.size());
            const int status = inflate(&stream_, Z_NO_FLUSH);
            if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) file_.damaged("gzip data does not decode");
            if (status == Z_STREAM_END) {
                ended_ = stream_.avail_in == 0;
                if (!ended_) inflateReset(&stream_);
            }
            const auto got = out_.size() - stream_.avail_out;
            out.append(out_.data(), got);
            if (got > 0) return true;
        }
    }
    [[nodiscard]] std::uint64_t consumed() const override { return file_.consumed(); }

private:
    file_bytes file_;
    z_stream stream_{};
    std::array<char, piece> in_, out_;
    bool ended_ = false;
};

}  // namespace

std::unique_ptr<text_source> text_source::open(const std::filesystem::path& path) {
    std::array<char, 6> magic{};
    {
        file_bytes probe(path);
        probe.read(magic);
    }
    if (std::memcmp(magic.data(), "\xFD" "7zXZ", 6) == 0) return std::make_unique<xz_source>(path);
    if (std::memcmp(magic.data(), "\x1F\x8B", 2) == 0) return std::make_unique<gz_source>(path);
    return std::make_unique<plain_source>(path);
}

}  // namespace bv::replay
