// The operations of the whole platform, wherever its services run: asks the process of each role and puts the answers together.
#pragma once

#include <map>
#include <mutex>
#include <optional>

#include "app/operations/operations.hpp"
#include "platform/rpc/peer/peer_channel.hpp"

namespace bv::operations {

class front final : public contract::operations_service {
public:
    // Both outlive it.
    front(app::modules&, service& own);
    [[nodiscard]] rpc::served served() { return contract::serve(*this); }
    // What GET /v1/platform/status answers.
    task<contract::PlatformStatus> status();
    // Takes what other processes traced since the last time over into this one's recent traces.
    task<void> collect_traces();

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
    // Of the process that holds the role.
    [[nodiscard]] contract::operations_service& of(std::string_view role);
    // One of each role that has consumer groups.
    [[nodiscard]] std::vector<contract::operations_service*> consumers();
    template <class Response, class Request>
    task<result<Response>> ask_owner(rpc::context&, Request, task<result<Response>> (contract::operations_service::*)(rpc::context&, Request));
    task<void> add_process(contract::PlatformStatus&, app::role_process);

    app::modules& modules_;
    service& own_;
    std::map<std::string, contract::operations_service_remote, std::less<>> others_;
    std::mutex mutex_;
    std::map<rpc::address, std::uint64_t> spans_seen_;
};

}  // namespace bv::operations
