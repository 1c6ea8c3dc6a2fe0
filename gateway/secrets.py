"""Secrets at rest: provider credentials sealed with AES-256-GCM, keys kept as hashes only.

A sealed secret is bound to the tenant and the field that it was sealed for: moved elsewhere, it does not open.
"""

import base64
import hashlib
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12  # bytes; NIST SP 800-38D


class CannotOpen(Exception):
    """The secret was sealed with a key that is not here, or for another place, or was altered."""


class Keyring:
    """The encryption keys: the first seals, all open."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        self._ciphers = {_name(key): AESGCM(key) for key in keys}
        self._first = _name(keys[0])

    def seal(self, secret: str, *, tenant: str, field: str) -> str:
        """Text that only `open` with the same tenant and field turns back."""
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self._first].encrypt(nonce, secret.encode(), _place(tenant, field))
        return f"v1.{self._first}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *, tenant: str, field: str) -> str:
        """The secret. Raises CannotOpen."""
        try:
            version, name, text = sealed.split(".")
            raw = base64.urlsafe_b64decode(text)
            cipher = self._ciphers[name]
            if version != "v1":
                raise CannotOpen(f"a secret of version {version}")
            return cipher.decrypt(raw[:_NONCE], raw[_NONCE:], _place(tenant, field)).decode()
        except KeyError:
            raise CannotOpen("it was sealed with a key that HOUSESTYLE_ENCRYPTION_KEYS does not have") from None
        except (ValueError, InvalidTag):
            raise CannotOpen("it was sealed for another place, or altered") from None


def new_key() -> str:
    """A caller's or admin's key: `hs_` and 256 random bits."""
    return f"hs_{secrets.token_urlsafe(32)}"


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
