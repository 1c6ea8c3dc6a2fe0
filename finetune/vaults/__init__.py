"""Vaults: where a firm's own documents are read from.

The package's front door: open one, count it. How each kind is read stays in its own file.
"""

from collections.abc import Sequence

from finetune.vaults.allowed import Place, allowed_place, check_allowed, parse, root_trouble
from finetune.vaults.base import BadRecord, Chunk, Reach, Vault, VaultCount, VaultNotAllowed, VaultUnreadable
from finetune.vaults.counting import Tally, count
from finetune.vaults.extras import Stopped
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
    "Tally",
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


def _never() -> bool:
    return False


def open_vault(
    source: Source | str, roots: Sequence[str], reach: Reach | None = None, stopped: Stopped = _never
) -> Vault:
    """The Vault of `source`, which must lie under one of `roots`; a text is the URL of one without options.

    Nothing is read yet. `reach` is for all but files of this machine. Once `stopped` says so, a reading soon ends with
    VaultUnreadable, also one that gives no records. Raises VaultNotAllowed, VaultUnreadable.
    """
    source = Source(source) if isinstance(source, str) else source
    place = allowed_place(source.url, roots)
    unfit = misfit(place.scheme, source.options, frozenset(source.secrets))
    if unfit is not None:
        raise VaultUnreadable(unfit[1], place=f"options.{unfit[0]}")
    records = Records(source.options)
    if place.scheme == "file":
        return JsonlVault(LocalFiles(place, roots), records, stopped)
    if reach is None:
        raise VaultNotAllowed("here, only file:// Vaults can be read")
    if place.scheme in ("s3", "gs"):
        return JsonlVault(Objects(place, source, roots, reach), records, stopped)
    if place.scheme == "postgresql":
        return PostgresVault(place, source, records, reach, stopped)
    web = Web(place, source, reach)
    api = source.options.api
    if api is not None:
        return ApiVault(web, api, records, stopped)
    return JsonlVault(WebFiles(web, place, stopped), records, stopped)


def roots_of(roots: Sequence[str], tenant: str) -> tuple[str, ...]:
    """The roots that a tenant's Vault may lie under: `{tenant}` in one stands for the tenant's name."""
    return tuple(root.replace("{tenant}", tenant) for root in roots)
