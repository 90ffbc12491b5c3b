// One service as a process sees it: here, when the process holds its role, else at the processes that do.
#pragma once

#include <optional>
#include <span>

#include "platform/core/assert.hpp"
#include "platform/rpc/channel.hpp"
#include "platform/rpc/method.hpp"

namespace bv::app {

// Contract: the generated interface; Client and Remote its generated clients for the same and for another process.
template <class Service, class Contract, class Client, class Remote>
class part {
public:
    template <class Deps, class Options>
    void hold(Deps d, Options o) {
        here_.emplace(std::move(d), std::move(o));
        client_.emplace(*static_cast<Contract*>(here_->served().service));
    }
    void reach(rpc::channel& c) { remote_.emplace(c); }

    [[nodiscard]] bool held() const noexcept { return here_.has_value(); }
    // The service itself: only when it is held.
    [[nodiscard]] Service& here() {
        BV_ASSERT(here_);
        return *here_;
    }
    [[nodiscard]] Contract& contract() {
        if (client_) return *client_;
        BV_ASSERT(remote_);
        return *remote_;
    }
    // For an edge, which checks callers and requests itself.
    [[nodiscard]] rpc::served served(std::span<const rpc::method> methods) {
        if (here_) return here_->served();
        return {&contract(), methods};
    }

private:
    std::optional<Service> here_;
    std::optional<Client> client_;
    std::optional<Remote> remote_;
};

}  // namespace bv::app
