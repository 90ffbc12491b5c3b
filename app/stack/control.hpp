// What commands ask of a running platform, and its answers: files in the data directory's folder "control", which only its
// account can write.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

namespace bv::stack {

struct control_request {
    std::string command;  // "restart", "scale"
    std::string role;
    int count = 0;
};

class control_box {
public:
    explicit control_box(std::filesystem::path folder) : folder_(std::move(folder)) {}
    // Forgets what was asked of a platform that has ended.
    void clear() const noexcept;
    // Answers every request there is with what `obey` gives; a failure that it throws is the answer too.
    void serve(const std::function<std::string(const control_request&)>& obey) const;

private:
    std::filesystem::path folder_;
};

// Puts a request and waits for its answer. Throws the failure that it was answered with, UNAVAILABLE "NO_ANSWER" after `patience`.
std::string ask(const std::filesystem::path& folder, const control_request&, std::chrono::milliseconds patience);

}  // namespace bv::stack
