"""What the contract says of the routes that the resource tests ask for, in words of its own: which the gateway relays,
which it relays once a platform admin has allowed them, which never.

The sources are the tables of docs/data-plane.md. Nothing of the gateway is imported: this judges it.
"""

from collections.abc import Iterable
from urllib.parse import unquote

_POST = frozenset({"POST"})
_EXACT = {
    "chat/completions": _POST,
    "responses": _POST,
    "completions": _POST,
    "messages": _POST,
    "messages/count_tokens": _POST,
    "embeddings": _POST,
    "moderations": _POST,
    "models": frozenset({"GET"}),
}
_BELOW = {
    "images": _POST,
    "audio": _POST,
    "responses": frozenset({"GET", "POST", "DELETE"}),
    "models": frozenset({"GET"}),
}
_NEVER = frozenset({"fine_tuning", "organization", "projects"})
_FILES = frozenset({"files", "uploads"})


def refusal(method: str, path: str, allowed: Iterable[str] = ()) -> tuple[int, str] | None:
    """Status and code that a call must be refused with, None where it must be relayed. `path` as sent, with or without
    `/v1`; `allowed` as in a tenant's `allowed_paths`."""
    name = _name(path)
    methods = _methods(name)
    if methods is None:
        further = _allows_further(method, name, allowed)
        return None if further else (403, "endpoint_not_allowed")
    if method in methods:
        return None
    # A path of the table is not "any other path": nothing can be allowed there. Deleting a model would harm the tenant.
    return (403, "endpoint_not_allowed") if name.startswith("models/") else (405, "method_not_allowed")


def family(path: str) -> str:
    """What a route is counted under: the first part of its path."""
    return _name(path).split("/", 1)[0]


def to_allow(paths: Iterable[str]) -> tuple[str, ...]:
    """The entries of `allowed_paths` that open everything among `paths` that can be opened."""
    further = {family(path) for path in paths if _methods(_name(path)) is None and not _is_never(_name(path))}
    return tuple(entry for name in sorted(further) for entry in (name, f"{name}/*"))


def _methods(name: str) -> frozenset[str] | None:
    first, _, rest = name.partition("/")
    return _EXACT.get(name) or (_BELOW.get(first) if rest else None)


def _allows_further(method: str, name: str, allowed: Iterable[str]) -> bool:
    if _is_never(name) or (method != "POST" and not _FILES.isdisjoint(name.split("/"))):
        return False
    return any(name == entry or (entry.endswith("/*") and name.startswith(entry[:-1])) for entry in allowed)


def _is_never(name: str) -> bool:
    return not _NEVER.isdisjoint(name.split("/"))


def _name(path: str) -> str:
    return unquote(path.partition("?")[0]).removeprefix("/v1").removeprefix("/")
