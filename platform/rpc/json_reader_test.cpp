#include "platform/rpc/json_reader.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "platform/rpc/nearest.hpp"

namespace bv::json {
namespace {

template <class T>
std::string read_one(std::string_view text) {
    T value{};
    reader in(text);
    if (!in.read(value) || !in.finish()) return (in.error().syntax ? "syntax: " : "refused: ") + in.error().description;
    if constexpr (std::is_same_v<T, std::string>) return value;
    else {
        std::string out;
        writer to(out);
        to.value(value);
        to.finish();
        return out;
    }
}

struct text_case {
    const char *text, *expected;
};

TEST(JsonInteger, IsExactAndInRange) {
    const std::string range = "refused: must be an integer from -2147483648 to 2147483647";
    for (const auto& [text, expected] : std::initializer_list<std::pair<const char*, std::string>>{
             {"0", "0"}, {"-0", "0"}, {"2147483647", "2147483647"}, {"-2147483648", "-2147483648"}, {"\"17\"", "17"}, {"1e3", "1000"}, {"1.50e1", "15"},
             {"100e-2", "1"}, {"0e999999999999", "0"}, {" 7 ", "7"}, {"2147483648", range}, {"1e10", range}, {"1e999999999999", range}, {"\"x\"", range},
             {"\"\"", range}, {"\" 1\"", range}, {"\"1 \"", range}, {"\"+1\"", range}, {"1.5", "refused: must be an integer, without a fraction"},
             {"1e-999999999999", "refused: must be an integer, without a fraction"}, {"true", "refused: expected an integer, found a boolean"},
             {"null", "refused: expected an integer, found null"}, {"[]", "refused: expected an integer, found an array"},
             {"01", "syntax: nothing may follow the value"}, {"-", "syntax: expected a value"}, {"1.", "syntax: expected a value"}, {"1e", "syntax: expected a value"},
             {"+1", "syntax: expected an integer"}, {"", "syntax: expected an integer, but the text ends here"}})
        EXPECT_EQ(read_one<std::int32_t>(text), expected) << text;
}

TEST(JsonInteger, Of64BitsLosesNothing) {
    EXPECT_EQ(read_one<std::int64_t>("9007199254740993"), "\"9007199254740993\"");
    EXPECT_EQ(read_one<std::int64_t>("9007199254740993.0"), "\"9007199254740993\"");
    EXPECT_EQ(read_one<std::int64_t>("\"-9223372036854775808\""), "\"-9223372036854775808\"");
    EXPECT_EQ(read_one<std::uint64_t>("18446744073709551615"), "\"18446744073709551615\"");
    EXPECT_EQ(read_one<std::uint64_t>("18446744073709551616"), "refused: must be an integer from 0 to 18446744073709551615");
    EXPECT_EQ(read_one<std::int64_t>("\"999999999999999999\""), "\"999999999999999999\"");
    EXPECT_EQ(read_one<std::int64_t>("-999999999999999999 "), "\"-999999999999999999\"");
    EXPECT_EQ(read_one<std::int64_t>("\"01\""), "refused: must be an integer from -9223372036854775808 to 9223372036854775807");
    EXPECT_EQ(read_one<std::int64_t>("\"-\""), "refused: must be an integer from -9223372036854775808 to 9223372036854775807");
    EXPECT_EQ(read_one<std::uint64_t>("\"-0\""), "\"0\"");
    EXPECT_EQ(read_one<std::int64_t>("5e0 "), "\"5\"");
    EXPECT_EQ(read_one<std::uint64_t>("-1"), "refused: must be an integer from 0 to 18446744073709551615");
}

TEST(JsonNumber, HasItsSpecialValuesAndLimits) {
    EXPECT_EQ(read_one<double>("\"NaN\""), "\"NaN\"");
    EXPECT_EQ(read_one<double>("\"-Infinity\""), "\"-Infinity\"");
    EXPECT_EQ(read_one<double>("1e-400"), "0");
    EXPECT_EQ(read_one<double>("1e400"), "refused: the number is too large");
    EXPECT_EQ(read_one<float>("1e39"), "refused: the number is too large");
    EXPECT_EQ(read_one<double>("-0.0"), "-0.0");
    EXPECT_EQ(read_one<double>("NaN"), "syntax: expected a number");
}

TEST(JsonString, UnescapesAndChecksUtf8) {
    EXPECT_EQ(read_one<std::string>(R"("a\"\\\/\b\f\n\r\tz")"), "a\"\\/\b\f\n\r\tz");
    EXPECT_EQ(read_one<std::string>(R"("\u20ac\ud83d\ude00")"), "\xE2\x82\xAC\xF0\x9F\x98\x80");
    for (const auto& [text, expected] : std::initializer_list<text_case>{{"\"\\ud83d\"", "syntax: a high surrogate without its low one"},
                                                                        {"\"\\ude00\"", "syntax: a low surrogate without its high one"},
                                                                        {"\"\\ud83d\\u0041\"", "syntax: a high surrogate without its low one"},
                                                                        {"\"\\u12g4\"", "syntax: expected four hexadecimal digits"},
                                                                        {"\"\\x\"", "syntax: unknown escape in a string"},
                                                                        {"\"abc", "syntax: the string does not end"},
                                                                        {"\"\\", "syntax: the string does not end"},
                                                                        {"\"a\nb\"", "syntax: control characters in strings must be escaped"},
                                                                        {"\"\xff\"", "syntax: the string is not valid UTF-8"},
                                                                        {"\"\xc0\xaf\"", "syntax: the string is not valid UTF-8"},
                                                                        {"\"\xed\xa0\x80\"", "syntax: the string is not valid UTF-8"},
                                                                        {"\"\\n\xf4\x90\x80\x80\"", "syntax: the string is not valid UTF-8"}})
        EXPECT_EQ(read_one<std::string>(text), expected) << text;
}

TEST(JsonReader, TellsLineAndColumnOfMalformedText) {
    reader in("{\n  \"a\": tru }");
    std::string_view key;
    bool value = false;
    ASSERT_TRUE(in.begin_object() && in.next_key(key));
    EXPECT_FALSE(in.read(value));
    EXPECT_EQ(in.to_error().reason, "MALFORMED_JSON");
    EXPECT_EQ(in.error().line, 2U);
    EXPECT_EQ(in.error().column, 8U);
}

TEST(JsonReader, SkipsAnyValueButNotMalformedOnes) {
    for (const char* text : {R"({"a":[1,{"b":null}],"c":"x"})", "[]", "{}", "-1.5e+3", "true", "null", R"("x")"}) {
        reader in(text);
        EXPECT_TRUE(in.skip() && in.finish()) << text;
    }
    for (const char* text : {"{", "[1,]", "{\"a\"}", "{,}", "[1 2]", "nul", "{\"a\":1,}", "{a:1}", "]", "'x'", "/*x*/1"}) {
        reader in(text);
        EXPECT_FALSE(in.skip() && in.finish()) << text;
    }
}

TEST(JsonReader, LimitsDepth) {
    const std::string deep = std::string(64, '[') + std::string(64, ']'), deeper = '[' + deep + ']', bomb(1'000'000, '[');
    EXPECT_TRUE(reader(deep).skip());
    reader in(deeper);
    EXPECT_FALSE(in.skip());
    EXPECT_EQ(in.error().description, "is nested more than 64 levels deep");
    EXPECT_FALSE(reader(bomb).skip());
}

TEST(Base64, ReadsBothAlphabetsWithAndWithoutPadding) {
    for (const char* text : {"+/8=", "-_8", "-_8=", "+/8"}) {
        std::string out;
        EXPECT_TRUE(decode_base64(text, out)) << text;
        EXPECT_EQ(out, "\xfb\xff") << text;
    }
    for (const char* text : {"a", "ab==c", "a b=", "abc==", "===", "abcde"}) {
        std::string out;
        EXPECT_FALSE(decode_base64(text, out)) << text;
    }
}

TEST(Nearest, FindsSlipsAndAbbreviationsOnly) {
    constexpr std::string_view names[] = {"quantity", "sku", "page_size"};
    EXPECT_EQ(nearest("qty", names), "quantity");
    EXPECT_EQ(nearest("quantiy", names), "quantity");
    EXPECT_EQ(nearest("pageSize", names), "page_size");
    EXPECT_EQ(nearest("skus", names), "sku");
    EXPECT_EQ(nearest("colour", names), "");
}

}  // namespace
}  // namespace bv::json
