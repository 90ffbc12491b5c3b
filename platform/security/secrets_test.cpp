#include "platform/security/secrets.hpp"

#include <fstream>
#include <iterator>
#include <thread>

#include <stdlib.h>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "platform/core/error.hpp"
#include "platform/security/testing/secrets_contract.hpp"

namespace bv::security {
namespace {

namespace fs = std::filesystem;

class sealed_file : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / ("bv_secrets_" + std::string(6, 'X'))).string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override { fs::remove_all(folder_); }

    // The reason of what opening throws, empty when it opens.
    std::string refusal() const {
        try {
            (void)open_sealed_file(folder_);
            return {};
        } catch (const failure& e) {
            return e.error().reason;
        }
    }
    static std::string content(const fs::path& path) {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    static mode_t mode(const fs::path& path) {
        struct stat s {};
        return ::stat(path.c_str(), &s) == 0 ? s.st_mode & 0777 : 0;
    }
    fs::path folder_;
};

TEST_F(sealed_file, is_private_and_encrypted_on_disk) {
    open_sealed_file(folder_)->put("name.of.it", "very secret value");
    EXPECT_EQ(mode(folder_ / "master.key"), 0600u);
    EXPECT_EQ(mode(folder_ / "secrets.sealed"), 0600u);
    const std::string bytes = content(folder_ / "secrets.sealed");
    EXPECT_EQ(bytes.find("secret value"), std::string::npos);
    EXPECT_EQ(bytes.find("name.of.it"), std::string::npos);
    for (const auto& file : fs::directory_iterator(folder_))
        EXPECT_TRUE(file.path().filename() == "master.key" || file.path().filename() == "secrets.sealed" || file.path().filename() == "secrets.lock")
            << file.path();
}

TEST_F(sealed_file, refuses_files_that_others_may_read) {
    open_sealed_file(folder_)->put("a", "b");
    for (const char* name : {"master.key", "secrets.sealed"}) {
        for (const mode_t bits : {0640u, 0604u, 0620u, 0610u}) {
            ::chmod((folder_ / name).c_str(), bits);
            EXPECT_EQ(refusal(), "SECRETS_UNSAFE") << name << std::oct << bits;
        }
        try {
            (void)open_sealed_file(folder_);
            ADD_FAILURE();
        } catch (const failure& e) {
            EXPECT_NE(std::string(e.what()).find("chmod 600"), std::string::npos) << e.what();
        }
        ::chmod((folder_ / name).c_str(), 0600);
        EXPECT_EQ(refusal(), "");
    }
}

TEST_F(sealed_file, refuses_what_is_no_regular_file) {
    fs::create_directory(folder_ / "master.key");
    EXPECT_EQ(refusal(), "SECRETS_UNSAFE");
}

TEST_F(sealed_file, a_lost_master_key_is_told_and_not_replaced) {
    open_sealed_file(folder_)->put("a", "b");
    fs::rename(folder_ / "master.key", folder_ / "elsewhere");
    EXPECT_EQ(refusal(), "MASTER_KEY_MISSING");
    EXPECT_FALSE(fs::exists(folder_ / "master.key"));
    fs::rename(folder_ / "elsewhere", folder_ / "master.key");
    EXPECT_EQ(refusal(), "");
}

TEST_F(sealed_file, tampering_and_foreign_keys_are_noticed) {
    open_sealed_file(folder_)->put("a", "b");
    const std::string good = content(folder_ / "secrets.sealed");
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ 16);
        std::ofstream(folder_ / "secrets.sealed", std::ios::binary) << bad;
        EXPECT_EQ(refusal(), "SECRETS_UNREADABLE") << i;
    }
    std::ofstream(folder_ / "secrets.sealed", std::ios::binary) << good.substr(0, good.size() / 2);
    EXPECT_EQ(refusal(), "SECRETS_UNREADABLE");
    std::ofstream(folder_ / "secrets.sealed", std::ios::binary) << good;
    EXPECT_EQ(refusal(), "");
    std::ofstream(folder_ / "master.key") << random_secret(32) << "\n";
    EXPECT_EQ(refusal(), "SECRETS_UNREADABLE");
    std::ofstream(folder_ / "master.key") << "short\n";
    EXPECT_EQ(refusal(), "SECRETS_UNREADABLE");
}

TEST_F(sealed_file, writers_at_once_lose_nothing) {
    std::vector<std::thread> writers;
    for (int t = 0; t < 4; ++t) {
        writers.emplace_back([this, t] {
            const auto store = open_sealed_file(folder_);
            for (int i = 0; i < 5; ++i) store->put("secret." + std::to_string(t) + "." + std::to_string(i), "x");
        });
    }
    for (auto& w : writers) w.join();
    EXPECT_EQ(open_sealed_file(folder_)->names().size(), 20u);
}

class sealed_file_world final : public secrets_world {
public:
    sealed_file_world() {
        std::string name = (fs::temp_directory_path() / ("bv_secrets_" + std::string(6, 'X'))).string();
        if (::mkdtemp(name.data()) == nullptr) throw failure(code::unavailable, "NO_FOLDER", name);
        folder_ = name;
    }
    ~sealed_file_world() override { fs::remove_all(folder_); }
    std::unique_ptr<secrets> open() override { return open_sealed_file(folder_); }

private:
    fs::path folder_;
};

std::unique_ptr<secrets_world> make_sealed_file_world() { return std::make_unique<sealed_file_world>(); }
INSTANTIATE_TEST_SUITE_P(sealed_file, secrets_contract, ::testing::Values(make_sealed_file_world));

TEST(random_secret, is_long_and_never_twice_the_same) {
    EXPECT_EQ(random_secret(32).size(), 43u);
    EXPECT_NE(random_secret(16), random_secret(16));
}

}  // namespace
}  // namespace bv::security
