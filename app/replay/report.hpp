// What a replay found and did, as a table for people and as CSV.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/replay/driver.hpp"
#include "app/replay/outcomes.hpp"

namespace bv::replay {

// Lines that were left out: how many per reason, and the first five line numbers of each. All of them go to the CSV.
class rejected_lines {
public:
    // No file: counts only. Throws failure FAILED_PRECONDITION "REPORT_FILE" when it cannot be written.
    explicit rejected_lines(const std::filesystem::path& report);
    ~rejected_lines();
    void add(const rejected_line&);
    void add(const refusal_note&);
    [[nodiscard]] std::uint64_t count(unusable why) const noexcept { return counts_[static_cast<std::size_t>(why)]; }
    // "2, 17, 18, 40, 41"
    [[nodiscard]] std::string first_lines(unusable why) const;

private:
    struct csv;
    std::unique_ptr<csv> csv_;
    std::array<std::uint64_t, unusable_kinds> counts_{};
    std::array<std::vector<std::uint64_t>, unusable_kinds> first_;
};

struct run_result {
    std::filesystem::path file;
    survey found;
    file_counts lines;
    imported brought;
    api_counts traffic;
    std::chrono::nanoseconds placing{0};  // the second pass
    std::chrono::nanoseconds whole{0};
    outcomes ended;
    std::uint64_t taken = 0;  // invoices, when there was a limit
};

[[nodiscard]] std::string render(const run_result&, const tally&, const rejected_lines&, const observer&);

// "1,234,567"
[[nodiscard]] std::string grouped(std::int64_t);
// Minor units of a currency of two digits: "12,345.60 GBP"
[[nodiscard]] std::string pounds(std::int64_t minor);

}  // namespace bv::replay
