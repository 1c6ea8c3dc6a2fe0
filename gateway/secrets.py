"""Secrets at rest: provider credentials sealed with AES-256-GCM, keys kept as hashes only.

A sealed secret is bound to the tenant and the field that it was sealed for: moved elsewhere, it does not open.
"""

import base64
import hashlib
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.masked import Secret

_NONCE = 12  # bytes; NIST SP 800-38D


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

    def seal(self, secret: str, *, tenant: str, field: str) -> str:
        """Text that only `open` with the same tenant and field turns back."""
        secret, nonce = Secret(secret), os.urandom(_NONCE)
        sealed = self._ciphers[self.first].encrypt(nonce, secret.encode(), _place(tenant, field))
        return f"v1.{self.first}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *, tenant: str, field: str) -> Secret:
        """The secret. Raises CannotOpen."""
        try:
            version, name, text = sealed.split(".")
            raw = base64.urlsafe_b64decode(text)
            cipher = self._ciphers[name]
            if version != "v1":
                raise CannotOpen(f"a secret of version {version}")
            return Secret(cipher.decrypt(raw[:_NONCE], raw[_NONCE:], _place(tenant, field)).decode())
        except KeyError:
            raise CannotOpen("it was sealed with a key that HOUSESTYLE_ENCRYPTION_KEYS does not have") from None
        except (ValueError, InvalidTag):
            raise CannotOpen("it was sealed for another place, or altered") from None


def sealed_with(sealed: str) -> str:
    """The name of the key that a secret was sealed with; "" where it is none of ours."""
    return sealed.split(".")[1] if sealed.count(".") == 2 else ""


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


def _place(tenant: str, field: str) -> bytes:
    return f"{tenant}\0{field}".encode()
