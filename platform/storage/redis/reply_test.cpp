#include "platform/storage/redis/reply.hpp"

#include <gtest/gtest.h>

namespace bv::redis {
namespace {

using kind = reply::kind;
using step = reply_reader::step;

// A reply as text: what the tests compare.
std::string shown(const reply& r) {
    switch (r.is) {
        case kind::null: return "null";
        case kind::text: return "\"" + r.text + "\"";
        case kind::error: return "error " + r.text;
        case kind::integer: return std::to_string(r.integer);
        case kind::number: return "number " + r.text;
        case kind::list:
        case kind::push: break;
    }
    std::string out = r.is == kind::push ? "push [" : "[";
    for (std::size_t i = 0; i < r.items.size(); ++i) out += (i == 0 ? "" : ", ") + shown(r.items[i]);
    return out + "]";
}

std::string read_all(reply_reader& reader) {
    std::string out;
    for (;;) {
        reply r;
        switch (reader.next(r)) {
            case step::more: return out;
            case step::malformed: return out + "malformed";
            case step::ready: out += (out.empty() ? "" : "; ") + shown(r);
        }
    }
}

struct wire {
    const char *bytes, *means;
};
constexpr wire cases[] = {
    {"+OK\r\n", "\"OK\""},
    {"-ERR no such command\r\n", "error ERR no such command"},
    {":-42\r\n", "-42"},
    {"$5\r\nhello\r\n", "\"hello\""},
    {"$0\r\n\r\n", "\"\""},
    {"$4\r\na\r\nb\r\n", "\"a\r\nb\""},
    {"$-1\r\n", "null"},
    {"*-1\r\n", "null"},
    {"*0\r\n", "[]"},
    {"*3\r\n:1\r\n$1\r\nx\r\n*2\r\n+a\r\n*0\r\n", "[1, \"x\", [\"a\", []]]"},
    {"_\r\n", "null"},
    {"#t\r\n", "1"},
    {",3.14\r\n", "number 3.14"},
    {"(3492890328409238509324850943850943825024385\r\n", "number 3492890328409238509324850943850943825024385"},
    {"=7\r\ntxt:abc\r\n", "\"abc\""},
    {"!9\r\nERR wrong\r\n", "error ERR wrong"},
    {"%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n", "[\"a\", 1, \"b\", 2]"},
    {"~1\r\n:7\r\n", "[7]"},
    {">2\r\n+message\r\n+x\r\n+OK\r\n", "push [\"message\", \"x\"]; \"OK\""},
    {"|1\r\n+ttl\r\n:3600\r\n:5\r\n", "5"},
    {"*2\r\n|1\r\n+ttl\r\n:3\r\n:5\r\n:6\r\n", "[5, 6]"},
    {"+a\r\n+b\r\n+c", "\"a\"; \"b\""},
    {"hello\r\n", "malformed"},
    {":x\r\n", "malformed"},
    {":99999999999999999999\r\n", "malformed"},
    {"$2\r\nabc\r\n", "malformed"},
    {"$-2\r\n", "malformed"},
    {"#x\r\n", "malformed"},
    {"=3\r\nabc\r\n", "malformed"},
    {"*1000000000\r\n", "malformed"},
};

TEST(redis_reply, is_read_whole_and_byte_by_byte) {
    for (const auto& c : cases) {
        reply_reader whole;
        whole.feed(c.bytes);
        EXPECT_EQ(read_all(whole), c.means) << c.bytes;
        reply_reader slow;
        std::string out;
        for (const char byte : std::string_view(c.bytes)) {
            slow.feed({&byte, 1});
            const auto more = read_all(slow);
            if (!more.empty() && !out.ends_with("malformed")) out += (out.empty() ? "" : "; ") + more;
        }
        EXPECT_EQ(out, c.means) << c.bytes << " byte by byte";
    }
}

TEST(redis_reply, is_refused_beyond_the_limits) {
    const reply_limits limits{.text_bytes = 8, .items = 4, .depth = 2};
    const auto says = [&](const char* bytes) {
        reply_reader reader(limits);
        reader.feed(bytes);
        return read_all(reader);
    };
    EXPECT_EQ(says("$8\r\n12345678\r\n"), "\"12345678\"");
    EXPECT_EQ(says("$9\r\n"), "malformed");
    EXPECT_EQ(says("*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n"), "[1, 2, 3, 4]; 5");
    EXPECT_EQ(says("*2\r\n*2\r\n:1\r\n:2\r\n*1\r\n"), "malformed");
    EXPECT_EQ(says("*1\r\n*1\r\n:1\r\n"), "[[1]]");
    EXPECT_EQ(says("*1\r\n*1\r\n*1\r\n"), "malformed");
}

TEST(redis_reply, stays_malformed) {
    reply_reader reader;
    reader.feed("?\r\n");
    reply r;
    EXPECT_EQ(reader.next(r), step::malformed);
    reader.feed("+OK\r\n");
    EXPECT_EQ(reader.next(r), step::malformed);
}

TEST(redis_reply, an_error_begins_with_its_code) {
    EXPECT_EQ((reply{.is = kind::error, .text = "MOVED 1 a:2"}.error_code()), "MOVED");
    EXPECT_EQ((reply{.is = kind::error, .text = "ERR"}.error_code()), "ERR");
    EXPECT_EQ((reply{.is = kind::text, .text = "MOVED 1 a:2"}.error_code()), "");
}

}  // namespace
}  // namespace bv::redis
