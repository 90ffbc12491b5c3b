#include "platform/rpc/page_token.hpp"

#include "platform/testing/fuzz.hpp"

// The bytes as a token; and as a position that a token must bring back, for its own list only.
BV_FUZZ(page_token) {
    if (const auto position = bv::rpc::parse_page_token("orders?status=1", bytes); position && !bytes.empty())
        BV_ASSERT(!bv::rpc::parse_page_token("orders?status=2", bytes));
    const std::string parts[] = {std::string(bytes.substr(0, bytes.size() / 2)), std::string(bytes.substr(bytes.size() / 2))};
    const auto token = bv::rpc::page_token("orders", parts);
    const auto back = bv::rpc::parse_page_token("orders", token);
    BV_ASSERT(back && back->size() == 2 && (*back)[0] == parts[0] && (*back)[1] == parts[1]);
}
