// Certificates from files, for roles that systemd or another host's supervisor starts. The files are looked at each second: what is
// there anew is used for new connections as soon as it is whole and good, and until then the identity before.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>

#include "app/stack/identity_source.hpp"
#include "platform/core/clock.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/runtime/scope.hpp"

namespace bv::stack {

// PEM.
struct identity_paths {
    std::filesystem::path certificate, key, authorities;
};

// By these the authority of a platform writes them into a folder.
[[nodiscard]] identity_paths identity_paths_in(const std::filesystem::path& folder);

class identity_files final : public identity_source {
public:
    // Reads them. Throws failure FAILED_PRECONDITION: "IDENTITY_FILE" (one cannot be read, or all of the machine may read the key), or
    // what security::checked finds. Runtime and clock outlive it.
    identity_files(identity_paths, security::spiffe_id, bv::runtime&, clock&, milliseconds between_looks = milliseconds(1'000));
    ~identity_files() override { identity_files::stop(); }
    identity_files(const identity_files&) = delete;
    identity_files& operator=(const identity_files&) = delete;
    [[nodiscard]] const security::svid& first() const noexcept override { return first_; }
    void follow(std::function<void(const security::svid&)> take) override;
    void stop() override;

private:
    // Which files they are, and how they stand: another in a file's place is seen as well as one that was written to.
    struct stamp {
        std::uint64_t device = 0, inode = 0, size = 0;
        std::int64_t written_ns = 0;
        friend bool operator==(const stamp&, const stamp&) = default;
    };
    using stamps = std::array<stamp, 3>;
    [[nodiscard]] stamps look() const;
    [[nodiscard]] security::svid read() const;
    task<void> watch(std::function<void(const security::svid&)>);

    const identity_paths paths_;
    const security::spiffe_id wanted_;
    bv::runtime& runtime_;
    clock& clock_;
    const milliseconds between_looks_;
    stamps used_;
    security::svid first_;
    scope tasks_{"identity files"};
    bool follows_ = false;
};

}  // namespace bv::stack
