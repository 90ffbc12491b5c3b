// Brings a file's catalogue, opening stock and customers to the platform. Repeating it changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "app/replay/platform_api.hpp"
#include "app/replay/survey.hpp"

namespace bv::replay {

inline constexpr std::size_t import_batch = 1'000;  // what the platform takes in a call

// What the second pass needs to know of the first: numbers in place of texts.
struct imported {
    std::vector<std::string> skus;                                // by place in the catalogue
    std::unordered_map<std::string, std::uint32_t> sku_places;
    std::vector<std::string> customer_ids;                        // the platform's, by place
    std::unordered_map<std::string, std::uint32_t> customer_places;

    std::int64_t products_created = 0, products_updated = 0, accounts_created = 0, stock_items_received = 0;
    bool stock_differs = false;  // an earlier run received other quantities; those stay
};

// Throws failure as platform_api::demand does, DATA_LOSS when an answer lacks what it must hold.
task<imported> import_file(platform_api&, const survey&, std::string file_key, double stock_factor);

}  // namespace bv::replay
