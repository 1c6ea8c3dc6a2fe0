"""What the text of a variable means, or why it cannot be used: plain functions, one for each kind of value.

Which variables there are is in `settings.py`, and the environment is read there alone.
"""

import base64
import ipaddress
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from gateway.masked import Secret, SecretBytes
from gateway.store import address
from gateway.upstream.addresses import InvalidUrl, Network
from gateway.upstream.proxy import Proxies, parse_proxy

_HIGHEST_PORT = 65_535
_MAY_BE_ZERO = frozenset({"HOUSESTYLE_METRICS_TENANTS"})


class SettingsError(Exception):
    """A variable has a value that cannot be used; the message names it."""


def secret(text: str | None) -> Secret | None:
    """A text that no traceback shows; what takes one that was not looked at yet, takes it as this."""
    return Secret(text) if text else None


def redis_url(url: Secret | None) -> Secret | None:
    """The address of Redis, looked at."""
    if url is not None:
        try:
            address.parse(url)
        except ValueError as error:
            raise SettingsError(f"HOUSESTYLE_REDIS_URL: {error}.") from None
    return url


def number(variable: str, text: str, kind: type[int] | type[float]) -> int | float:
    """A number above 0, and below a milliard."""
    try:
        value = kind(text)
    except ValueError:
        raise SettingsError(f"{variable} must be a number, not {text!r}.") from None
    if not (0 < value < 10**9 or (value == 0 and variable in _MAY_BE_ZERO)):
        raise SettingsError(f"{variable} must be above 0, not {text}.")
    return value


def port(text: str | None) -> int | None:
    """HOUSESTYLE_ADMIN_PORT; 0 is a free one."""
    if not text:
        return None
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > _HIGHEST_PORT:
        raise SettingsError(f"HOUSESTYLE_ADMIN_PORT must be a port, 1 to 65535, or 0 for a free one, not {text!r}.")
    return int(text)


def artifacts_url(environ: Mapping[str, str]) -> str | None:
    """Where artifacts are kept. A path would be another folder for each process, by where it is started."""
    url = environ.get("HOUSESTYLE_ARTIFACTS_URL") or None
    if url is not None and "://" not in url:
        words = "HOUSESTYLE_ARTIFACTS_URL must be a URL such as file:///srv/artifacts or s3://bucket/prefix"
        raise SettingsError(f"{words}, not {url!r}.")
    return url


def look_for_authorities(environ: Mapping[str, str]) -> None:
    """SSL_CERT_FILE, which OpenSSL passes over in silence where it is not there: every provider would be refused."""
    named = environ.get("SSL_CERT_FILE")
    if named and not Path(named).is_file():
        raise SettingsError(f"SSL_CERT_FILE: there is no file {named}: every provider's certificate would be refused.")


def proxies(environ: Mapping[str, str]) -> Proxies | None:
    """HTTPS_PROXY and NO_PROXY; in lower case too, as most programs read them."""
    https = secret(environ.get("HTTPS_PROXY") or environ.get("https_proxy"))
    try:
        return parse_proxy(https, environ.get("NO_PROXY") or environ.get("no_proxy"))
    except InvalidUrl as error:
        raise SettingsError(f"{error}.") from None


def translator_python(environ: Mapping[str, str]) -> Path | None:
    """The Python of the translator's environment: the one named, else the one beside ours."""
    named = environ.get("HOUSESTYLE_TRANSLATOR_PYTHON")
    if named:
        if not Path(named).is_file():
            raise SettingsError(f"HOUSESTYLE_TRANSLATOR_PYTHON: there is no {named}.")
        return Path(named)
    beside = Path(f"{sys.prefix}-translator") / "bin" / "python"
    return beside if beside.exists() else None


def admin_key(environ: Mapping[str, str]) -> Secret | None:
    """A platform admin's key, which a header can hold."""
    key = secret(environ.get("HOUSESTYLE_ADMIN_KEY"))
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
        raise SettingsError("HOUSESTYLE_ADMIN_KEY has a character that a header cannot hold, such as a space.")
    return key


def path(environ: Mapping[str, str], variable: str) -> Path | None:
    """A file, from the root; it need not be there."""
    named = environ.get(variable)
    return Path(named).absolute() if named else None


def listed(environ: Mapping[str, str], variable: str) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in (environ.get(variable) or "").split(",") if part.strip()]


def root(text: str) -> str:
    """A prefix of URLs that Vaults may lie under."""
    if "://" not in text:
        raise SettingsError(f"HOUSESTYLE_VAULT_ROOTS must hold URLs such as file:///srv/vaults/, not {text!r}.")
    if set(re.findall(r"\{.*?\}|[{}]", text)) - {"{tenant}"}:
        raise SettingsError(f"HOUSESTYLE_VAULT_ROOTS: of {text!r}, only {{tenant}} is understood between braces.")
    return text


def networks(environ: Mapping[str, str], variable: str) -> tuple[Network, ...]:
    """Networks in CIDR, or addresses, between commas."""
    try:
        return tuple(ipaddress.ip_network(text) for text in listed(environ, variable))
    except ValueError as error:
        raise SettingsError(f"{variable}: {error}; a network is written as 10.0.0.0/8.") from None


def encryption_key(text: str) -> SecretBytes:
    """The 32 bytes of a key in base64. Raises SettingsError."""
    try:
        key = SecretBytes(base64.b64decode(text, validate=True))
    except ValueError:  # binascii.Error is one; text that is not ASCII is another
        key = SecretBytes()
    if len(key) != 32:
        raise SettingsError("HOUSESTYLE_ENCRYPTION_KEYS must hold base64 of 32 bytes each (`openssl rand -base64 32`).")
    return key
