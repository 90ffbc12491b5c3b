#include "platform/runtime/module.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/core/error.hpp"
#include "platform/runtime/runtime.hpp"

namespace bv {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using log_of = std::vector<std::string>;

task<void> note(log_of& log, std::string what) {
    log.push_back(std::move(what));
    co_return;
}
task<void> note_and_fail(log_of& log, std::string what) {
    log.push_back(what);
    throw failure(code::unavailable, "DOWN", what + " failed");
    co_return;
}

module a_module(log_of& log, std::string name, std::vector<std::string> needs = {}) {
    return {name, std::move(needs), [&log, name] { return note(log, "+" + name); }, [&log, name] { return note(log, "-" + name); }};
}

std::string refusal(const std::vector<module>& modules) {
    try {
        (void)start_order(modules);
    } catch (const failure& e) {
        EXPECT_EQ(e.error().code, code::invalid_argument);
        return e.what();
    }
    return "accepted";
}

TEST(modules, start_in_dependency_order_and_stable_where_free) {
    log_of log;
    const std::vector<module> all{a_module(log, "gateway", {"order", "product"}), a_module(log, "order", {"sql"}), a_module(log, "sql"), a_module(log, "product", {"sql"})};
    EXPECT_THAT(start_order(all), ElementsAre(2, 1, 3, 0));
}

TEST(modules, a_cycle_an_unknown_and_a_double_name_are_named) {
    log_of log;
    EXPECT_THAT(refusal({a_module(log, "web", {"order"}), a_module(log, "order", {"inventory"}), a_module(log, "inventory", {"order"})}),
                HasSubstr("order → inventory → order"));
    EXPECT_THAT(refusal({a_module(log, "self", {"self"})}), HasSubstr("self → self"));
    EXPECT_THAT(refusal({a_module(log, "order", {"sqll"})}), HasSubstr("module order needs sqll"));
    EXPECT_THAT(refusal({a_module(log, "order"), a_module(log, "order")}), HasSubstr("two modules are named order"));
}

struct modules_running : ::testing::Test {
    modules_running() { rt.start(); }
    log_of log;
    runtime rt{1};
};

TEST_F(modules_running, stop_in_reverse) {
    const std::vector<module> all{a_module(log, "b", {"a"}), a_module(log, "a"), a_module(log, "c", {"b"})};
    rt.block_on(start_all(all));
    rt.block_on(stop_all(all));
    EXPECT_THAT(log, ElementsAre("+a", "+b", "+c", "-c", "-b", "-a"));
}

TEST_F(modules_running, a_failed_start_stops_the_started_and_rethrows) {
    std::vector<module> all{a_module(log, "a"), a_module(log, "b", {"a"}), a_module(log, "c", {"b"})};
    all[1].start = [this] { return note_and_fail(log, "+b"); };
    EXPECT_THROW(rt.block_on(start_all(all)), failure);
    EXPECT_THAT(log, ElementsAre("+a", "+b", "-a"));
}

TEST_F(modules_running, one_that_fails_to_stop_does_not_keep_the_rest_running) {
    std::vector<module> all{a_module(log, "a"), a_module(log, "b", {"a"})};
    all[1].stop = [this] { return note_and_fail(log, "-b"); };
    EXPECT_THROW(rt.block_on(stop_all(all)), failure);
    EXPECT_THAT(log, ElementsAre("-b", "-a"));
}

}  // namespace
}  // namespace bv
