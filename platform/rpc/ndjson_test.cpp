#include "platform/rpc/ndjson.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <deque>
#include <vector>

namespace bv::rpc {
namespace {

template <class T>
T run(task<T> work) {
    asio::io_context io;
    auto future = asio::co_spawn(io, std::move(work), asio::use_future);
    io.run();
    return future.get();
}

class pieces final : public http::body_reader {
public:
    explicit pieces(std::deque<std::string> all) : all_(std::move(all)) {}
    task<result<std::optional<std::string>>> read() override {
        if (all_.empty()) co_return std::nullopt;
        auto next = std::move(all_.front());
        all_.pop_front();
        if (next == "broken") co_return fail(code::invalid_argument, "BODY_BROKEN", "gone");
        co_return next;
    }

private:
    std::deque<std::string> all_;
};

pieces cut(const std::string& text, std::size_t step) {
    std::deque<std::string> out;
    for (std::size_t at = 0; at < text.size(); at += step) out.push_back(text.substr(at, step));
    return pieces(std::move(out));
}

task<std::vector<std::string>> all_lines(http::body_reader& body) {
    std::vector<std::string> out;
    line_reader lines(body);
    while (true) {
        const auto next = co_await lines.next();
        if (!next) out.push_back(next.error().reason);
        if (!next || !*next) break;
        const auto& line = **next;
        out.push_back(std::to_string(line.number) + ":" + (line.too_long ? "too long" : std::string(line.text)));
    }
    co_return out;
}

using list = std::vector<std::string>;

TEST(line_reader, finds_lines_whatever_the_cuts) {
    const std::string text = "a\n\nb\r\n  \n\r\n{\"c\": 1}\nlast";
    for (std::size_t step = 1; step <= text.size(); ++step) {
        auto body = cut(text, step);
        EXPECT_EQ(run(all_lines(body)), (list{"1:a", "3:b", "6:{\"c\": 1}", "7:last"})) << step;
    }
    for (const char* nothing : {"", "\n", "\r\n \t\n"}) {
        auto body = cut(nothing, 1);
        EXPECT_EQ(run(all_lines(body)), list{}) << nothing;
    }
}

TEST(line_reader, skips_a_line_that_is_too_long_and_holds_no_more_than_that) {
    const std::string just(longest_line, 'x'), more(longest_line + 1, 'y');
    for (std::size_t step : {std::size_t{1000}, std::size_t{65'536}, 2 * longest_line}) {
        auto body = cut(just + "\n" + more + more + "\nafter\n" + more, step);
        const auto seen = run(all_lines(body));
        ASSERT_EQ(seen.size(), 4u) << step;
        EXPECT_EQ(seen[0].size(), 2 + longest_line);
        EXPECT_EQ(seen[1], "2:too long");
        EXPECT_EQ(seen[2], "3:after");
        EXPECT_EQ(seen[3], "4:too long");
    }
}

TEST(line_reader, gives_what_came_before_the_body_broke) {
    pieces body({"one\ntw", "broken"});
    EXPECT_EQ(run(all_lines(body)), (list{"1:one", "BODY_BROKEN"}));
}

}  // namespace
}  // namespace bv::rpc
