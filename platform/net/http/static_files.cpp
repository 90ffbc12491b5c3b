#include "platform/net/http/static_files.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include <openssl/sha.h>

#include "platform/core/error.hpp"
#include "platform/net/http/syntax.hpp"

namespace bv::http {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t keep_bytes = 32 * 1024 * 1024;  // of a directory's files in memory

struct file {
    std::string_view text;
    std::string etag;
    // Of a directory only:
    std::shared_ptr<const std::string> owned{};
    fs::file_time_type changed{};
    std::uintmax_t size = 0;
};

std::string etag_of(std::string_view text) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    constexpr char digits[] = "0123456789abcdef";
    std::string out = "\"";
    for (std::size_t i = 0; i < 16; ++i) out += digits[digest[i] >> 4], out += digits[digest[i] & 15];
    return out += '"';
}

// The file's name relative to the root: decoded, with index.html; nullopt: no name that is served.
std::optional<std::string> name_of(std::string_view path) {
    auto name = percent_decode(path);
    if (!name || name->empty() || name->front() != '/') return std::nullopt;
    name->erase(0, 1);
    if (name->empty() || name->back() == '/') *name += "index.html";
    for (std::string_view rest = *name; !rest.empty();) {
        const auto slash = std::min(rest.find('/'), rest.size());
        const auto segment = rest.substr(0, slash);
        if (segment.empty() || segment.front() == '.' || segment.find_first_of(std::string_view("\\\0", 2)) != std::string_view::npos)
            return std::nullopt;
        rest.remove_prefix(std::min(slash + 1, rest.size()));
    }
    return name;
}

}  // namespace

struct static_files::impl {
    fs::path root;  // canonical; empty: embedded
    std::unordered_map<std::string, file> files;
    std::size_t kept_bytes = 0;
    std::mutex mutex;

    std::optional<file> find(const std::string& name) {
        if (!root.empty()) return read(name);
        const auto found = files.find(name);
        return found == files.end() ? std::nullopt : std::optional(found->second);
    }

    std::optional<file> read(const std::string& name) {
        std::error_code ec;
        const auto path = fs::canonical(root / name, ec);
        if (ec || std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first != root.end()) return std::nullopt;
        if (!fs::is_regular_file(path, ec)) return std::nullopt;
        const auto changed = fs::last_write_time(path, ec);
        const auto size = fs::file_size(path, ec);
        if (ec) return std::nullopt;
        {
            const std::lock_guard lock(mutex);
            const auto found = files.find(name);
            if (found != files.end() && found->second.changed == changed && found->second.size == size) return found->second;
        }
        std::ifstream in(path, std::ios::binary);
        if (!in) return std::nullopt;
        auto text = std::make_shared<const std::string>(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
        file out{.text = *text, .etag = etag_of(*text), .owned = text, .changed = changed, .size = size};
        keep(name, out);
        return out;
    }

    void keep(const std::string& name, const file& f) {
        const std::lock_guard lock(mutex);
        if (const auto old = files.find(name); old != files.end()) {
            kept_bytes -= old->second.text.size();
            files.erase(old);
        }
        if (kept_bytes + f.text.size() > keep_bytes) return;
        kept_bytes += f.text.size();
        files.emplace(name, f);
    }
};

static_files static_files::embedded(std::span<const embedded_file> all) {
    auto i = std::make_shared<impl>();
    for (const auto& f : all) i->files.emplace(std::string(f.name), file{.text = f.text, .etag = etag_of(f.text)});
    return static_files(std::move(i));
}

static_files static_files::directory(const fs::path& root) {
    auto i = std::make_shared<impl>();
    std::error_code ec;
    i->root = fs::canonical(root, ec);
    if (ec || !fs::is_directory(i->root, ec))
        throw failure(code::invalid_argument, "NO_DIRECTORY", "'" + root.string() + "' is no directory to serve files from");
    return static_files(std::move(i));
}

std::optional<response> static_files::serve(const request& r, std::string_view path) const {
    const auto name = name_of(path);
    if (!name) return std::nullopt;
    const auto f = impl_->find(*name);
    if (!f) return std::nullopt;
    response out{.content_type = std::string(content_type_of(*name))};
    if (r.verb != verb::get && r.verb != verb::head) {
        out.status = 405;
        out.content_type.clear();
        out.headers.add("Allow", "GET, HEAD");
        return out;
    }
    out.headers.add("ETag", f->etag);
    out.headers.add("Cache-Control", is_fingerprinted(*name) ? "public, max-age=31536000, immutable" : "no-cache");
    if (const auto known = r.headers.find("If-None-Match"); known && matches_etag(*known, f->etag)) out.status = 304;
    else out.body = f->text;
    return out;
}

std::string_view content_type_of(std::string_view name) noexcept {
    constexpr std::pair<std::string_view, std::string_view> types[] = {
        {"html", "text/html; charset=utf-8"},      {"css", "text/css; charset=utf-8"},
        {"js", "text/javascript; charset=utf-8"},  {"mjs", "text/javascript; charset=utf-8"},
        {"json", "application/json"},              {"map", "application/json"},
        {"svg", "image/svg+xml"},                  {"png", "image/png"},
        {"jpg", "image/jpeg"},                     {"jpeg", "image/jpeg"},
        {"gif", "image/gif"},                      {"webp", "image/webp"},
        {"avif", "image/avif"},                    {"ico", "image/x-icon"},
        {"woff2", "font/woff2"},                   {"woff", "font/woff"},
        {"ttf", "font/ttf"},                       {"txt", "text/plain; charset=utf-8"},
        {"md", "text/markdown; charset=utf-8"},    {"csv", "text/csv; charset=utf-8"},
        {"xml", "application/xml"},                {"yaml", "application/yaml"},
        {"yml", "application/yaml"},               {"pdf", "application/pdf"},
        {"wasm", "application/wasm"},              {"webmanifest", "application/manifest+json"},
        {"proto", "text/plain; charset=utf-8"},
    };
    const auto dot = name.rfind('.');
    if (dot != std::string_view::npos)
        for (const auto& [extension, type] : types)
            if (syntax::iequals(extension, name.substr(dot + 1))) return type;
    return "application/octet-stream";
}

bool is_fingerprinted(std::string_view name) noexcept {
    name.remove_prefix(std::min(name.rfind('/') + 1, name.size()));
    if (name.ends_with(".map")) name.remove_suffix(4);
    const auto dot = name.rfind('.');
    if (dot == std::string_view::npos || dot == 0) return false;
    const auto stem = name.substr(0, dot);
    // A '-' may be part of a hash, so the eight characters that a bundler writes are looked at first.
    const auto is_hash = [](std::string_view s) {
        bool digit = false, upper = false, lower = false;
        for (const char c : s) {
            digit |= c >= '0' && c <= '9';
            upper |= c >= 'A' && c <= 'Z';
            lower |= c >= 'a' && c <= 'z';
            if (!syntax::is(c, syntax::unreserved_bit) || c == '.' || c == '~') return false;
        }
        return s.size() >= 8 && ((digit && (upper || lower)) || (upper && lower));
    };
    if (stem.size() > 9 && (stem[stem.size() - 9] == '-' || stem[stem.size() - 9] == '.') && is_hash(stem.substr(stem.size() - 8))) return true;
    const auto separator = stem.find_last_of("-.");
    return separator != std::string_view::npos && separator > 0 && is_hash(stem.substr(separator + 1));
}

bool matches_etag(std::string_view list, std::string_view etag) noexcept {
    const auto opaque = [](std::string_view tag) { return tag.starts_with("W/") ? tag.substr(2) : tag; };
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        const auto tag = syntax::trim(list.substr(0, comma));
        if (tag == "*" || opaque(tag) == opaque(etag)) return true;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

}  // namespace bv::http
