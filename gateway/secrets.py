"""Secrets at rest: provider credentials sealed with AES-256-GCM, keys kept as hashes only.

A sealed secret is bound to the tenant and the field that it was sealed for, and to what else it is told (`v2`): moved
elsewhere, it does not open.
"""

import base64
import hashlib
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.masked import Secret

_NONCE = 12  # bytes; NIST SP 800-38D
_UNBOUND, _BOUND = "v1", "v2"  # what a sealed text begins with


class CannotOpen(Exception):
    """The secret was sealed with a key that is not here, or for another place, or was altered."""


class Keyring:
    """The encryption keys: the first seals, all open. `first` is its name, which is not secret."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        self._ciphers = {_name(key): AESGCM(key) for key in keys}
        self.first = _name(keys[0])

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its keys, the first one first."""
        return tuple(self._ciphers)

    def seal(self, secret: str, *, tenant: str, field: str, bound_to: str = "") -> str:
        """Text that only `open` with the same tenant, field and `bound_to` turns back."""
        secret, nonce = Secret(secret), os.urandom(_NONCE)
        version = _BOUND if bound_to else _UNBOUND
        sealed = self._ciphers[self.first].encrypt(nonce, secret.encode(), _place(version, tenant, field, bound_to))
        return f"{version}.{self.first}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *, tenant: str, field: str, bound_to: str = "") -> Secret:
        """The secret; one that was sealed without a `bound_to` opens with any. Raises CannotOpen."""
        try:
            version, name, text = sealed.split(".")
            raw = base64.urlsafe_b64decode(text)
            cipher = self._ciphers[name]
            if version not in (_UNBOUND, _BOUND):
                raise CannotOpen(f"a secret of version {version}")
            place = _place(version, tenant, field, bound_to)
            return Secret(cipher.decrypt(raw[:_NONCE], raw[_NONCE:], place).decode())
        except KeyError:
            raise CannotOpen("it was sealed with a key that HOUSESTYLE_ENCRYPTION_KEYS does not have") from None
        except (ValueError, InvalidTag):
            raise CannotOpen("it was sealed for another place, or altered") from None


def sealed_with(sealed: str) -> str:
    """The name of the key that a secret was sealed with; "" where it is none of ours."""
    return sealed.split(".")[1] if sealed.count(".") == 2 else ""


def is_bound(sealed: str) -> bool:
    """Whether it was sealed with a `bound_to`."""
    return sealed.startswith(f"{_BOUND}.")


def new_key() -> Secret:
    """A caller's or admin's key: `hs_` and 256 random bits."""
    return Secret(f"hs_{secrets.token_urlsafe(32)}")


def fingerprint(key: str) -> str:
    """What is stored of a key, and looked up by: its SHA-256 in hex. Keys are random, so no salt is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


def hint(secret: str) -> str:
    """What may be shown of a provider's secret."""
    return f"…{secret[-4:]}" if len(secret) >= 12 else "…"


def _name(key: bytes) -> str:
    return hashlib.sha256(b"housestyle key name\0" + key).hexdigest()[:8]


def _place(version: str, tenant: str, field: str, bound_to: str) -> bytes:
    return "\0".join((tenant, field) if version == _UNBOUND else (tenant, field, bound_to)).encode()
