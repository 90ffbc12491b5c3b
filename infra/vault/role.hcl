# What the process of one role may do in Vault, beside the policy "default": SERVICE is what its tables' schema is called, and the
# process of no other role may become that. What only some roles need stands in role-*.hcl.

# Its database password, where logins are not made by Vault, and that of the event log's reader.
path "secret/data/bitvelocity/database.SERVICE.password" {
  capabilities = ["read"]
}
path "secret/data/bitvelocity/database.log.password" {
  capabilities = ["read"]
}

# Where the supervisor has started a RabbitMQ.
path "secret/data/bitvelocity/rabbitmq.password" {
  capabilities = ["read"]
}

# Its database logins.
path "database/creds/bitvelocity-SERVICE" {
  capabilities = ["read"]
}
path "database/creds/bitvelocity-log" {
  capabilities = ["read"]
}
path "sys/leases/renew" {
  capabilities = ["update"]
}
