// Static files, embedded or of a directory: strong ETags, 304, immutable caching of fingerprinted names.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "platform/core/embed.hpp"
#include "platform/net/http/message.hpp"

namespace bv::http {

// Thread-safe, cheap to copy.
class static_files {
public:
    // Files of bv_embed; their texts live as long as the process.
    [[nodiscard]] static static_files embedded(std::span<const embedded_file>);
    // Files below a directory, read when asked for and kept in memory, within a bound, while they do not change.
    // Blocks its thread for a file that is not in memory. Never serves names that begin with a dot, nor what a symbolic
    // link reaches outside. Throws failure INVALID_ARGUMENT "NO_DIRECTORY".
    [[nodiscard]] static static_files directory(const std::filesystem::path& root);

    // The answer for `path` as it stands in a target, percent-encoded, without the query: "/assets/app.js"; a path that
    // ends in '/' means its index.html. nullopt: there is no such file. Verbs other than GET and HEAD get 405.
    [[nodiscard]] std::optional<response> serve(const request&, std::string_view path) const;

private:
    struct impl;
    explicit static_files(std::shared_ptr<impl> i) : impl_(std::move(i)) {}
    std::shared_ptr<impl> impl_;
};

// By the name's extension; "application/octet-stream" when unknown.
[[nodiscard]] std::string_view content_type_of(std::string_view name) noexcept;
// Whether the name holds a hash of its content, as bundlers write it: "app-BxY12_3Z.js", "app.3f2a9c1d.css".
[[nodiscard]] bool is_fingerprinted(std::string_view name) noexcept;
// Whether an If-None-Match value names the entity tag (weak comparison, RFC 9110 section 13.1.2).
[[nodiscard]] bool matches_etag(std::string_view if_none_match, std::string_view etag) noexcept;

}  // namespace bv::http
