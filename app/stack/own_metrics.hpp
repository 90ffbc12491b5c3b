// What a process measures of where it runs: room on its disk, and how long its certificates are good.
#pragma once

#include <filesystem>
#include <string_view>

#include "platform/core/clock.hpp"
#include "platform/net/http/server.hpp"

namespace bv::stack {

// bv_disk_free_bytes, bv_disk_size_bytes: of the file system that holds the folder, read at each scrape.
void observe_disk(const std::filesystem::path& folder);
// bv_certificate_expiry_timestamp_seconds of a certificate: "peers", "http".
void note_certificate(std::string_view which, time_point until);
// When the first certificate of the files ends. Throws failure INVALID_ARGUMENT "TLS_FILES".
[[nodiscard]] time_point end_of(const http::tls_files&);

}  // namespace bv::stack
