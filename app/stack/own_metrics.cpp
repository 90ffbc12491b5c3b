#include "app/stack/own_metrics.hpp"

#include <ctime>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "platform/core/error.hpp"
#include "platform/net/http/tls.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::stack {

namespace {

double space_of(const std::filesystem::path& folder, std::uintmax_t std::filesystem::space_info::*what) {
    std::error_code ec;
    const auto space = std::filesystem::space(folder, ec);
    return ec ? 0 : static_cast<double>(space.*what);
}

}  // namespace

void observe_disk(const std::filesystem::path& folder) {
    using std::filesystem::space_info;
    telemetry::observe("bv_disk_free_bytes", "Room left on the file system of the data directory", [folder] { return space_of(folder, &space_info::available); });
    telemetry::observe("bv_disk_size_bytes", "Size of the file system of the data directory", [folder] { return space_of(folder, &space_info::capacity); });
}

void note_certificate(std::string_view which, time_point until) {
    telemetry::measure("bv_certificate_expiry_timestamp_seconds", "When a certificate of this process ends, as Unix time", {{"certificate", which}})
        .set(std::chrono::duration<double>(until.time_since_epoch()).count());
}

time_point end_of(const http::tls_files& files) {
    const auto context = http::server_tls(files);
    const X509* certificate = SSL_CTX_get0_certificate(context->native_handle());
    std::tm civil{};
    if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &civil) != 1)
        throw failure(code::invalid_argument, "TLS_FILES", files.certificate_chain + ": its certificate has no end");
    return time_point(seconds(::timegm(&civil)));
}

}  // namespace bv::stack
