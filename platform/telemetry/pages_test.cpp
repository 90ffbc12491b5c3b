#include "platform/telemetry/pages.hpp"

#include <algorithm>
#include <regex>
#include <string>

#include <gtest/gtest.h>

namespace bv::telemetry {
namespace {

TEST(pages, hold_nothing_that_a_strict_content_security_policy_forbids) {
    static const std::regex forbidden(R"(<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=|javascript:|https?://|innerHTML|eval\()");
    ASSERT_EQ(page_files().size(), 6u);
    for (const embedded_file& file : page_files()) {
        const std::string text(file.text);
        EXPECT_FALSE(text.empty()) << file.name;
        EXPECT_FALSE(std::regex_search(text, forbidden)) << file.name;
    }
}

TEST(pages, refer_only_to_files_that_are_there) {
    static const std::regex reference(R"re((?:src|href)="([a-z_]+\.(?:js|css|html))")re");
    for (const embedded_file& file : page_files()) {
        const std::string text(file.text);
        for (std::sregex_iterator at(text.begin(), text.end(), reference), end; at != end; ++at)
            EXPECT_NE(std::ranges::find(page_files(), (*at)[1].str(), &embedded_file::name), page_files().end()) << file.name << " → " << (*at)[1];
    }
}

}  // namespace
}  // namespace bv::telemetry
