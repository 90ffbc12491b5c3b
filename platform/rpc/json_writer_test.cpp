#include "platform/rpc/json_writer.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <vector>

#include "platform/rpc/json_reader.hpp"

namespace bv::json {
namespace {

template <class Write>
std::string written(Write write) {
    std::string out = "before ";
    writer to(out);
    write(to);
    to.finish();
    return out.substr(7);
}

// One byte after the other, as RFC 8259 section 7 has it.
std::string escaped(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        char code[8];
        std::snprintf(code, sizeof code, "\\u%04x", byte);
        if (c == '"' || c == '\\') (out += '\\') += c;
        else if (c == '\n') out += "\\n";
        else if (c == '\r') out += "\\r";
        else if (c == '\t') out += "\\t";
        else if (byte < 32 || byte == 0x7f) out += code;
        else out += c;
    }
    return out + '"';
}

TEST(JsonWriter, EscapesWhereverItMust) {
    for (std::size_t length = 0; length < 50; ++length)
        for (std::size_t place = 0; place <= length; ++place)
            for (const char c : {'"', '\\', '\n', '\x01', '\x1f', '\x7f', ' ', '\xc3'}) {
                std::string text(length, 'x');
                if (place < length) text[place] = c;
                EXPECT_EQ(written([&](writer& out) { out.string(text); }), escaped(text)) << length << ' ' << place << ' ' << static_cast<int>(c);
            }
}

TEST(JsonWriter, EscapesEveryByteOfAText) {
    std::string all;
    for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
    EXPECT_EQ(written([&](writer& out) { out.string(all); }), escaped(all));
}

TEST(JsonWriter, WritesTextsOfAnyLengthAtAnyPlaceOfItsBuffer) {
    for (const std::size_t length : {writer::most_room - 30, writer::most_room - 24, writer::most_room - 2, writer::most_room, 2 * writer::most_room, 100'000UL}) {
        std::string text(length, 'x'), quotes(length, '"');
        text.back() = '\n';
        for (const std::size_t shift : {0UL, 1UL, writer::most_room, 2 * writer::most_room - 3}) {
            const std::string first(shift, 'y');
            EXPECT_EQ(written([&](writer& out) { out.string(first), out.string(text), out.string(quotes), out.raw(text); }),
                      escaped(first) + escaped(text) + escaped(quotes) + text);
        }
    }
}

TEST(JsonWriter, WritesObjectsWithTheirCommas) {
    EXPECT_EQ(written([](writer& out) { object_writer(out).close(); }), "{}");
    const auto three = [](writer& out) {
        object_writer object(out);
        object.key("\"a\":");
        out.value(std::int64_t{-5});
        object.key("\"b\":");
        write_list(out, std::vector<std::uint32_t>{1, 2}, [&](auto v) { out.value(v); });
        object.key("\"c\":");
        write_list(out, std::vector<bool>{}, [&](bool v) { out.value(v); });
        object.close();
    };
    EXPECT_EQ(written(three), R"({"a":"-5","b":[1,2],"c":[]})");
}

TEST(JsonWriter, WritesManyValuesInOrder) {
    std::string expected = "[";
    for (int i = 0; i < 5000; ++i) expected += (i > 0 ? "," : "") + std::to_string(i);
    std::vector<std::int32_t> all(5000);
    for (int i = 0; i < 5000; ++i) all[static_cast<std::size_t>(i)] = i;
    EXPECT_EQ(written([&](writer& out) { write_list(out, all, [&](std::int32_t v) { out.value(v); }); }), expected + "]");
}

TEST(JsonString, IsReadWhereverTheTextEnds) {
    for (std::size_t length = 0; length < 50; ++length)
        for (std::size_t place = 0; place <= length; ++place)
            for (const std::string_view piece : {"x", "\\\"", "\xC3\xA4", "\\u20ac", "\xff", "\n"})
                for (const std::string_view behind : {"", "                    "}) {
                    std::string content(length, 'x');
                    content.insert(place, piece);
                    const std::string text = '"' + content + '"' + std::string(behind);
                    std::string out;
                    reader in(text);
                    const bool good = in.read(out) && in.finish();
                    EXPECT_EQ(good, piece != "\xff" && piece != "\n") << text;
                    if (!good) continue;
                    std::string expected(length, 'x');
                    expected.insert(place, piece == "\\\"" ? "\"" : piece == "\\u20ac" ? "\xE2\x82\xAC" : piece);
                    EXPECT_EQ(out, expected);
                }
}

}  // namespace
}  // namespace bv::json
