#include "app/stack/scrape_targets.hpp"

#include <fstream>
#include <sstream>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

namespace bv::stack {
namespace {

using app::role_process;

class targets : public testing::Test {
protected:
    targets() : folder_(std::filesystem::temp_directory_path() / ("bv-targets-" + std::to_string(::getpid()))) { std::filesystem::create_directories(folder_); }
    ~targets() override { std::filesystem::remove_all(folder_); }

    // "order=127.0.0.1:4000 …"
    std::string written() const {
        std::ifstream in(folder_ / scrape_targets_file);
        std::stringstream text;
        text << in.rdbuf();
        std::string out;
        const auto all = boost::json::parse(text.str());
        for (const auto& one : all.as_array()) {
            if (!out.empty()) out += ' ';
            out += std::string(one.at("labels").at("instance").as_string()) + '=' + std::string(one.at("targets").as_array().front().as_string());
        }
        return out;
    }

    std::filesystem::path folder_;
    running_platform plain_{.url = "http://127.0.0.1:8080"};
    scrape_targets targets_{folder_, plain_};
};

TEST_F(targets, of_one_process_is_its_own_port) {
    targets_.write();
    EXPECT_EQ(written(), "platform=127.0.0.1:8080");
}

TEST_F(targets, number_the_processes_of_a_role) {
    targets_.write(std::vector<role_process>{{.role = "order", .port = 4000}, {.role = "order", .port = 4001}, {.role = "audit", .port = 4002}});
    EXPECT_EQ(written(), "order=127.0.0.1:4000 order.2=127.0.0.1:4001 audit=127.0.0.1:4002");
}

TEST_F(targets, keep_one_that_is_down_and_give_its_successor_the_name) {
    targets_.write(std::vector<role_process>{{.role = "order", .port = 0}});
    EXPECT_EQ(written(), "");
    targets_.write(std::vector<role_process>{{.role = "order", .port = 4000}});
    targets_.write(std::vector<role_process>{{.role = "order", .port = 0}});
    EXPECT_EQ(written(), "order=127.0.0.1:4000");
    targets_.write(std::vector<role_process>{{.role = "order", .port = 4005}});
    EXPECT_EQ(written(), "order=127.0.0.1:4005");
}

TEST_F(targets, are_none_after_the_end) {
    targets_.write();
    targets_.clear();
    EXPECT_EQ(written(), "");
}

}  // namespace
}  // namespace bv::stack
