#include "platform/security/svid.hpp"

#include <gtest/gtest.h>

#include "platform/security/certificate_authority.hpp"

namespace bv::security {
namespace {

const time_point now{std::chrono::hours(500'000)};
const spiffe_id order{"shop.example", "/order"};

struct svids : testing::Test {
    certificate_authority authority = certificate_authority::make("shop.example", now);
    svid good = authority.issue(order, now, seconds(3600));

    static std::string fault(svid s, time_point at = now, const spiffe_id& wanted = order) {
        const auto r = checked(std::move(s), wanted, at);
        return r ? std::string{} : r.error().reason;
    }
};

TEST_F(svids, one_that_peers_take_is_given_back_with_its_end) {
    auto unread = good;
    unread.not_after = {};
    const auto r = checked(unread, order, now);
    ASSERT_TRUE(r) << r.error().message;
    EXPECT_EQ(r->not_after, now + seconds(3600));
}

TEST_F(svids, its_time_is_looked_at) {
    EXPECT_EQ(fault(good, now + seconds(3599)), "");
    EXPECT_EQ(fault(good, now + seconds(3600)), "SVID_ENDED");
    EXPECT_EQ(fault(good, now - seconds(61)), "SVID_NOT_YET");
}

TEST_F(svids, it_has_to_name_whom_it_is_for) {
    EXPECT_EQ(fault(good, now, {"shop.example", "/payment"}), "SVID_OTHER_NAME");
    EXPECT_EQ(fault(good, now, {"other.example", "/order"}), "SVID_OTHER_NAME");
}

TEST_F(svids, it_has_to_be_of_an_authority_that_is_trusted) {
    const auto other = certificate_authority::make("shop.example", now + seconds(1)).issue(order, now, seconds(3600));
    auto s = good;
    s.trust = other.trust;
    EXPECT_EQ(fault(s), "SVID_UNTRUSTED");
    s.trust = other.trust + good.trust;  // as while one authority follows another
    EXPECT_EQ(fault(s), "");
}

TEST_F(svids, the_key_has_to_be_the_certificates) {
    auto s = good;
    s.private_key = authority.issue(order, now, seconds(3600)).private_key;
    EXPECT_EQ(fault(s), "SVID_KEY");
}

TEST_F(svids, what_is_half_written_is_refused) {
    for (auto part : {&svid::certificate, &svid::private_key, &svid::trust}) {
        auto s = good;
        (s.*part).resize((s.*part).size() / 2);
        EXPECT_EQ(fault(s), "SVID_MALFORMED");
        (s.*part).clear();
        EXPECT_EQ(fault(s), "SVID_MALFORMED");
    }
}

TEST_F(svids, an_authority_is_no_service) {
    auto s = good;
    s.certificate = good.trust;
    EXPECT_EQ(fault(s), "SVID_KEY");
}

}  // namespace
}  // namespace bv::security
