#include "platform/net/http/static_files.hpp"

#include <gtest/gtest.h>

#include <array>
#include <fstream>

#include <unistd.h>

#include "platform/core/error.hpp"

namespace bv::http {
namespace {

constexpr std::array<embedded_file, 3> files{{
    {"index.html", "<p>start</p>"},
    {"assets/app-BxY12_3Z.js", "let a;"},
    {"docs/index.html", "<p>docs</p>"},
}};

request get(std::string_view if_none_match = {}) {
    request r{.verb = verb::get};
    if (!if_none_match.empty()) r.headers.add("If-None-Match", if_none_match);
    return r;
}

class a_directory : public ::testing::Test {
protected:
    a_directory() {
        auto pattern = (std::filesystem::temp_directory_path() / "bv_static_XXXXXX").string();
        base_ = ::mkdtemp(pattern.data());
        std::filesystem::create_directories(base_ / "root/sub");
        write("root/a.txt", "one");
        write("root/sub/index.html", "sub");
        write("root/.hidden", "hidden");
        write("secret.txt", "secret");
    }
    ~a_directory() override { std::filesystem::remove_all(base_); }
    void write(const std::string& name, std::string_view text) const { std::ofstream(base_ / name) << text; }
    std::filesystem::path base_;
};

TEST(http_static_files, serves_embedded_files_with_type_and_caching) {
    const auto s = static_files::embedded(files);
    const auto page = s.serve(get(), "/");
    ASSERT_TRUE(page);
    EXPECT_EQ(page->body, "<p>start</p>");
    EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
    EXPECT_EQ(page->headers.get("Cache-Control"), "no-cache");
    const auto script = s.serve(get(), "/assets/app-BxY12_3Z.js");
    ASSERT_TRUE(script);
    EXPECT_EQ(script->headers.get("Cache-Control"), "public, max-age=31536000, immutable");
    EXPECT_EQ(s.serve(get(), "/docs/")->body, "<p>docs</p>");
    EXPECT_FALSE(s.serve(get(), "/docs"));
    EXPECT_FALSE(s.serve(get(), "/none.html"));
}

TEST(http_static_files, answers_304_to_a_known_etag) {
    const auto s = static_files::embedded(files);
    const auto etag = std::string(s.serve(get(), "/")->headers.get("ETag"));
    EXPECT_TRUE(etag.starts_with('"'));
    for (const auto& known : {etag, "W/" + etag, "\"x\", " + etag, std::string("*")}) {
        const auto r = s.serve(get(known), "/");
        EXPECT_EQ(r->status, 304) << known;
        EXPECT_TRUE(r->body.empty());
        EXPECT_EQ(r->headers.get("ETag"), etag);
    }
    EXPECT_EQ(s.serve(get("\"x\""), "/")->status, 200);
    EXPECT_NE(s.serve(get(), "/docs/")->headers.get("ETag"), etag);
}

TEST(http_static_files, allows_get_and_head_only) {
    auto r = get();
    r.verb = verb::post;
    const auto a = static_files::embedded(files).serve(r, "/");
    EXPECT_EQ(a->status, 405);
    EXPECT_EQ(a->headers.get("Allow"), "GET, HEAD");
}

TEST_F(a_directory, is_served_below_its_root_only) {
    const auto s = static_files::directory(base_ / "root");
    EXPECT_EQ(s.serve(get(), "/a.txt")->body, "one");
    EXPECT_EQ(s.serve(get(), "/%61.txt")->body, "one");
    EXPECT_EQ(s.serve(get(), "/sub/")->body, "sub");
    for (const char* path : {"/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/sub/../../secret.txt", "/./a.txt", "//a.txt",
                             "/.hidden", "/a.txt%00", "/..\\secret.txt", "/%zz", "", "a.txt", "/sub", "/none"})
        EXPECT_FALSE(s.serve(get(), path)) << path;
}

TEST_F(a_directory, follows_no_link_to_the_outside) {
    std::filesystem::create_symlink(base_ / "secret.txt", base_ / "root/link.txt");
    std::filesystem::create_symlink(base_, base_ / "root/up");
    std::filesystem::create_symlink(base_ / "root/a.txt", base_ / "root/inside.txt");
    const auto s = static_files::directory(base_ / "root");
    EXPECT_FALSE(s.serve(get(), "/link.txt"));
    EXPECT_FALSE(s.serve(get(), "/up/secret.txt"));
    EXPECT_EQ(s.serve(get(), "/inside.txt")->body, "one");
}

TEST_F(a_directory, shows_changes) {
    const auto s = static_files::directory(base_ / "root");
    const auto before = std::string(s.serve(get(), "/a.txt")->headers.get("ETag"));
    write("root/a.txt", "another");
    const auto after = s.serve(get(before), "/a.txt");
    EXPECT_EQ(after->status, 200);
    EXPECT_EQ(after->body, "another");
}

TEST(http_static_files, says_that_there_is_no_directory) { EXPECT_THROW(static_cast<void>(static_files::directory("/no/such")), failure); }

TEST(http_static_files, knows_fingerprinted_names) {
    for (const char* name : {"app-BxY12_3Z.js", "assets/index-DiwrgTda.css", "app.3f2a9c1d.js", "a/b-1a2B-3c_.js", "app.3f2a9c1d.js.map"})
        EXPECT_TRUE(is_fingerprinted(name)) << name;
    for (const char* name : {"index.html", "jquery-minified.js", "report-20240101.csv", "app.js", "a-b.js", "3f2a9c1d", "BxY12_3Z.js", "site.webmanifest"})
        EXPECT_FALSE(is_fingerprinted(name)) << name;
}

}  // namespace
}  // namespace bv::http
