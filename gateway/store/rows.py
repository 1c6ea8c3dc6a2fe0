"""The rows of the followed tables, as they stand in Redis, and their JSON. Values only.

A tenant's row holds all of its routing, so that a change of it is one row and a replica compiles one row.
Secrets in it are sealed; this floor cannot open them.
"""

from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

S = TypeVar("S", bound=Struct)

_MOST_DIGITS = 16  # of a revision: a number in Lua is exact up to 2**53


class ProviderRow(Struct, frozen=True, omit_defaults=True):
    """A tenant's provider. `sealed_api_key` is bound to the tenant and the provider's name."""

    kind: str
    base_url: str
    default_model: str
    sealed_api_key: str | None = None
    api_key_hint: str | None = None
    options: dict[str, Any] = {}


class FineTuneRow(Struct, frozen=True, omit_defaults=True):
    """A `ready` job's model, known to the data plane."""

    provider: str
    model: str
    base_model: str
    sealed_account: str | None = None  # the provider account that it lives in, whatever becomes of the provider
    checkpoints: dict[str, str] = {}  # id → model, of those that the provider kept on the way
    retires_at: str | None = None


class ActiveRow(Struct, frozen=True, omit_defaults=True):
    """The active job. `since` is RFC 3339; `by` is the id of the key that activated it; `checkpoint` is one of its
    checkpoints, by id, where not its last model answers."""

    job_id: str
    share: float
    since: str
    by: str
    checkpoint: str | None = None


class VaultRow(Struct, frozen=True, omit_defaults=True):
    """Where a tenant's Vault lies, and what was counted when it was accepted.

    `url` has no password. `sealed` are its secrets by name, each bound to the tenant and `vault/<name>`.
    """

    url: str
    ready_chunks: int
    other_chunks: int
    options: dict[str, Any] = {}
    sealed: dict[str, str] = {}


class TenantRow(Struct, frozen=True, omit_defaults=True):
    """A tenant. A deleted one keeps its row, so that its name is never given out again."""

    tenant: str
    created_at: str
    updated_at: str
    name: str = ""
    rule: Literal["default_only", "all", "off"] = "default_only"
    fallback: Literal["stock", "fail"] = "stock"
    suspended: bool = False
    deleted: bool = False
    allowed_paths: tuple[str, ...] = ()
    default_provider: str | None = None
    providers: dict[str, ProviderRow] = {}
    fine_tunes: dict[str, FineTuneRow] = {}
    active: ActiveRow | None = None
    vault: VaultRow | None = None
    cost_limit_usd: float | None = None  # of all jobs of thirty days, by their estimates

    @property
    def active_model(self) -> str | None:
        """The model that the active job's share of the calls is answered by."""
        made = self.fine_tunes.get(self.active.job_id) if self.active else None
        if made is None or self.active is None or self.active.checkpoint is None:
            return made.model if made else None
        return made.checkpoints.get(self.active.checkpoint)


class KeyRow(Struct, frozen=True, omit_defaults=True):
    """A key: its SHA-256 in hex, never itself. `tenant` is None for `service` and `platform_admin` keys."""

    id: str
    sha256: str
    role: str
    created_at: str
    tenant: str | None = None
    label: str = ""
    expires_at: str | None = None


class Row(Struct, frozen=True):
    """What stands in a table: `raw` exactly as stored (for compare-and-set), and its parts."""

    raw: bytes
    revision: int
    body: bytes


def parse_row(raw: bytes) -> Row:
    """A stored value is `<revision> <JSON>`. One that is not is of revision 0 and has no body: it can be replaced and
    deleted, and to decode it fails."""
    revision, _, body = raw.partition(b" ")
    if not revision.isdigit() or len(revision) > _MOST_DIGITS:
        return Row(raw, 0, b"")
    return Row(raw, int(revision), body)


_TENANT = msgspec.json.Decoder(TenantRow)
_KEY = msgspec.json.Decoder(KeyRow)


def tenant_row(row: Row) -> TenantRow:
    """The row as a tenant. Unknown fields, written by a newer version, are passed over. Raises MsgspecError."""
    return _decoded(_TENANT, row)


def key_row(row: Row) -> KeyRow:
    """The row as a key. Raises MsgspecError."""
    return _decoded(_KEY, row)


def _decoded(decoder: msgspec.json.Decoder[S], row: Row) -> S:
    try:
        return decoder.decode(row.body)
    except UnicodeDecodeError as error:  # the one error of msgspec's that is not a MsgspecError
        raise msgspec.DecodeError(str(error)) from None
