// Files that only their owner may read.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace bv::security {

// nullopt when there is none. Throws failure FAILED_PRECONDITION "SECRETS_UNSAFE" when group or others have any right to it, when
// it belongs to another user than the process (or root), or when it is no regular file; UNAVAILABLE "SECRETS_IO" when reading fails.
[[nodiscard]] std::optional<std::string> read_private_file(const std::filesystem::path&);
// Mode 0600, durable when it returns: temporary file, fsync, rename, fsync of the folder. After a crash the old or the new is there.
void write_private_file(const std::filesystem::path&, std::string_view content);

// Holds an exclusive lock on a file (made when missing) until destroyed: between processes as well as threads.
class file_lock {
public:
    explicit file_lock(const std::filesystem::path&);
    ~file_lock();
    file_lock(const file_lock&) = delete;
    file_lock& operator=(const file_lock&) = delete;

private:
    int fd_;
};

}  // namespace bv::security
