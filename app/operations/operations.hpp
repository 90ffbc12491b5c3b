// Running what this process holds: status, dead letters, projections, keys (contracts/proto/bitvelocity/operations).
#pragma once

#include <span>

#include "app/modules.hpp"
#include "bitvelocity/operations/v1/operations.bv.hpp"
#include "platform/net/http/server.hpp"

namespace bv::operations {

namespace contract = bitvelocity::operations::v1;

class service final : public contract::operations_service {
public:
    service(app::modules&, std::span<const bv::module> running);
    void watch(const http::server& s) noexcept { server_ = &s; }
    [[nodiscard]] rpc::served served() { return contract::serve(*this); }
    // What GET /v1/platform/status answers.
    [[nodiscard]] contract::PlatformStatus status() const;

    task<result<contract::PlatformStatus>> get_status(rpc::context&, contract::GetStatusRequest) override;
    task<result<contract::ListDeadLettersResponse>> list_dead_letters(rpc::context&, contract::ListDeadLettersRequest) override;
    task<result<contract::DeadLetter>> get_dead_letter(rpc::context&, contract::GetDeadLetterRequest) override;
    task<result<contract::ReplayDeadLettersResponse>> replay_dead_letters(rpc::context&, contract::ReplayDeadLettersRequest) override;
    task<result<contract::DiscardDeadLettersResponse>> discard_dead_letters(rpc::context&, contract::DiscardDeadLettersRequest) override;
    task<result<contract::RewindGroupResponse>> rewind_group(rpc::context&, contract::RewindGroupRequest) override;
    task<result<contract::RebuildProjectionsResponse>> rebuild_projections(rpc::context&, contract::RebuildProjectionsRequest) override;
    task<result<contract::RotateKeysResponse>> rotate_keys(rpc::context&, contract::RotateKeysRequest) override;
    task<result<contract::ListFieldKeysResponse>> list_field_keys(rpc::context&, contract::ListFieldKeysRequest) override;
    task<result<contract::RotateFieldKeyResponse>> rotate_field_key(rpc::context&, contract::RotateFieldKeyRequest) override;
    task<result<contract::EncryptFieldsAgainResponse>> encrypt_fields_again(rpc::context&, contract::EncryptFieldsAgainRequest) override;
    task<result<contract::RetireFieldKeyResponse>> retire_field_key(rpc::context&, contract::RetireFieldKeyRequest) override;

private:
    // Whether the group is the queue of jobs that this process has.
    [[nodiscard]] bool is_of_jobs(const std::string& group) const;
    task<result<contract::DeadLetter>> get_dead_job(std::string id);

    app::modules& modules_;
    std::span<const bv::module> running_;
    const http::server* server_ = nullptr;
    time_point started_ = system_clock().now();
};

// UNIMPLEMENTED "ROLE_NOT_HELD".
[[nodiscard]] std::unexpected<error> not_here(std::string_view role);

// Of what is held: development accounts, a small catalogue, a hundred of each of its products, once. Gives what a person needs to
// log in, a line each.
task<std::vector<std::string>> seed(app::modules&);

}  // namespace bv::operations
