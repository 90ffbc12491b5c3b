// Random numbers: the operating system's for production, xoshiro256** (Blackman and Vigna) from a seed for simulation.
#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include <sys/random.h>

#include "platform/core/assert.hpp"
#include "platform/core/clock.hpp"

namespace bv {
namespace {

__extension__ using uint128 = unsigned __int128;

void read_entropy(std::uint8_t* to, std::size_t n) {
    while (n > 0) {
        const ssize_t got = ::getrandom(to, n, 0);
        if (got < 0) {
            BV_ASSERT(errno == EINTR);
            continue;
        }
        to += got;
        n -= static_cast<std::size_t>(got);
    }
}

// One system call serves 64 numbers. Bytes are wiped as they are handed out.
// A forked child that does not exec would repeat its parent's numbers: this process never does that.
struct entropy_buffer {
    std::array<std::uint8_t, 512> bytes{};
    std::size_t used = 512;

    void take(std::uint8_t* to, std::size_t n) {
        if (bytes.size() - used < n) {
            read_entropy(bytes.data(), bytes.size());
            used = 0;
        }
        std::memcpy(to, bytes.data() + used, n);
        std::memset(bytes.data() + used, 0, n);
        used += n;
    }
};

thread_local entropy_buffer buffer;

class os_rng final : public rng {
public:
    std::uint64_t next() override {
        std::uint64_t out = 0;
        buffer.take(reinterpret_cast<std::uint8_t*>(&out), sizeof out);
        return out;
    }
    void fill(std::span<std::uint8_t> to) override {
        if (to.size() <= 64)
            buffer.take(to.data(), to.size());
        else
            read_entropy(to.data(), to.size());
    }
};

// Spreads a seed over the state: seeds 1 and 2 give unrelated streams (splitmix64).
std::uint64_t split_mix(std::uint64_t& x) noexcept {
    std::uint64_t z = (x += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

}  // namespace

rng& system_rng() noexcept {
    static os_rng instance;
    return instance;
}

// Lemire, "Fast Random Integer Generation in an Interval" (2019): unbiased, rarely divides.
std::uint64_t rng::below(std::uint64_t bound) {
    BV_ASSERT(bound > 0);
    uint128 product = static_cast<uint128>(next()) * bound;
    auto low = static_cast<std::uint64_t>(product);
    if (low < bound) {
        const std::uint64_t threshold = (0 - bound) % bound;
        while (low < threshold) {
            product = static_cast<uint128>(next()) * bound;
            low = static_cast<std::uint64_t>(product);
        }
    }
    return static_cast<std::uint64_t>(product >> 64);
}

seeded_rng::seeded_rng(std::uint64_t seed) noexcept {
    for (auto& word : state_) word = split_mix(seed);
}

std::uint64_t seeded_rng::next() {
    const std::uint64_t out = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return out;
}

void seeded_rng::fill(std::span<std::uint8_t> to) {
    while (!to.empty()) {
        const std::uint64_t word = next();
        const std::size_t n = std::min(to.size(), sizeof word);
        std::memcpy(to.data(), &word, n);
        to = to.subspan(n);
    }
}

}  // namespace bv
