// The servers that work beside the platform's processes, as its children: the development payment provider always, unless another is
// given; Redis, Kafka, a schema registry and RabbitMQ when --with asks for them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/stack/kafka_child.hpp"
#include "app/stack/platform.hpp"
#include "app/stack/provider_child.hpp"
#include "app/stack/rabbitmq_child.hpp"
#include "app/stack/redis_child.hpp"
#include "app/stack/registry_child.hpp"

namespace bv::stack {

class companions {
public:
    // What runs is kept in `state`, which outlives this, as do the others.
    companions(const config&, const data_dir&, security::secrets&, running_platform& state, reporter);

    // Those that take seconds to answer: begun first, and waited for last. Throws what their launch() does.
    void launch_slow();
    // The others. Throws what their start() does.
    void start_quick();
    // Until those that are slow answer, or `stop_asked`. Throws what their is_up() does.
    void await(const std::function<bool()>& stop_asked);
    // Starts again what has ended by itself. Call it about twice a second. True when `state` changed.
    bool tend();
    void stop() noexcept;

    [[nodiscard]] std::string provider_url() const;
    [[nodiscard]] std::vector<std::string> redis_endpoints() const;
    [[nodiscard]] const std::string& kafka_brokers() const noexcept { return kafka_.brokers(); }
    [[nodiscard]] const std::string& registry_url() const noexcept { return registry_.url(); }
    [[nodiscard]] app::rabbitmq_access rabbitmq() const { return rabbitmq_of(config_, secrets_, rabbitmq_.address()); }

private:
    void start_provider();
    void start_redis();
    bool tend_provider();

    const config& config_;
    const data_dir& dir_;
    security::secrets& secrets_;
    running_platform& state_;
    reporter report_;
    provider_child provider_;
    redis_child redis_;
    kafka_child kafka_;
    registry_child registry_;
    rabbitmq_child rabbitmq_;
};

}  // namespace bv::stack
