#include "app/stack/identity_files.hpp"

#include <fstream>
#include <future>

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "platform/core/error.hpp"
#include "platform/security/certificate_authority.hpp"

namespace bv::stack {
namespace {

namespace fs = std::filesystem;

const security::spiffe_id order{"shop.example", "/order"};

class identity_from_files : public testing::Test {
protected:
    identity_from_files() {
        char name[] = "/tmp/bv-identity-XXXXXX";
        folder_ = ::mkdtemp(name);
        paths_ = identity_paths_in(folder_);
        rt_.start();
    }
    ~identity_from_files() override {
        rt_.stop();
        rt_.join();
        fs::remove_all(folder_);
    }

    // As a tool does that replaces files: the new one is whole before it has the name.
    static void put(const fs::path& file, const std::string& text) {
        const auto fresh = file.string() + ".new";
        std::ofstream(fresh) << text;
        fs::permissions(fresh, fs::perms::owner_read | fs::perms::owner_write);
        fs::rename(fresh, file);
    }
    void put(const security::svid& s) const {
        put(paths_.key, s.private_key);
        put(paths_.authorities, s.trust);
        put(paths_.certificate, s.certificate);
    }
    [[nodiscard]] security::svid issued(const security::spiffe_id& id = order, seconds life = seconds(3600)) const { return authority_.issue(id, system_clock().now(), life); }
    identity_files opened() { return {paths_, order, rt_, system_clock(), milliseconds(1)}; }
    std::string refusal() {
        try {
            const auto f = opened();
        } catch (const failure& f) {
            return f.error().reason;
        }
        return {};
    }

    bv::runtime rt_{1};
    fs::path folder_;
    identity_paths paths_;
    security::certificate_authority authority_ = security::certificate_authority::make("shop.example", system_clock().now());
};

TEST_F(identity_from_files, is_read_with_its_end) {
    const auto s = issued();
    put(s);
    auto f = opened();
    EXPECT_EQ(f.first().certificate, s.certificate);
    EXPECT_EQ(f.first().not_after, s.not_after);
}

TEST_F(identity_from_files, is_refused_where_peers_would_refuse_it) {
    EXPECT_EQ(refusal(), "IDENTITY_FILE");
    put(issued({"shop.example", "/payment"}));
    EXPECT_EQ(refusal(), "SVID_OTHER_NAME");
    put(issued(order, seconds(-1)));
    EXPECT_EQ(refusal(), "SVID_ENDED");
    put(issued());
    put(paths_.authorities, security::certificate_authority::make("shop.example", system_clock().now()).issue(order, system_clock().now(), seconds(60)).trust);
    EXPECT_EQ(refusal(), "SVID_UNTRUSTED");
}

TEST_F(identity_from_files, a_key_that_everybody_may_read_is_refused) {
    put(issued());
    fs::permissions(paths_.key, fs::perms::others_read, fs::perm_options::add);
    EXPECT_EQ(refusal(), "IDENTITY_FILE");
}

TEST_F(identity_from_files, new_ones_are_taken_once_they_fit_each_other) {
    put(issued());
    auto f = opened();
    std::promise<std::string> next;
    f.follow([&next](const security::svid& s) { next.set_value(s.certificate); });
    const auto s = issued();
    auto taken = next.get_future();
    put(paths_.certificate, s.certificate);
    // The key is still another certificate's: however often they are looked at now, nothing is taken.
    EXPECT_EQ(taken.wait_for(milliseconds(20)), std::future_status::timeout);
    put(paths_.key, s.private_key);
    EXPECT_EQ(taken.get(), s.certificate);
    f.stop();
}

TEST_F(identity_from_files, a_folder_that_a_link_moves_is_followed) {
    const auto one = folder_ / "one", two = folder_ / "two", now = folder_ / "now";
    const auto first = issued(), second = issued();
    for (const auto& [folder, s] : {std::pair{one, first}, std::pair{two, second}}) {
        fs::create_directory(folder);
        paths_ = identity_paths_in(folder);
        put(s);
    }
    fs::create_directory_symlink(one, now);
    paths_ = identity_paths_in(now);
    auto f = opened();
    EXPECT_EQ(f.first().certificate, first.certificate);
    std::promise<std::string> next;
    f.follow([&next](const security::svid& s) { next.set_value(s.certificate); });
    fs::create_directory_symlink(two, folder_ / "next");
    fs::rename(folder_ / "next", now);
    EXPECT_EQ(next.get_future().get(), second.certificate);
    f.stop();
}

}  // namespace
}  // namespace bv::stack
