# What the platform may do in Vault, with the mounts and names that its settings have by default. Renewing and looking up its own
# token is in Vault's policy "default".

# Its secrets (vault.kv).
path "secret/data/bitvelocity/*" {
  capabilities = ["create", "read", "update", "delete"]
}
path "secret/metadata/bitvelocity/*" {
  capabilities = ["list"]
}

# Wrapping of keys (vault.transit). The key itself never leaves Vault, and the platform may neither export nor rotate it.
path "transit/encrypt/bitvelocity" {
  capabilities = ["update"]
}
path "transit/decrypt/bitvelocity" {
  capabilities = ["update"]
}
path "transit/rewrap/bitvelocity" {
  capabilities = ["update"]
}
path "transit/keys/bitvelocity" {
  capabilities = ["read"]
}

# Certificates of its processes (vault.pki).
path "pki/issue/bitvelocity" {
  capabilities = ["update"]
}

# Database logins of its services (vault.database).
path "database/creds/bitvelocity-*" {
  capabilities = ["read"]
}
path "sys/leases/renew" {
  capabilities = ["update"]
}
