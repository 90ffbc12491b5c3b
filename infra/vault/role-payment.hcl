
# What it shows the payment provider, and the provider it.
path "secret/data/bitvelocity/provider.*" {
  capabilities = ["create", "read", "update"]
}
