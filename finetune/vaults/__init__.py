"""Vaults: where a firm's own documents are read from.

The package's front door: open one by its URL, count it. How each kind is read stays in its own file.
"""

from collections.abc import Sequence

from finetune.vaults.allowed import check_allowed
from finetune.vaults.base import BadRecord, Chunk, Vault, VaultCount, VaultNotAllowed, VaultUnreadable
from finetune.vaults.files import FilesVault

__all__ = [
    "BadRecord",
    "Chunk",
    "Vault",
    "VaultCount",
    "VaultNotAllowed",
    "VaultUnreadable",
    "check_allowed",
    "count",
    "open_vault",
    "roots_of",
]


def open_vault(url: str, roots: Sequence[str]) -> Vault:
    """The Vault at `url`, which must lie under one of `roots`. Raises VaultNotAllowed, VaultUnreadable."""
    return FilesVault(url, roots)


def roots_of(roots: Sequence[str], tenant: str) -> tuple[str, ...]:
    """The roots that a tenant's Vault may lie under: `{tenant}` in one stands for the tenant's name."""
    return tuple(root.replace("{tenant}", tenant) for root in roots)


def count(vault: Vault) -> VaultCount:
    """Reads the whole Vault once. Raises VaultUnreadable."""
    ready = other = 0
    for record in vault.chunks():
        if isinstance(record, Chunk) and record.ready:
            ready += 1
        else:
            other += 1
    return VaultCount(ready_chunks=ready, other_chunks=other)
