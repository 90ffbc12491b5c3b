// Reads a text file line by line, decompressing .xz and .gz as it goes: memory does not grow with the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace bv::replay {

class text_source {
public:
    // Throws failure: NOT_FOUND when there is no such file, FAILED_PRECONDITION when it cannot be read.
    // The kind is told by the first bytes, not by the name.
    static std::unique_ptr<text_source> open(const std::filesystem::path&);
    virtual ~text_source() = default;

    // Appends at most some 64 KiB; false at the end. Throws failure DATA_LOSS naming the offset when the file is damaged or cut short.
    virtual bool read(std::string& out) = 0;
    // Bytes of the file (not of the text) consumed so far, for progress.
    [[nodiscard]] virtual std::uint64_t consumed() const = 0;
};

}  // namespace bv::replay
