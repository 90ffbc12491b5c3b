// For tests: a folder that is gone at the end.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace bv::replay {

struct temporary_folder {
    temporary_folder() {
        char name[] = "/tmp/bv-replay-XXXXXX";
        path = ::mkdtemp(name);
    }
    ~temporary_folder() { std::filesystem::remove_all(path); }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    std::filesystem::path path;
};

}  // namespace bv::replay
