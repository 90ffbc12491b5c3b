#include "app/stack/rabbitmq_child.hpp"

#include "app/stack/extras.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::stack {

namespace {

std::string own_password(security::secrets& s) { return s.get_or_put("rabbitmq.password", security::random_secret()); }

}  // namespace

void rabbitmq_child::launch(const config& c, const data_dir& dir, security::secrets& s) {
    const auto with = parse_extras(c.get<std::vector<std::string>>("stack.with"));
    if (!with) throw failure(with.error());
    if (!with->rabbitmq || !c.get<std::vector<std::string>>("rabbitmq.endpoints").empty()) return;
    server_ = std::make_unique<jobs::rabbitmq::private_server>(jobs::rabbitmq::private_server_options{
        .directory = std::filesystem::absolute(dir.folder("rabbitmq")),
        .account = c.get<std::string>("database.account"),
        .password = own_password(s),
        .management = c.get<bool>("rabbitmq.management")});
    server_->launch();
}

bool rabbitmq_child::tend() {
    if (!server_ || server_->running()) return false;
    const auto step = pause_.look(system_clock().steady_now());
    if (step == restart_pause::step::ended) telemetry::error("stack.rabbitmq_ended", {{"pause_ms", pause_.pause().count()}});
    if (step != restart_pause::step::start) return step == restart_pause::step::ended;
    try {
        server_->launch();
    } catch (const failure& f) {
        telemetry::error("stack.rabbitmq_restart_failed", {{"error", f.error().message}});
    }
    return true;
}

void rabbitmq_child::stop() noexcept {
    if (server_) server_->stop();
}

app::rabbitmq_access rabbitmq_of(const config& c, security::secrets& s, const std::string& private_address) {
    if (!private_address.empty()) return {{private_address}, jobs::rabbitmq::private_server::user, own_password(s), false};
    return {c.get<std::vector<std::string>>("rabbitmq.endpoints"), c.get<std::string>("rabbitmq.user"), c.get<std::string>("rabbitmq.password"), c.get<bool>("rabbitmq.tls")};
}

}  // namespace bv::stack
