// Bytes read and not yet used, contiguous. Keeps what is left when more is asked for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace bv::http {

class read_buffer {
public:
    [[nodiscard]] std::string_view view() const noexcept { return {data_.get() + begin_, end_ - begin_}; }
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }

    // Room for at least `least` bytes; invalidates views.
    [[nodiscard]] std::span<char> prepare(std::size_t least) {
        if (begin_ == end_) begin_ = end_ = 0;
        if (capacity_ - end_ < least) {
            const auto used = end_ - begin_;
            const auto wanted = used + least;
            if (wanted > capacity_ || used > capacity_ / 2) {
                const auto grown = std::max(wanted, 2 * capacity_);
                auto fresh = std::make_unique_for_overwrite<char[]>(grown);
                if (used != 0) std::memcpy(fresh.get(), data_.get() + begin_, used);
                data_ = std::move(fresh);
                capacity_ = grown;
            } else {
                std::memmove(data_.get(), data_.get() + begin_, used);
            }
            begin_ = 0;
            end_ = used;
        }
        return {data_.get() + end_, capacity_ - end_};
    }
    void commit(std::size_t n) noexcept { end_ += n; }
    void consume(std::size_t n) noexcept { begin_ += n; }
    // Gives memory back when nothing is held and more than `keep` bytes are reserved.
    void shrink(std::size_t keep) noexcept {
        if (empty() && capacity_ > keep) data_.reset(), begin_ = end_ = capacity_ = 0;
    }

private:
    std::unique_ptr<char[]> data_;
    std::size_t begin_ = 0, end_ = 0, capacity_ = 0;
};

}  // namespace bv::http
