"""What the variables of a translator that runs by itself mean, for both of its sides, or why they cannot be used.

Plain functions; certificates are read to see whether they are any. Which variables there are is in `settings.py`.
"""

import ipaddress
import re
import ssl
from collections.abc import Mapping
from pathlib import Path

from gateway.masked import Secret
from gateway.setting_values import SettingsError, listed
from gateway.upstream.addresses import InvalidUrl, Origin, parse_base_url

URL, TOKEN = "HOUSESTYLE_TRANSLATOR_URL", "HOUSESTYLE_TRANSLATOR_TOKEN"
CA, PLAINTEXT = "HOUSESTYLE_TRANSLATOR_CA_FILE", "HOUSESTYLE_TRANSLATOR_PLAINTEXT"
CERTIFICATE, KEY = "HOUSESTYLE_TRANSLATOR_CERT_FILE", "HOUSESTYLE_TRANSLATOR_KEY_FILE"

_SHORTEST = 32
_A_TOKEN = re.compile(r"[!-+\--~]+")  # what a header can hold, without the comma that stands between two
_NOT_PLAIN = (
    "prompts, answers and providers' credentials would travel in plain text. Use TLS, or, where the network itself "
    f"encrypts (a service mesh), say so: {PLAINTEXT}=true."
)


def url(environ: Mapping[str, str]) -> Origin | None:
    """Where the translator is. Raises SettingsError for none, one without a token, and one in plain text."""
    text = environ.get(URL)
    if not text:
        return None
    try:
        origin, path = parse_base_url(text)
    except InvalidUrl as error:
        raise SettingsError(f"{URL}: {error}.") from None
    if path:
        raise SettingsError(f"{URL} must end after host and port, as https://translator:8443 does.")
    if not tokens(environ):
        raise SettingsError(f"With {URL} set, {TOKEN} must be set too, as it is at the translator.")
    if origin.scheme == "http" and environ.get(CA):
        raise SettingsError(f"{CA} is set, but {URL} begins with http://: there is no certificate to be checked.")
    if origin.scheme == "http" and not is_loopback(origin.host) and not plaintext(environ):
        raise SettingsError(f"{URL} begins with http://: {_NOT_PLAIN}")
    return origin


def tokens(environ: Mapping[str, str]) -> tuple[Secret, ...]:
    """The shared secrets: the first is sent, all are taken. Raises SettingsError, which shows none of them."""
    found = tuple(map(Secret, listed(environ, TOKEN)))
    if any(len(token) < _SHORTEST for token in found):
        raise SettingsError(f"{TOKEN} must have {_SHORTEST} characters or more (`openssl rand -hex 32`).")
    if not all(_A_TOKEN.fullmatch(token) for token in found):
        raise SettingsError(f"{TOKEN} has a character that a header cannot hold, such as a space.")
    return found


def plaintext(environ: Mapping[str, str]) -> bool:
    """Whether the operator has said that no TLS is wanted. Raises SettingsError for anything but true and false."""
    text = environ.get(PLAINTEXT) or "false"
    if text not in ("true", "false"):
        raise SettingsError(f"{PLAINTEXT} must be true or false, not {text!r}.")
    return text == "true"


def authorities(environ: Mapping[str, str]) -> Path | None:
    """The file of the authorities behind the translator's certificate. Raises SettingsError where it has none."""
    path = _file(environ, CA)
    if path is None:
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (OSError, ssl.SSLError):  # the latter is one, but not by its words
        raise SettingsError(f"{CA}: {path} has no certificates that can be read (PEM).") from None
    return path


def certificate(environ: Mapping[str, str]) -> tuple[Path, Path] | None:
    """The translator's own certificate and its key. Raises SettingsError unless both are there and belong together."""
    chain, key = _file(environ, CERTIFICATE), _file(environ, KEY)
    if (chain is None) != (key is None):
        raise SettingsError(f"{CERTIFICATE} and {KEY} go together: set both, or neither.")
    if chain is None or key is None:
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key, password=lambda: b"")
    except (OSError, ssl.SSLError) as error:
        why = getattr(error, "reason", None) or error.strerror
        words = f"{chain} and {key} are no certificate and its key in PEM, without a passphrase"
        raise SettingsError(f"{CERTIFICATE} and {KEY}: {words} ({why}).") from None
    return chain, key


def check_listening(host: str, tls: tuple[Path, Path] | None, *, plain: bool) -> None:
    """Raises SettingsError where a translator at this host would take calls in plain text that nobody has asked for."""
    if tls is not None and plain:
        raise SettingsError(f"{PLAINTEXT} is true, but {CERTIFICATE} is set: say one or the other.")
    if tls is None and not plain and not is_loopback(host):
        raise SettingsError(f"Without {CERTIFICATE} and {KEY}, on {host}, {_NOT_PLAIN}")


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine and no other, by its name or address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _file(environ: Mapping[str, str], variable: str) -> Path | None:
    named = environ.get(variable)
    if not named:
        return None
    if not Path(named).is_file():
        raise SettingsError(f"{variable}: there is no file {named}.")
    return Path(named).absolute()
