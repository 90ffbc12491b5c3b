#include "app/replay/progress_file.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "platform/core/error.hpp"
#include "platform/core/os_error.hpp"

namespace bv::replay {

progress_file::progress_file(std::filesystem::path folder, std::string_view file_key) : path_(std::move(folder)) {
    std::error_code ec;
    std::filesystem::create_directories(path_, ec);
    path_ /= fmt::format("{}.placed", file_key);
    std::ifstream in(path_, std::ios::binary);
    std::string line;
    // "reference id total", a line each; getline leaves eof set after a line that has no end.
    while (std::getline(in, line) && !in.eof()) {
        const auto first = line.find(' '), second = line.find(' ', first + 1);
        if (second == std::string::npos) continue;
        const auto id = uuid::parse(std::string_view(line).substr(first + 1, second - first - 1));
        std::int64_t total = 0;
        const auto [end, error] = std::from_chars(line.data() + second + 1, line.data() + line.size(), total);
        if (!id || error != std::errc{} || end != line.data() + line.size()) continue;
        known_[line.substr(0, first)] = {*id, total};
        newest_ = {*id, total};
    }
    const bool cut_short = in.eof() && !line.empty();
    open("ab");
    if (cut_short) std::fputc('\n', out_.get());
}

void progress_file::open(const char* mode) {
    out_.reset(std::fopen(path_.c_str(), mode));
    if (!out_) throw failure(code::failed_precondition, "PROGRESS_FILE", fmt::format("{} cannot be written: {}", path_.string(), os_error()));
}

const known_order* progress_file::find(const std::string& reference) const {
    const auto at = known_.find(reference);
    return at == known_.end() ? nullptr : &at->second;
}

void progress_file::add(const std::string& reference, const known_order& o) {
    const auto line = fmt::format("{} {} {}\n", reference, o.id.str(), o.total_minor);
    std::fwrite(line.data(), 1, line.size(), out_.get());
}

void progress_file::flush() { std::fflush(out_.get()); }

void progress_file::forget() {
    known_.clear();
    newest_.reset();
    open("wb");
}

std::string file_key(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        const bool missing = errno == ENOENT;
        throw failure(missing ? code::not_found : code::failed_precondition, missing ? "FILE_NOT_FOUND" : "FILE_UNREADABLE",
                      missing ? fmt::format("there is no file {}", path.string()) : fmt::format("{} cannot be read: {}", path.string(), os_error()));
    }
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr);
    std::array<char, 64 * 1024> piece;
    while (in.read(piece.data(), piece.size()) || in.gcount() > 0) EVP_DigestUpdate(hash.get(), piece.data(), static_cast<std::size_t>(in.gcount()));
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    EVP_DigestFinal_ex(hash.get(), digest.data(), nullptr);
    std::string out;
    for (std::size_t i = 0; i < 8; ++i) out += fmt::format("{:02x}", digest[i]);
    return out;
}

}  // namespace bv::replay
