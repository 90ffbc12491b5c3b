// The jobs that send e-mails: claimed from the notification service's table, or announced by RabbitMQ where there is one.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "platform/jobs/job_queue.hpp"
#include "platform/runtime/module.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/storage/postgres/lease_store.hpp"

namespace bv::app {

struct process;

class mail_jobs {
public:
    static constexpr std::string_view name = "mail";

    // db: as the role bv_notification. Both outlive it.
    mail_jobs(const process&, pg::database& db);
    ~mail_jobs();

    [[nodiscard]] jobs::job_queue& queue() noexcept { return *queue_; }
    // How many there are, as of a moment ago.
    [[nodiscard]] jobs::counts counts() const noexcept { return {waiting_, dead_}; }
    [[nodiscard]] bv::module lifecycle();

private:
    task<void> start();
    task<void> stop();
    task<void> keep_count();

    const process& process_;
    pg::lease_store leases_;
    std::unique_ptr<jobs::job_queue> queue_;
    std::atomic<std::int64_t> waiting_{0}, dead_{0};
    scope counting_{"jobs.count"};
};

}  // namespace bv::app
