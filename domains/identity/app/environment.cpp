#include "domains/identity/app/environment.hpp"

namespace bv::identity {

storage::transaction_options as_platform(const rpc::context& ctx) {
    storage::transaction_options out;
    out.identity = storage::system_identity(ctx.caller.actor(), ctx.trace.traceparent());
    out.deadline = ctx.deadline;
    return out;
}

storage::transaction_options as_account(const rpc::context& ctx, account_id id) {
    auto out = as_platform(ctx);
    out.identity.actor = "user:" + id.str();
    return out;
}

storage::transaction_options as_caller(const rpc::context& ctx) {
    storage::transaction_options out;
    out.identity = ctx.identity("accounts.admin");
    out.deadline = ctx.deadline;
    return out;
}

}  // namespace bv::identity
