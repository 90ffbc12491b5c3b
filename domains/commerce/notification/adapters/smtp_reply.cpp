#include "domains/commerce/notification/adapters/smtp_reply.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace bv::notification {

namespace {

constexpr std::size_t longest_line = 2'048;  // RFC 5321 asks for 512; servers write more
constexpr std::size_t most_lines = 128;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool same_word(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) {
        return std::toupper(static_cast<unsigned char>(x)) == std::toupper(static_cast<unsigned char>(y));
    });
}

std::string_view take_word(std::string_view& text) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

}  // namespace

bool offers(const smtp_reply& ehlo, std::string_view extension, std::string_view parameter) {
    for (std::size_t i = 1; i < ehlo.lines.size(); ++i) {  // the first line is a greeting
        std::string_view text = ehlo.lines[i];
        if (!same_word(take_word(text), extension)) continue;
        if (parameter.empty()) return true;
        while (!text.empty())
            if (same_word(take_word(text), parameter)) return true;
    }
    return false;
}

std::size_t smtp_reply_reader::put(std::string_view bytes) {
    std::size_t taken = 0;
    while (state_ == state::more && taken < bytes.size()) {
        const char c = bytes[taken++];
        if (c == '\n') end_of_line();
        else if (line_.size() == longest_line) state_ = state::malformed;
        else line_ += c;
    }
    return taken;
}

void smtp_reply_reader::end_of_line() {
    auto line = std::exchange(line_, {});
    if (line.ends_with('\r')) line.pop_back();
    const bool well_formed = line.size() >= 3 && line[0] >= '2' && line[0] <= '5' && is_digit(line[1]) && is_digit(line[2]) &&
                             (line.size() == 3 || line[3] == ' ' || line[3] == '-');
    const int code = well_formed ? (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0') : 0;
    if (!well_formed || (reply_.code != 0 && code != reply_.code) || reply_.lines.size() == most_lines) {
        state_ = state::malformed;
        return;
    }
    reply_.code = code;
    reply_.lines.push_back(line.size() > 4 ? line.substr(4) : std::string{});
    if (line.size() == 3 || line[3] == ' ') state_ = state::done;
}

smtp_reply smtp_reply_reader::take() {
    state_ = state::more;
    return std::exchange(reply_, {});
}

std::string smtp_data(std::string_view message) {
    std::string out;
    out.reserve(message.size() + 16);
    while (!message.empty()) {
        const auto end = message.find("\r\n");
        const auto line = message.substr(0, end);
        if (line.starts_with('.')) out += '.';
        out += line;
        out += "\r\n";
        message.remove_prefix(end == message.npos ? message.size() : end + 2);
    }
    return out += ".\r\n";
}

}  // namespace bv::notification
