"""Vaults: where a firm's own documents are read from.

The package's front door: open one, count it. How each kind is read stays in its own file.
"""

from collections.abc import Callable, Sequence

from finetune.vaults.allowed import Place, allowed_place, check_allowed, parse, root_trouble
from finetune.vaults.base import BadRecord, Chunk, Reach, Vault, VaultCount, VaultNotAllowed, VaultUnreadable
from finetune.vaults.files import LocalFiles
from finetune.vaults.http import ApiVault, Web, WebFiles
from finetune.vaults.jsonl import JsonlVault
from finetune.vaults.objects import Objects
from finetune.vaults.options import SECRETS, Options, Source, misfit
from finetune.vaults.postgres import PostgresVault
from finetune.vaults.records import Records

__all__ = [
    "SECRETS",
    "BadRecord",
    "Chunk",
    "Options",
    "Place",
    "Reach",
    "Source",
    "Vault",
    "VaultCount",
    "VaultNotAllowed",
    "VaultUnreadable",
    "check_allowed",
    "count",
    "misfit",
    "open_vault",
    "parse",
    "root_trouble",
    "roots_of",
]


def open_vault(source: Source | str, roots: Sequence[str], reach: Reach | None = None) -> Vault:
    """The Vault of `source`, which must lie under one of `roots`; a text is the URL of one without options.

    Nothing is read yet. `reach` is for all but files of this machine. Raises VaultNotAllowed, VaultUnreadable.
    """
    source = Source(source) if isinstance(source, str) else source
    place = allowed_place(source.url, roots)
    unfit = misfit(place.scheme, source.options, frozenset(source.secrets))
    if unfit is not None:
        raise VaultUnreadable(unfit[1], place=f"options.{unfit[0]}")
    records = Records(source.options)
    if place.scheme == "file":
        return JsonlVault(LocalFiles(place, roots), records)
    if reach is None:
        raise VaultNotAllowed("here, only file:// Vaults can be read")
    if place.scheme in ("s3", "gs"):
        return JsonlVault(Objects(place, source, roots, reach), records)
    if place.scheme == "postgresql":
        return PostgresVault(place, source, records, reach)
    web = Web(place, source, reach)
    api = source.options.api
    return ApiVault(web, api, records) if api is not None else JsonlVault(WebFiles(web, place), records)


def roots_of(roots: Sequence[str], tenant: str) -> tuple[str, ...]:
    """The roots that a tenant's Vault may lie under: `{tenant}` in one stands for the tenant's name."""
    return tuple(root.replace("{tenant}", tenant) for root in roots)


def count(vault: Vault, stopped: Callable[[], bool] = lambda: False) -> VaultCount:
    """Reads the whole Vault once, or until `stopped` says so. Raises VaultUnreadable, VaultNotAllowed."""
    ready = other = 0
    for record in vault.chunks():
        if isinstance(record, Chunk) and record.ready:
            ready += 1
        else:
            other += 1
        if stopped():
            raise VaultUnreadable("nobody waits for its end any more", place=f"record {ready + other}")
    return VaultCount(ready_chunks=ready, other_chunks=other)
