// grpcpp-peer [FOLDER]: what bench_grpc_server does, by grpc++ and its callback API.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>
#include <grpcpp/security/server_credentials.h>

#include "bench/echo.grpc.pb.h"

namespace {

class echo final : public bench::Echo::CallbackService {
    grpc::ServerUnaryReactor* Give(grpc::CallbackServerContext* context, const bench::Item* item, bench::Item* back) override {
        *back = *item;
        auto* reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }
};

std::string text(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::shared_ptr<grpc::ServerCredentials> credentials(int argc, char** argv) {
    if (argc < 2) return grpc::InsecureServerCredentials();
    const std::string folder = argv[1];
    grpc::SslServerCredentialsOptions o(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    o.pem_root_certs = text(folder + "/trust.pem");
    o.pem_key_cert_pairs.push_back({text(folder + "/server.key"), text(folder + "/server.pem")});
    return grpc::SslServerCredentials(o);
}

}  // namespace

int main(int argc, char** argv) {
    echo service;
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", credentials(argc, argv), &port);
    builder.RegisterService(&service);
    const auto server = builder.BuildAndStart();
    if (!server) return 1;
    std::printf("%d\n", port);
    std::fflush(stdout);
    server->Wait();
}
