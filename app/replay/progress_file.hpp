// Which orders were placed by an earlier run of the same file: a shortcut, so that a second run does not ask for each again.
// The platform refuses a second order under the same key, so losing the file costs time and nothing else.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "platform/core/uuid.hpp"

namespace bv::replay {

struct known_order {
    uuid id;
    std::int64_t total_minor = 0;
};

// find() may be called on any thread while add() and flush() are called on another: what is added is for the next run.
class progress_file {
public:
    // Reads what is there; a line that a crash cut short is ignored. Throws failure FAILED_PRECONDITION when the folder cannot be written.
    progress_file(std::filesystem::path folder, std::string_view file_key);

    [[nodiscard]] const known_order* find(const std::string& reference) const;
    [[nodiscard]] std::size_t size() const noexcept { return known_.size(); }
    // An order that the file says was placed last; null when it is empty.
    [[nodiscard]] const known_order* newest() const noexcept { return newest_ ? &*newest_ : nullptr; }
    void add(const std::string& reference, const known_order&);
    void flush();
    // Starts afresh: the platform does not know what the file says.
    void forget();

private:
    struct closer {
        void operator()(std::FILE* f) const noexcept { std::fclose(f); }
    };
    void open(const char* mode);
    std::filesystem::path path_;
    std::unordered_map<std::string, known_order> known_;
    std::optional<known_order> newest_;
    std::unique_ptr<std::FILE, closer> out_;
};

// The first 16 hexadecimal digits of the file's SHA-256. Throws failure as text_source::open does.
[[nodiscard]] std::string file_key(const std::filesystem::path&);

}  // namespace bv::replay
