"""The fine-tune job manager: from a Vault to a model that is `ready`, and its activation."""
