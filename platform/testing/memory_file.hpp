// Bytes as a file that has a path and is in no folder: for what reads files, and is fuzzed.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "platform/core/assert.hpp"

namespace bv::testing {

class memory_file {
public:
    explicit memory_file(std::string_view bytes) : fd_(::memfd_create("memory_file", MFD_CLOEXEC)) {
        BV_ASSERT(fd_ >= 0 && ::write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    }
    ~memory_file() { ::close(fd_); }
    memory_file(const memory_file&) = delete;
    memory_file& operator=(const memory_file&) = delete;

    [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

private:
    int fd_;
};

}  // namespace bv::testing
