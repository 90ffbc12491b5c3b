// Commands as they are sent, and the slot of a cluster that their key is in. Without sockets.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bv::redis {

inline constexpr std::uint16_t slots = 16384;

// Redis Cluster specification, "Key distribution model": CRC-16/XMODEM of the key, or of what is in its first {…} when that is not empty.
[[nodiscard]] std::uint16_t slot_of(std::string_view key) noexcept;

class script;

// A command and at most one key.
class command {
public:
    // "GET key", "SET key value PX 100": on a key.
    template <class... Args>
    [[nodiscard]] static command on(std::string_view key, std::string_view verb, const Args&... args) {
        command out(verb);
        out.add(key);
        out.slot_ = slot_of(key);
        (out.add(args), ...);
        return out;
    }
    // "PING", "CLUSTER SLOTS": of no key; any server may answer.
    template <class... Args>
    [[nodiscard]] static command of(std::string_view verb, const Args&... args) {
        command out(verb);
        (out.add(args), ...);
        return out;
    }

    void add(std::string_view);
    void add(std::integral auto number) { add(std::string_view(std::to_string(number))); }

    // An array of bulk strings.
    [[nodiscard]] std::string encoded() const;
    [[nodiscard]] std::optional<std::uint16_t> slot() const noexcept { return slot_; }
    // Of a script: the same with its text, for a server that does not know it. nullopt: it is none, or has its text.
    [[nodiscard]] std::optional<command> with_text() const;

private:
    friend class script;
    explicit command(std::string_view verb) { add(verb); }
    std::string arguments_;
    std::size_t count_ = 0;
    std::optional<std::uint16_t> slot_;
    const script* by_digest_ = nullptr;
};

// A Lua script on one key, which runs as one step. Sent by its digest; by its text where the server does not know it. Outlives its
// commands.
class script {
public:
    explicit script(std::string_view text);
    script(const script&) = delete;
    script& operator=(const script&) = delete;

    template <class... Args>
    [[nodiscard]] command on(std::string_view key, const Args&... args) const {
        command out("EVALSHA");
        out.add(digest_);
        out.add(1);
        out.add(key);
        out.slot_ = slot_of(key);
        out.by_digest_ = this;
        (out.add(args), ...);
        return out;
    }
    [[nodiscard]] const std::string& digest() const noexcept { return digest_; }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_, digest_;
};

}  // namespace bv::redis
