"""A provider's API key as it lies in the store: sealed for its tenant, its name, and whom it is sent to.

So who can write to the store, and has no encryption key, cannot lead a credential elsewhere: beside another address it
does not open. What an older version sealed is bound to no address; it opens, and is sealed anew when the key is put
again, or by `housestyle rotate-keys`.
"""

from typing import Any

import msgspec

from gateway.secrets import Keyring, is_bound
from gateway.store.rows import ProviderRow
from gateway.wire.kinds import KINDS, is_translated


def sent_to(provider: ProviderRow) -> tuple[object, ...]:
    """What says whom the provider's key is sent to, and in which form."""
    return (provider.kind, provider.base_url, *_by_translator(provider.kind, provider.default_model, provider.options))


def _by_translator(kind: str, default_model: str, options: dict[str, Any]) -> tuple[object, ...]:
    """The part of it that stands in the options, of a provider that is reached by way of the translator."""
    if kind not in KINDS or not is_translated(kind):
        return ()
    vendor = options.get("provider") or default_model.partition("/")[0] if kind == "litellm" else None
    return (vendor, *(options.get(name) for name in ("region", "access_key_id", "project", "location")))


def field(name: str) -> str:
    """What its place in the row is called."""
    return f"providers/{name}/api_key"


def bound_to(provider: ProviderRow) -> str:
    """The same as a text that a seal takes."""
    return msgspec.json.encode(sent_to(provider)).decode()


def open_api_key(tenant: str, name: str, provider: ProviderRow, keyring: Keyring) -> str | None:
    """The provider's credential; None where it has none. Raises CannotOpen."""
    if provider.sealed_api_key is None:
        return None
    return keyring.open(provider.sealed_api_key, tenant=tenant, field=field(name), bound_to=bound_to(provider))


def seal_api_key(secret: str, tenant: str, name: str, provider: ProviderRow, keyring: Keyring) -> str:
    """The credential, sealed for the row as it stands but for its key."""
    return keyring.seal(secret, tenant=tenant, field=field(name), bound_to=bound_to(provider))


def is_current(provider: ProviderRow) -> bool:
    """Whether its key is bound to whom it is sent to, or there is none to bind."""
    return provider.sealed_api_key is None or is_bound(provider.sealed_api_key)
