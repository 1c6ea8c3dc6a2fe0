"""What a Vault needs besides its URL, and what may be said of which kind of URL. Shapes and limits only.

Secrets are apart from the options: whoever keeps options keeps no secret.
"""

from typing import Annotated

from msgspec import Meta, Struct

Path = Annotated[str, Meta(pattern=r"^[^.]{1,128}(\.[^.]{1,128}){0,7}\Z")]
Parameter = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._\[\]-]{1,64}\Z")]
Word = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._/+=-]{1,128}\Z")]

SECRETS = ("password", "token", "secret_access_key", "service_account")

_FOR_ALL = frozenset({"fields", "ready_values"})
_OF_SCHEME = {
    "file": frozenset[str](),
    "s3": frozenset({"region", "endpoint_url", "access_key_id", "secret_access_key", "anonymous"}),
    "gs": frozenset({"endpoint_url", "service_account", "anonymous"}),
    "http": frozenset({"api", "token", "password"}),
    "https": frozenset({"api", "token", "password"}),
    "postgresql": frozenset({"query", "statement_seconds", "password"}),
}


class Fields(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a record has what a chunk is made of: names, with dots for what lies deeper.

    null: the records have none. Without `status` every record is ready; without `title` it is empty; without
    `position` it is the record's own place in its file, or in the whole.
    """

    chunk_id: Path = "chunk_id"
    document_id: Path = "document_id"
    text: Path = "text"
    title: Path | None = "title"
    position: Path | None = "position"
    status: Path | None = "status"


class Api(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The URL answers pages of JSON: `items` and `next_cursor` are fields of a page, `cursor` and `limit` parameters of
    the query."""

    items: Path = "items"
    next_cursor: Path = "next_cursor"
    cursor: Parameter = "cursor"
    limit: Parameter = "limit"
    page_size: Annotated[int, Meta(ge=1, le=1000)] = 200


class Options(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`ready_values`: the values of `status` that mean `ready`.

    `api`: http(s), the URL is an API's and not a file's.
    `query`: postgresql, one SELECT; each of its statements may take `statement_seconds`.
    `region`, `access_key_id`: s3. `endpoint_url`: s3 and gs, a server of another's; it must lie under a root itself.
    `anonymous`: s3 and gs, a public bucket.
    """

    fields: Fields = Fields()
    ready_values: Annotated[tuple[str | bool | int, ...], Meta(min_length=1, max_length=20)] = ("ready",)
    api: Api | None = None
    query: Annotated[str, Meta(min_length=1, max_length=20_000)] | None = None
    statement_seconds: Annotated[int, Meta(ge=1, le=3600)] = 300
    region: Word | None = None
    endpoint_url: Annotated[str, Meta(max_length=500)] | None = None
    access_key_id: Word | None = None
    anonymous: bool = False


class Source(Struct, frozen=True):
    """A Vault as it is kept: its URL without the password, its options, and its secrets by their names."""

    url: str
    options: Options = Options()
    secrets: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Source({self.url.partition('://')[0]}://…)"  # never a secret


def misfit(scheme: str, said: Options, secrets: frozenset[str]) -> tuple[str, str] | None:
    """The first option that means nothing for a URL of this scheme, or that lacks another: its name, and why."""
    given = {name for name in said.__struct_fields__ if getattr(said, name) != getattr(_NOTHING, name)} | secrets
    for name in sorted(given - _FOR_ALL - _OF_SCHEME[scheme]):
        return name, f"it means nothing for a Vault at {scheme}://"
    if scheme == "postgresql" and said.query is None:
        return "query", "a Vault at postgresql:// needs the SELECT that gives its chunks"
    if {"token", "password"} <= secrets:
        return "token", "send a token, or a user and a password in the URL, not both"
    if scheme in ("s3", "gs"):
        return _of_buckets(said, secrets, "secret_access_key" if scheme == "s3" else "service_account")
    return None


def _of_buckets(said: Options, secrets: frozenset[str], own: str) -> tuple[str, str] | None:
    if said.anonymous and own in secrets:
        return "anonymous", f"it is {own} or anonymous, not both"
    if (said.access_key_id is None) != ("secret_access_key" not in secrets):
        return "access_key_id", "access_key_id and secret_access_key go together"
    if said.endpoint_url is not None and not said.anonymous and own not in secrets:
        return "endpoint_url", f"with it goes a {own} of its own: the operator's is not sent to other servers"
    return None


_NOTHING = Options()
