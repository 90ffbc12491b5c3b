#include "domains/commerce/notification/adapters/file_mailer.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "platform/testing/run.hpp"

namespace bv::notification {
namespace {

namespace fs = std::filesystem;

class file_mailer_ : public ::testing::Test {
protected:
    file_mailer_() {
        auto pattern = (fs::temp_directory_path() / "bv_mail_XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
    }
    ~file_mailer_() override { fs::remove_all(folder); }

    std::vector<fs::path> files() const {
        std::vector<fs::path> out;
        for (const auto& e : fs::recursive_directory_iterator(folder))
            if (e.is_regular_file()) out.push_back(fs::relative(e.path(), folder));
        std::ranges::sort(out);
        return out;
    }
    static std::string text_of(const fs::path& p) {
        std::ostringstream out;
        out << std::ifstream(p, std::ios::binary).rdbuf();
        return out.str();
    }
    std::vector<result<void>> send(std::vector<mail> mails) const {
        file_mailer m(folder / "spool", {});
        return testing::run(m.send(std::move(mails), steady_point::max()));
    }

    fs::path folder;
};

mail a_mail(std::string_view day, std::string_view id) {
    return {*notice_id::parse(id), *parse_rfc3339(std::string(day) + "T23:59:59Z"), "ann@example.org", "Ann", "Subject", "Text\n"};
}

constexpr std::string_view one = "01900000-0000-8000-8000-000000000001", two = "01900000-0000-8000-8000-000000000002";

TEST_F(file_mailer_, writes_one_message_a_file_by_day_however_often_it_is_sent) {
    for (int i = 0; i < 3; ++i)
        for (const auto& r : send({a_mail("2026-01-31", one), a_mail("2026-02-01", two)})) EXPECT_TRUE(r);
    const std::vector<fs::path> expected{"spool/2026-01-31/" + std::string(one) + ".eml", "spool/2026-02-01/" + std::string(two) + ".eml"};
    EXPECT_EQ(files(), expected);
    EXPECT_EQ(text_of(folder / expected[0]), *render(a_mail("2026-01-31", one), {}));
    EXPECT_EQ(fs::status(folder / "spool").permissions() & (fs::perms::group_all | fs::perms::others_all), fs::perms::none);
}

TEST_F(file_mailer_, refuses_one_mail_and_writes_the_others) {
    auto bad = a_mail("2026-01-31", one);
    bad.to = "a@b\r\nX: y";
    const auto answers = send({bad, a_mail("2026-01-31", two)});
    EXPECT_EQ(answers[0].error().reason, "ADDRESS_UNUSABLE");
    EXPECT_TRUE(answers[1]);
    EXPECT_EQ(files().size(), 1u);
}

TEST_F(file_mailer_, says_that_the_folder_cannot_be_written) {
    std::ofstream(folder / "spool") << "in the way";
    const auto answers = send({a_mail("2026-01-31", one)});
    EXPECT_EQ(answers[0].error().reason, "SPOOL_UNWRITABLE");
    EXPECT_EQ(answers[0].error().code, code::unavailable);
}

}  // namespace
}  // namespace bv::notification
