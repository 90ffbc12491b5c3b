// A file of a real retailer's invoices through the platform's public API: catalogue, stock, customers, orders, returns.
// Run again, it goes on where it stopped and doubles nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>

#include "platform/core/clock.hpp"
#include "platform/net/http/client.hpp"

namespace bv::replay {

struct options {
    std::filesystem::path file;
    std::filesystem::path progress_folder;
    std::filesystem::path report;        // CSV; empty: none
    std::uint64_t limit = 0;             // invoices, sales and returns; 0: all
    double rate = 0;                     // orders a second; 0: a closed loop
    int concurrency = 32;
    double stock_factor = 1;
    double decline_rate = 0;
    std::function<http::client_options()> where;
    std::string importer_key;
    std::string operator_key;            // empty: nothing is known of memory and events
    milliseconds patience{60'000};       // for a platform that is away
    milliseconds settle_patience{120'000};
    bool terminal = false;               // progress on one line that is rewritten
};

// Prints progress to `err` and the table to `out`. True when all orders were taken and became final.
// Throws failure when the file cannot be used or the platform stays away.
bool run(const options&, std::ostream& out, std::ostream& err);

}  // namespace bv::replay
