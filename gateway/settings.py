"""The environment, read once into one frozen value. Nothing else reads it, and nothing reads it at import."""

import base64
import ipaddress
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from gateway.masked import Secret, SecretBytes, SecretEnviron
from gateway.store import address
from gateway.upstream.addresses import InvalidUrl, Network
from gateway.upstream.proxy import Proxies, parse_proxy

# Set for the children of an embedded gateway only: the address of its Redis, whose secrets lie in the data
# directory.
ATTACHED_REDIS = "HOUSESTYLE_ATTACHED_REDIS"


class SettingsError(Exception):
    """A variable has a value that cannot be used; the message names it."""


class Settings(Struct, frozen=True):
    """Seconds and megabytes as in the variables' names. Empty where a variable is unset and has no default.

    `admin_port` None: one port serves callers and admins; 0: admins have a free one.
    """

    redis_url: str | None
    attached: bool
    data_dir: Path
    admin_key: str | None
    encryption_keys: tuple[bytes, ...]
    artifacts_url: str | None
    vault_roots: tuple[str, ...]
    upstream_allow: tuple[Network, ...]
    connect_timeout: float = 10.0
    first_byte_timeout: float = 600.0
    idle_timeout: float = 120.0
    drain_seconds: float = 30.0
    max_body_mb: float = 32.0
    max_concurrent: int = 2000
    why_days: int = 90
    why_max: int = 100_000
    audit_days: int = 730
    artifact_days: int = 730
    trusted_proxies: tuple[Network, ...] = ()
    bootstrap: Path | None = None
    prices: Path | None = None
    admin_port: int | None = None
    poll_seconds: float = 10.0
    metrics_tenants: int = 500
    proxies: Proxies | None = None
    translator_python: Path | None = None

    def __repr__(self) -> str:
        return f"Settings(data_dir={str(self.data_dir)!r}, embedded={self.embedded})"  # never a secret

    @property
    def embedded(self) -> bool:
        """Whether Redis is a child of this gateway, or of the gateway that this process is a child of."""
        return self.redis_url is None or self.attached


def read(environ: Mapping[str, str]) -> Settings:
    """Reads the variables of the contract. Raises SettingsError."""
    environ = SecretEnviron(environ)
    attached = environ.get(ATTACHED_REDIS)
    redis_url = _secret(attached or environ.get("HOUSESTYLE_REDIS_URL"))
    if redis_url is not None:
        try:
            address.parse(redis_url)
        except ValueError as error:
            raise SettingsError(f"HOUSESTYLE_REDIS_URL: {error}.") from None
    return Settings(
        redis_url=redis_url,
        attached=bool(attached),
        data_dir=Path(environ.get("HOUSESTYLE_DATA_DIR") or "housestyle-data").absolute(),
        admin_key=_admin_key(environ),
        encryption_keys=tuple(map(encryption_key, map(Secret, _list(environ, "HOUSESTYLE_ENCRYPTION_KEYS")))),
        artifacts_url=environ.get("HOUSESTYLE_ARTIFACTS_URL") or None,
        vault_roots=tuple(_root(text) for text in _list(environ, "HOUSESTYLE_VAULT_ROOTS")),
        upstream_allow=_networks(environ, "HOUSESTYLE_UPSTREAM_ALLOW"),
        trusted_proxies=_networks(environ, "HOUSESTYLE_TRUSTED_PROXIES"),
        bootstrap=_path(environ, "HOUSESTYLE_BOOTSTRAP"),
        prices=_path(environ, "HOUSESTYLE_PRICES"),
        admin_port=_port(environ.get("HOUSESTYLE_ADMIN_PORT")),
        proxies=_proxies(environ),
        translator_python=_translator_python(environ),
        **_numbers(environ),
    )


_TEXTS = (
    "HOUSESTYLE_REDIS_URL",
    "HOUSESTYLE_DATA_DIR",
    "HOUSESTYLE_ADMIN_KEY",
    "HOUSESTYLE_ENCRYPTION_KEYS",
    "HOUSESTYLE_ARTIFACTS_URL",
    "HOUSESTYLE_VAULT_ROOTS",
    "HOUSESTYLE_UPSTREAM_ALLOW",
    "HOUSESTYLE_TRUSTED_PROXIES",
    "HOUSESTYLE_BOOTSTRAP",
    "HOUSESTYLE_PRICES",
    "HOUSESTYLE_ADMIN_PORT",
    "HOUSESTYLE_TRANSLATOR_PYTHON",
)
_HIGHEST_PORT = 65_535
_NUMBERS: dict[str, tuple[str, type[int] | type[float]]] = {
    "connect_timeout": ("HOUSESTYLE_CONNECT_TIMEOUT", float),
    "first_byte_timeout": ("HOUSESTYLE_FIRST_BYTE_TIMEOUT", float),
    "idle_timeout": ("HOUSESTYLE_IDLE_TIMEOUT", float),
    "drain_seconds": ("HOUSESTYLE_DRAIN_SECONDS", float),
    "max_body_mb": ("HOUSESTYLE_MAX_BODY_MB", float),
    "max_concurrent": ("HOUSESTYLE_MAX_CONCURRENT", int),
    "why_days": ("HOUSESTYLE_WHY_DAYS", int),
    "why_max": ("HOUSESTYLE_WHY_MAX", int),
    "audit_days": ("HOUSESTYLE_AUDIT_DAYS", int),
    "artifact_days": ("HOUSESTYLE_ARTIFACT_DAYS", int),
    "poll_seconds": ("HOUSESTYLE_POLL_SECONDS", float),
    "metrics_tenants": ("HOUSESTYLE_METRICS_TENANTS", int),
}
_MAY_BE_ZERO = frozenset({"HOUSESTYLE_METRICS_TENANTS"})


def _numbers(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field, (variable, kind) in _NUMBERS.items():
        text = environ.get(variable)
        if not text:
            continue
        try:
            value = kind(text)
        except ValueError:
            raise SettingsError(f"{variable} must be a number, not {text!r}.") from None
        if not (0 < value < 10**9 or (value == 0 and variable in _MAY_BE_ZERO)):
            raise SettingsError(f"{variable} must be above 0, not {text}.")
        found[field] = value
    return found


def _port(text: str | None) -> int | None:
    if not text:
        return None
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > _HIGHEST_PORT:
        raise SettingsError(f"HOUSESTYLE_ADMIN_PORT must be a port, 1 to 65535, or 0 for a free one, not {text!r}.")
    return int(text)


def _proxies(environ: Mapping[str, str]) -> Proxies | None:
    """HTTPS_PROXY and NO_PROXY; in lower case too, as most programs read them."""
    https = _secret(environ.get("HTTPS_PROXY") or environ.get("https_proxy"))
    try:
        return parse_proxy(https, environ.get("NO_PROXY") or environ.get("no_proxy"))
    except InvalidUrl as error:
        raise SettingsError(f"HTTPS_PROXY: {error}.") from None


def _translator_python(environ: Mapping[str, str]) -> Path | None:
    """The Python of the translator's environment: the one named, else the one beside ours."""
    named = environ.get("HOUSESTYLE_TRANSLATOR_PYTHON")
    if named:
        if not Path(named).is_file():
            raise SettingsError(f"HOUSESTYLE_TRANSLATOR_PYTHON: there is no {named}.")
        return Path(named)
    beside = Path(f"{sys.prefix}-translator") / "bin" / "python"
    return beside if beside.exists() else None


def _admin_key(environ: Mapping[str, str]) -> Secret | None:
    key = _secret(environ.get("HOUSESTYLE_ADMIN_KEY"))
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
        raise SettingsError("HOUSESTYLE_ADMIN_KEY has a character that a header cannot hold, such as a space.")
    return key


def _secret(text: str | None) -> Secret | None:
    return Secret(text) if text else None


def _path(environ: Mapping[str, str], variable: str) -> Path | None:
    named = environ.get(variable)
    return Path(named).absolute() if named else None


def _list(environ: Mapping[str, str], variable: str) -> list[str]:
    return [part.strip() for part in (environ.get(variable) or "").split(",") if part.strip()]


def unknown(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like ours and are not read: a slip of the pen, or of another version."""
    known = {ATTACHED_REDIS, *_TEXTS, *(variable for variable, _ in _NUMBERS.values())}
    return sorted(name for name in environ if name.startswith("HOUSESTYLE_") and name not in known)


def _root(text: str) -> str:
    if "://" not in text:
        raise SettingsError(f"HOUSESTYLE_VAULT_ROOTS must hold URLs such as file:///srv/vaults/, not {text!r}.")
    if set(re.findall(r"\{.*?\}|[{}]", text)) - {"{tenant}"}:
        raise SettingsError(f"HOUSESTYLE_VAULT_ROOTS: of {text!r}, only {{tenant}} is understood between braces.")
    return text


def _networks(environ: Mapping[str, str], variable: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(text) for text in _list(environ, variable))
    except ValueError as error:
        raise SettingsError(f"{variable}: {error}.") from None


def encryption_key(text: str) -> SecretBytes:
    """The 32 bytes of a key in base64. Raises SettingsError."""
    try:
        key = SecretBytes(base64.b64decode(text, validate=True))
    except ValueError:  # binascii.Error is one; text that is not ASCII is another
        key = SecretBytes()
    if len(key) != 32:
        raise SettingsError("HOUSESTYLE_ENCRYPTION_KEYS must hold base64 of 32 bytes each (`openssl rand -base64 32`).")
    return key
