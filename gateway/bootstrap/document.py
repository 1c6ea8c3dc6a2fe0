"""The document: its shape, and the entries that it comes to. Nothing is read or written here.

An entry has the shape of the admin API's body for the same thing. Where a secret is named rather than given, whoever
calls looks it up. Messages have the path of what is wrong, and never a secret.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import replace

from finetune import vaults
from gateway import timestamps
from gateway.admin.handling import invalid
from gateway.admin.schemas import KeyPost, Name, ProviderPut, TenantPut, VaultPut
from gateway.masked import Secret
from gateway.plain import NotPlain, below, load
from gateway.settings import SettingsError
from policies import access

S = TypeVar("S", bound=Struct)

_OWN = ("providers", "vault", "keys")  # of a tenant: entries of their own
_SECRETS = ("api_key", "api_key_env", "api_key_file")
# What comes out where the variable that should have held the key was empty.
_OF_NOTHING = frozenset(hashlib.sha256(text).hexdigest() for text in (b"", b"\n"))


class KeyEntry(KeyPost, forbid_unknown_fields=True, kw_only=True):
    """A key of which the file has the SHA-256 alone, in hex."""

    sha256: Annotated[str, Meta(pattern=r"^[0-9A-Fa-f]{64}\Z")]


class Entry(Struct, frozen=True):
    """One thing to be applied.

    `path` is where it stands, `mark` the name under which it is remembered; a key's is the same wherever it stands.
    `name` is a provider's name or a key's id. `digest` is the SHA-256 of all that the file says of it, secrets too.
    """

    path: str
    mark: str
    tenant: str
    name: str
    body: TenantPut | ProviderPut | VaultPut | KeyEntry
    digest: str

    def __repr__(self) -> str:
        return f"Entry({self.path})"  # never its secret


class Document(Struct, frozen=True):
    """The entries, in the order in which they are applied."""

    entries: tuple[Entry, ...] = ()


class Named(Struct, frozen=True):
    """Where secrets that the document only names are looked up.

    `file` gives a file's text by its absolute path. Raises OSError, ValueError.
    """

    environ: Mapping[str, str]
    file: Callable[[str], str]

    def __repr__(self) -> str:
        return "Named()"  # the environment has secrets


class _Whole(Struct, forbid_unknown_fields=True):
    tenants: dict[str, Any] = field(default_factory=dict)
    keys: list[Any] = field(default_factory=list)


class _Tenant(TenantPut, forbid_unknown_fields=True):
    providers: dict[str, Any] = field(default_factory=dict)
    vault: dict[str, Any] | UnsetType = UNSET
    keys: list[Any] = field(default_factory=list)


class _Provider(ProviderPut, forbid_unknown_fields=True):
    api_key_env: str | None = None
    api_key_file: str | None = None


def refused(place: str, words: str) -> SettingsError:
    """The error of something in the file; `place` is a path in it."""
    return SettingsError(f"HOUSESTYLE_BOOTSTRAP: {place}: {words}")


def parse(text: bytes, named: Named) -> Document:
    """The document. Raises SettingsError, with the path of what is wrong."""
    try:
        value = load(text)
    except NotPlain as error:
        raise refused(error.place, error.words) from None
    whole = _shaped({} if value is None else value, _Whole, "")
    entries: list[Entry] = []
    for tenant, said in whole.tenants.items():
        entries += _tenant(tenant, said, named)
    entries += _keys("", whole.keys, "keys")
    _refuse_repeated_keys(entries)
    return Document(tuple(entries))


def _tenant(name: str, said: Any, named: Named) -> Iterator[Entry]:
    """A tenant, and then what it has."""
    place = below("tenants", name)
    try:
        msgspec.convert(name, Name)
    except msgspec.ValidationError:
        raise refused(place, "a tenant's name is [a-z0-9][a-z0-9-]{0,62}") from None
    tenant = _shaped(said, _Tenant, place)
    own = {part: value for part, value in said.items() if part not in _OWN}
    yield Entry(place, place, name, "", _shaped(own, TenantPut, place), _digest(own))
    defaults: list[str] = []
    for provider, its in tenant.providers.items():
        entry = _provider(name, provider, its, named)
        if isinstance(entry.body, ProviderPut) and entry.body.is_default:
            defaults.append(provider)
        yield entry
    if len(defaults) > 1:
        raise refused(f"{place}.providers", f"one of {' and '.join(defaults)} can be the default, not both")
    if tenant.vault is not UNSET:
        at = f"{place}.vault"
        full = _vault(tenant.vault, named, at)
        yield Entry(at, at, name, "", _shaped(full, VaultPut, at), _digest(full))
    yield from _keys(name, tenant.keys, f"{place}.keys")


def _provider(tenant: str, name: str, said: Any, named: Named) -> Entry:
    place = f"tenants.{tenant}.providers.{name}"
    entry = _shaped(said, _Provider, place)
    full = {part: value for part, value in said.items() if part not in _SECRETS}
    given = {part: getattr(entry, part) for part in _SECRETS}
    secret = _secret("api_key", given, named, place)
    if secret is not None:
        full["api_key"] = str(secret)
    return Entry(place, place, tenant, name, _shaped(full, ProviderPut, place), _digest(full))


def _vault(said: dict[str, Any], named: Named, place: str) -> dict[str, Any]:
    """The Vault with the secrets that it only names."""
    options = said.get("options")
    if not isinstance(options, dict):
        return said
    full = dict(options)
    for name in vaults.SECRETS:
        parts = [name, f"{name}_env", f"{name}_file"]
        named_parts = {part: full.pop(part) for part in parts[1:] if part in full}
        for part, value in named_parts.items():
            if not isinstance(value, str):
                raise refused(f"{place}.options.{part}", "must be text")
        secret = _secret(name, {**named_parts, name: full.get(name)}, named, f"{place}.options")
        if named_parts and secret is not None:
            full[name] = str(secret)
    return {**said, "options": full}


def _secret(name: str, said: Mapping[str, str | None], named: Named, place: str) -> Secret | None:
    """A credential, wherever it stands: under its name, in a variable, in a file. Raises SettingsError."""
    given = [part for part, value in said.items() if value is not None]
    if len(given) > 1:
        raise refused(place, f"of {', '.join(given)}, say one")
    variable, file, secret = (said.get(part) for part in (f"{name}_env", f"{name}_file", name))
    if variable is not None:
        found = Secret(named.environ.get(variable, ""))
        if not found:
            raise refused(f"{place}.{name}_env", f"the variable {variable} is not set")
        return found
    if file is not None:
        return _from_file(file, named, f"{place}.{name}_file")
    return Secret(secret) if secret is not None else None


def _from_file(path: str, named: Named, place: str) -> Secret:
    if not path.startswith("/"):
        raise refused(place, "the path must be absolute")
    try:
        found = Secret(named.file(path).rstrip("\r\n"))
    except OSError as error:
        raise refused(place, f"{path} cannot be read: {error.strerror or type(error).__name__}") from None
    except ValueError:
        raise refused(place, f"{path} is not UTF-8") from None
    if not found:
        raise refused(place, f"{path} is empty")
    return found


def _keys(tenant: str, listed: list[Any], place: str) -> Iterator[Entry]:
    allowed = access.TENANT_ROLES if tenant else access.PLATFORM_ROLES
    for index, its in enumerate(listed):
        at = f"{place}[{index}]"
        entry = _shaped(its, KeyEntry, at)
        if entry.role not in allowed:
            raise refused(f"{at}.role", f"keys of the roles {' and '.join(sorted(allowed))} stand here")
        digest = entry.sha256.lower()
        if digest in _OF_NOTHING:
            raise refused(f"{at}.sha256", "this is the hash of nothing: the key was empty when it was hashed")
        body = replace(entry, sha256=digest, expires_at=_expiry(entry.expires_at, f"{at}.expires_at"))
        key_id = f"key_{digest[:32]}"
        said = _digest({**its, "sha256": digest, "tenant": tenant})
        yield Entry(f"{place}.{key_id}", f"keys.{key_id}", tenant, key_id, body, said)


def _expiry(text: str | None, place: str) -> str | None:
    """The expiry as it is stored; one that is over gives a key that lets nobody in, which is no error."""
    try:
        return None if text is None else timestamps.from_seconds(timestamps.to_seconds(text))
    except (ValueError, OverflowError) as error:
        raise refused(place, f"{error}") from None


def _refuse_repeated_keys(entries: list[Entry]) -> None:
    places: dict[str, str] = {}
    for entry in entries:
        if isinstance(entry.body, KeyEntry) and places.setdefault(entry.mark, entry.path) is not entry.path:
            raise refused(entry.path, f"the same sha256 stands at {places[entry.mark]}; a key is one tenant's, once")


def _shaped(said: Any, shape: type[S], place: str) -> S:
    """A value as `shape`. Raises SettingsError."""
    try:
        return msgspec.convert(said, shape)
    except msgspec.ValidationError as error:
        told = invalid(str(error), shape)
    at = below(place, told.param) if told.param else place
    words = told.message.removeprefix(f"{told.param}: ").removeprefix("The body: ")
    hint = " (text in quotes?)" if "Expected `str`" in words else ""
    raise refused(at or "the file", words.rstrip(".") + hint)


def _digest(said: dict[str, Any]) -> str:
    """Of what the file says and nothing else: an entry must not look changed to a version that knows more fields."""
    return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()
