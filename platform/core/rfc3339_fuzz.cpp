#include "platform/core/clock.hpp"
#include "platform/testing/fuzz.hpp"

BV_FUZZ(rfc3339) {
    const auto time = bv::parse_rfc3339(bytes);
    if (!time) return;
    const auto written = bv::rfc3339(*time);
    // An offset may lead out of the years that can be written.
    const auto year = static_cast<int>(std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(*time)).year());
    if (year >= 0 && year <= 9999) BV_ASSERT(bv::parse_rfc3339(written) == time);
}
