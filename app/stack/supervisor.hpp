// The processes of profile full, one and more for each role: started in the order in which roles call each other, watched,
// started again with growing pauses when they die or stop answering, and drained in reverse. roles.json tells all of them where
// the others are.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/role_directory.hpp"
#include "app/stack/child.hpp"
#include "app/stack/control.hpp"
#include "app/stack/data_dir.hpp"
#include "app/stack/secret_store.hpp"
#include "platform/net/http/client.hpp"
#include "platform/runtime/runtime.hpp"

namespace bv::stack {

struct supervisor_options {
    std::vector<std::string> arguments{};            // that every role's process is given: --config, --set
    std::function<void()> before_gateway{};          // called before the first gateway and before one that follows a dead last one
    std::function<void(std::string_view)> report{};  // progress, for people
    std::function<void(std::span<const app::role_process>)> published{};  // after each change of roles.json
    std::chrono::milliseconds start_patience{60'000};
    std::chrono::milliseconds silence{10'000};       // a process that has not answered for so long is ended and started again
    std::chrono::milliseconds first_pause{200}, longest_pause{10'000};  // before a start that follows a death
    std::chrono::milliseconds steady{30'000};        // after so long the pauses begin anew
    std::string trust_domain{};                      // of the processes' certificates
    std::chrono::seconds certificate_life{3'600};    // of a process's certificate: it is given the next at half of that
};

// One thread at a time: the one that constructs it, for the processes end with it.
class supervisor {
public:
    // The data directory is locked by the caller, platform.json is written. They outlive it. The certificates say who each process is.
    supervisor(const data_dir&, bv::runtime&, certificate_source, supervisor_options);
    ~supervisor();

    // Starts one process of each role and waits until all answer. Throws failure UNAVAILABLE "ROLE_FAILED" with the end of its
    // log; `stop_asked` ends it early.
    void start(const std::function<bool()>& stop_asked);
    // Looks after them, and does what commands ask for, one after another. Call it about twice a second.
    void tend();
    void stop() noexcept;
    [[nodiscard]] const std::vector<std::string>& logins() const noexcept { return logins_; }

private:
    using clock = std::chrono::steady_clock;
    struct process;
    using processes = std::vector<std::unique_ptr<process>>;

    [[nodiscard]] processes& of(std::string_view role);
    process& add(std::string_view role);
    void launch(process&);
    bool start_again(process&);
    // True once it answers.
    bool probe(process&);
    bool take_port(process&);
    void forget_port(process&);
    void identify(process&);
    void identify_again(process&);
    void tend(process&);
    // While a command waits for some of them: as tend(), for the others and not more often.
    void tend_others(const std::vector<const process*>& waited_for);
    [[nodiscard]] static std::string state_of(const process&);
    void bury(process&, std::string_view why);
    void await(process&, std::string_view doing);
    void drain(std::vector<process*>);
    void publish();
    [[nodiscard]] bool is_startable(std::string_view role) const;

    std::string obey(const control_request&);
    std::string restart(std::string_view role);
    std::string scale(std::string_view role, int count);

    const data_dir& dir_;
    bv::runtime& runtime_;
    const supervisor_options options_;
    const certificate_source certificates_;
    control_box control_;
    std::map<std::string, processes, std::less<>> roles_;
    std::vector<std::string> logins_;
    std::vector<app::role_process> published_;
    int next_number_ = 1;
    clock::time_point tended_{};
    bool stopping_ = false;
};

// Ends the processes that a platform left behind whose supervisor was killed. True when there were any.
bool end_stale_roles(const std::filesystem::path& data);

}  // namespace bv::stack
