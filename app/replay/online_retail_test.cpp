#include "app/replay/online_retail.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include <lzma.h>
#include <zlib.h>

#include "platform/core/error.hpp"

namespace bv::replay {
namespace {

constexpr const char* header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

struct temporary_file {
    explicit temporary_file(const std::string& bytes) {
        char name[] = "/tmp/bv-replay-XXXXXX";
        const int fd = ::mkstemp(name);
        path = name;
        std::ofstream(path, std::ios::binary) << bytes;
        ::close(fd);
    }
    ~temporary_file() { std::filesystem::remove(path); }
    std::filesystem::path path;
};

struct outcome {
    std::vector<invoice> invoices;
    std::vector<rejected_line> rejected;
    file_counts counts;
};

outcome read(const std::string& bytes) {
    const temporary_file f(bytes);
    outcome o;
    o.counts = read_invoices(f.path, [&](invoice&& i) { return o.invoices.push_back(std::move(i)), true; },
                             [&](const rejected_line& r) { o.rejected.push_back(r); });
    return o;
}

TEST(online_retail, groups_the_lines_of_an_invoice) {
    const auto o = read(std::string(header) +
                        "536365,85123A,\"HANGING, HEART\",6,2010-12-01T08:26:00Z,2.55,17850,United Kingdom\r\n"
                        "536365,71053,LANTERN,6,2010-12-01T08:26:00Z,3.39,17850,United Kingdom\n"
                        "536366,22633,HAND WARMER,2,2010-12-01T08:28:00Z,1.85,17850,United Kingdom\n");
    ASSERT_EQ(o.invoices.size(), 2u);
    EXPECT_EQ(o.invoices[0].lines.size(), 2u);
    EXPECT_EQ(o.invoices[0].lines[0].description, "HANGING, HEART");
    EXPECT_EQ(o.invoices[0].lines[0].price_minor, 255);
    EXPECT_EQ(o.invoices[1].lines[0].line, 4u);
    EXPECT_EQ(o.counts.usable, 3u);
}

TEST(online_retail, names_every_unusable_line_and_goes_on) {
    const auto o = read(std::string(header) +
                        "A563185,B,Adjust bad debt,1,2011-08-12T14:50:00Z,11062.06,,United Kingdom\n"
                        "1,a,thing,1,2011-08-12T14:50:00Z,1.00,,United Kingdom\n"
                        "2,a,,1,2011-08-12T14:50:00Z,1.00,5,United Kingdom\n"
                        "3,a,thing,1,2011-08-12T14:50:00Z,0,5,United Kingdom\n"
                        "4,a,thing,-1,2011-08-12T14:50:00Z,1,5,United Kingdom\n"
                        "5,a,thing,one,2011-08-12T14:50:00Z,1,5,United Kingdom\n"
                        "6,a,thing\n"
                        "C7,a,thing,-2,2011-08-12T14:50:00Z,1,5,United Kingdom\n"
                        "8,a,\"open,1,2011-08-12T14:50:00Z,1,5,UK\n");
    const unusable expected[] = {unusable::adjustment, unusable::no_customer, unusable::no_description, unusable::price_not_positive,
                                 unusable::quantity_not_positive, unusable::malformed, unusable::malformed, unusable::malformed};
    ASSERT_EQ(o.rejected.size(), std::size(expected));
    for (std::size_t i = 0; i < std::size(expected); ++i) EXPECT_EQ(o.rejected[i].why, expected[i]) << "line " << o.rejected[i].line;
    EXPECT_EQ(o.rejected[0].line, 2u);
    ASSERT_EQ(o.invoices.size(), 1u);
    EXPECT_TRUE(o.invoices[0].is_return);
    EXPECT_EQ(o.invoices[0].lines[0].quantity, 2);
}

TEST(online_retail, says_which_columns_are_lacking) {
    try {
        read("InvoiceNo,StockCode,Quantity\n1,2,3\n");
        FAIL();
    } catch (const failure& f) {
        EXPECT_NE(f.error().message.find("Description, InvoiceDate, UnitPrice, CustomerID, Country"), std::string::npos);
    }
}

TEST(online_retail, reads_gzip_and_xz_as_the_plain_text) {
    const std::string text = std::string(header) + "1,a,thing,1,2011-08-12T14:50:00Z,1.00,5,United Kingdom\n";
    z_stream z{};
    ASSERT_EQ(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    std::string gz(1024, '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = reinterpret_cast<Bytef*>(gz.data());
    z.avail_out = static_cast<uInt>(gz.size());
    ASSERT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
    gz.resize(z.total_out);
    deflateEnd(&z);
    EXPECT_EQ(read(gz).invoices.size(), 1u);
    EXPECT_THROW(read(gz.substr(0, gz.size() / 2)), failure);

    std::string xz(1024, '\0');
    std::size_t size = 0;
    ASSERT_EQ(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                                      reinterpret_cast<std::uint8_t*>(xz.data()), &size, xz.size()), LZMA_OK);
    xz.resize(size);
    EXPECT_EQ(read(xz).invoices.size(), 1u);
    EXPECT_THROW(read(xz.substr(0, xz.size() / 2)), failure);
}

TEST(online_retail, keeps_skus_within_what_the_platform_takes) {
    EXPECT_EQ(to_sku("BANK CHARGES"), "BANK-CHARGES");
    EXPECT_EQ(to_sku("gift_0001_20"), "gift_0001_20");
}

TEST(online_retail, a_file_that_is_not_there_is_said_so) { EXPECT_THROW(read_invoices("/nowhere", {}, {}), failure); }

}  // namespace
}  // namespace bv::replay
