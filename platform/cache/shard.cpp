#include "platform/cache/shard.hpp"

#include <iterator>
#include <utility>

namespace bv::cache {

const shard::entry* shard::find(std::string_view key, steady_point now) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    if (found->second->expires <= now) {
        remove(found->second);
        return nullptr;
    }
    found->second->visited = true;
    return &*found->second;
}

std::size_t shard::put(std::string key, value held, std::size_t bytes, steady_point expires) {
    erase(key);
    bytes += sizeof(entry) + key.size();
    if (bytes > max_bytes_ || max_entries_ == 0) return 0;
    std::size_t evicted = 0;
    for (; index_.size() >= max_entries_ || bytes_ + bytes > max_bytes_; ++evicted) evict();
    order_.push_front({std::move(key), std::move(held), bytes, expires});
    index_.emplace(order_.front().key, order_.begin());
    bytes_ += bytes;
    return evicted;
}

void shard::erase(std::string_view key) {
    if (const auto found = index_.find(key); found != index_.end()) remove(found->second);
}

void shard::clear() {
    index_.clear();
    order_.clear();
    hand_ = order_.end();
    bytes_ = 0;
    flights.clear();
}

void shard::remove(position at) {
    if (hand_ == at) hand_ = at == order_.begin() ? order_.end() : std::prev(at);
    bytes_ -= at->bytes;
    index_.erase(at->key);
    order_.erase(at);
}

void shard::evict() {
    auto at = hand_ == order_.end() ? std::prev(order_.end()) : hand_;
    while (at->visited) {
        at->visited = false;
        at = at == order_.begin() ? std::prev(order_.end()) : std::prev(at);
    }
    hand_ = at;
    remove(at);
}

}  // namespace bv::cache
