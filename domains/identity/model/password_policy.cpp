#include "domains/identity/model/password_policy.hpp"

#include <algorithm>
#include <array>

namespace bv::identity {

namespace {

// Of ten and more characters, from public lists of leaked passwords; lower case.
constexpr std::array<std::string_view, 60> common{
    "0123456789",   "0987654321",   "1029384756",   "1111111111",   "11111111111",  "1122334455",   "1234512345",   "123456789a",
    "123456789q",   "1234567890",   "12345678900",  "12345678901",  "123456789012", "1234567891",   "1234567899",   "123qwe123qwe",
    "1q2w3e4r5t",   "1q2w3e4r5t6y", "1qaz2wsx3edc", "3rjs1la7qe",   "7777777777",   "9876543210",   "987654321a",   "aaaaaaaaaa",
    "a123456789",   "abc1234567",   "abcd123456",   "abcdefghij",   "administrator","asdfghjkl1",   "asdfghjkl;",   "changeme123",
    "football123",  "iloveyou12",   "iloveyou123",  "letmein123",   "monkey1234",   "password00",   "password01",   "password12",
    "password123",  "password1234", "passwordpassword", "passw0rd12", "passw0rd123", "princess123", "q1w2e3r4t5",   "q1w2e3r4t5y6",
    "qazwsxedcrfv", "qwer123456",   "qwerty1234",   "qwerty12345",  "qwerty123456", "qwertyuiop",   "qwertyuiop1",  "qwertyuiop[]",
    "superman123",  "trustno1234",  "welcome123",   "zxcvbnm123",
};

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

std::size_t code_points(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::optional<std::string> password_fault(std::string_view password, std::string_view email) {
    if (code_points(password) < min_password_length) return "must have at least 10 characters";
    const std::string given = lower(password);
    if (std::ranges::find(common, given) != common.end()) return "is one of the most common passwords: choose another";
    if (std::ranges::count(given, given.front()) == static_cast<std::ptrdiff_t>(given.size())) return "must not be one character repeated";
    const std::string address = lower(email);
    if (!address.empty() && (given == address || given == address.substr(0, address.find('@')))) return "must not be the e-mail address";
    return std::nullopt;
}

}  // namespace bv::identity
