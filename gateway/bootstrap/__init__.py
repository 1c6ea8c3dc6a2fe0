"""HOUSESTYLE_BOOTSTRAP: what a file says of tenants, providers, Vaults and keys, applied at start."""
