
# Keys of personal data and of tokens, and the development logins that it makes.
path "secret/data/bitvelocity/identity.*" {
  capabilities = ["create", "read", "update"]
}
path "secret/data/bitvelocity/dev.*" {
  capabilities = ["create", "read", "update"]
}
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
