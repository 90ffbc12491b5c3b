// Comma-separated values as RFC 4180 has them: quoted fields may hold commas, quotes and line breaks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/replay/text_source.hpp"

namespace bv::replay {

class csv_reader {
public:
    explicit csv_reader(text_source& source) : source_(source) {}

    // The next record; false at the end. A record that is not closed at the end of the file is given as it is,
    // with `broken()` true.
    bool next(std::vector<std::string>& fields);
    // Line (from 1) on which the last record began.
    [[nodiscard]] std::uint64_t line() const noexcept { return line_; }
    [[nodiscard]] bool broken() const noexcept { return broken_; }

private:
    int get();
    text_source& source_;
    std::string buffer_;
    std::size_t at_ = 0;
    std::uint64_t line_ = 0, next_line_ = 1;
    bool broken_ = false;
};

}  // namespace bv::replay
