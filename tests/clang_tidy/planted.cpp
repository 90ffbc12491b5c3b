// What the checks must find, each in its line: a run in which they do not proves nothing. Never compiled into anything.

#include <string>
#include <utility>

std::string moved_from(std::string text) {
    std::string out = std::move(text);
    return out + text;  // bugprone-use-after-move
}

namespace planted {

template <class Text> int copied(const Text& text) {
    const auto copy = text;  // performance-unnecessary-copy-initialization
    return static_cast<int>(copy.size());
}

}  // namespace planted

int of_a_template(const std::string& text) { return planted::copied(text); }
