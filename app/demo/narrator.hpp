// How the demo speaks: a scene, what is asked, what came back, what happened behind it. Colours on a terminal only.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include "platform/core/clock.hpp"

namespace bv::demo {

class narrator {
public:
    // pause: after each scene's heading, to read it.
    narrator(std::ostream& out, bool colours, milliseconds pause) : out_(out), colours_(colours), pause_(pause) {}

    void scene(std::string_view title, std::string_view what);
    void asked(std::string_view verb, std::string_view path, std::string_view body = {});
    void answered(int status, std::chrono::nanoseconds took, std::string_view what);
    // "+ 12.3 ms  StockReserved  …"
    void event(std::chrono::microseconds after, std::string_view type, std::string_view meaning);
    void note(std::string_view text);
    void link(std::string_view label, std::string_view url);
    // A value before and after.
    void change(std::string_view what, std::string_view before, std::string_view after);
    void warn(std::string_view text);

private:
    [[nodiscard]] std::string paint(const char* code, std::string_view text) const;
    std::ostream& out_;
    bool colours_;
    milliseconds pause_;
    int scenes_ = 0;
};

}  // namespace bv::demo
