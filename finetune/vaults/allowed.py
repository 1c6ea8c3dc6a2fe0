"""Which Vault URLs are let in: the URL must lie under one of the operator's roots.

Decides on text alone. What symbolic links make of a path is settled where the file is opened (files.py), where a name
leads when it is connected to (the address guard).
"""

import importlib.util
import ipaddress
import posixpath
import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, quote, unquote

from msgspec import Struct
from msgspec.structs import replace

from finetune.vaults.base import VaultNotAllowed

PORTS = {"http": 80, "https": 443, "postgresql": 5432}
SERVED_SCHEMES = ("file", "s3", "gs", "https", "http", "postgresql")

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_KEPT_IN_URLS = "/*?[]!-._~ "
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,221}[a-z0-9]")
_PORT = re.compile(r"[0-9]{1,5}")
_HIDDEN = re.compile(r"%(2e|2f|5c|00)", re.IGNORECASE)  # a dot, a slash, a backslash, nothing
_LIBRARIES = {"s3": ("s3fs",), "gs": ("gcsfs",), "postgresql": ("psycopg",)}
_SSLMODES = ("disable", "prefer", "require", "verify-ca", "verify-full")
_OUTSIDE = "this Vault lies outside the places that Vaults may be read from"


class Place(Struct, frozen=True):
    """A URL in its parts, in their one normal form. `path` begins with a slash; of a file and a database it is decoded.

    `host` is a bucket's name for s3 and gs. `port` is 0 where the scheme has none.
    """

    scheme: str
    host: str
    port: int
    path: str
    user: str = ""
    password: str = ""
    sslmode: str = ""

    @property
    def url(self) -> str:
        """The URL, without the password."""
        if self.scheme == "file":
            return "file://" + quote(self.path, safe=_KEPT_IN_URLS)
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port != PORTS.get(self.scheme, 0) else ""
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        path = "/" + quote(self.path[1:], safe="") if self.scheme == "postgresql" else self.path
        return f"{self.scheme}://{user}{host}{port}{path}" + (f"?sslmode={self.sslmode}" if self.sslmode else "")

    @property
    def url_without_user(self) -> str:
        """The URL as it is asked for over HTTP."""
        return replace(self, user="", password="").url

    def __repr__(self) -> str:
        return f"Place({self.scheme}://…)"  # never the password


def check_allowed(url: str, roots: Sequence[str]) -> str:
    """The URL in its one normal form, without its password, if it lies under a root. Raises VaultNotAllowed.

    `roots` are URL prefixes such as `file:///srv/vaults/`; each stands for a whole folder, with or without
    its last slash.
    """
    return allowed_place(url, roots).url


def allowed_place(url: str, roots: Sequence[str]) -> Place:
    """The URL's parts, if it lies under a root. Raises VaultNotAllowed."""
    place = parse(url)
    if not any(_lies_under(place, root) for root in _places(roots)):
        raise VaultNotAllowed(_OUTSIDE)
    return place


def parse(url: str) -> Place:
    """The URL in its parts. Raises VaultNotAllowed, whose words hold no password."""
    if "::" in url.partition("@")[0] and not url.startswith(("http://[", "https://[", "postgresql://[")):
        raise VaultNotAllowed("a Vault URL names one place; chained URLs (`::`) are not read")
    match = _SCHEME.fullmatch(url)
    scheme = match[1].lower() if match else ""
    scheme = "postgresql" if scheme == "postgres" else scheme
    if match is None or scheme not in SERVED_SCHEMES:
        served = ", ".join(f"`{name}://`" for name in SERVED_SCHEMES)
        told = f"`{scheme}://` URLs" if match else "anything without a scheme"
        raise VaultNotAllowed(f"this version reads Vaults from {served} URLs, not from {told}")
    if scheme == "file":
        return Place("file", "", 0, _file_path(match[2]))
    authority, slash, rest = match[2].partition("/")
    if scheme in ("s3", "gs"):
        return Place(scheme, _bucket(authority), 0, _key_path("/" + rest if slash else "/"))
    if not slash:
        authority, mark, query = match[2].partition("?")
        rest = mark + query
    user, password, host, port = _authority(authority, scheme)
    if scheme == "postgresql":
        path, sslmode = _database(rest)
        return Place(scheme, host, port, path, user, password, sslmode)
    return Place(scheme, host, port, _web_path("/" + rest), user, password)


def root_paths(roots: Sequence[str]) -> list[str]:
    """The folders that `file://` roots stand for."""
    return [root.path for root in _places(roots) if root.scheme == "file"]


def _places(roots: Sequence[str]) -> list[Place]:
    """The roots that can be understood; one that cannot admits nothing."""
    places = []
    for root in roots:
        try:
            place = parse(_folder(root))
        except VaultNotAllowed:
            continue
        if not _is_more_than_a_place(place):
            places.append(place)
    return places


def root_trouble(root: str) -> str | None:
    """Why a root admits nothing; None where it admits something, and what it admits can be read."""
    try:
        place = parse(_folder(root))
    except VaultNotAllowed as error:
        return str(error)
    if _is_more_than_a_place(place):
        return "a root has no user, no password and no parameters"
    missing = [name for name in _LIBRARIES.get(place.scheme, ()) if importlib.util.find_spec(name) is None]
    return f"it needs {missing[0]}, which is not installed" if missing else None


def _is_more_than_a_place(root: Place) -> bool:
    return bool(root.user or root.password or root.sslmode)


def _folder(root: str) -> str:
    """Of buckets and servers, a root is a folder; one of a database has no slash at its end."""
    return root if root.lower().startswith(("file:", "postgres")) else root.rstrip("/") + "/"


def _lies_under(place: Place, root: Place) -> bool:
    if (place.scheme, place.host, place.port) != (root.scheme, root.host, root.port):
        return False
    if place.scheme == "postgresql":
        return root.path == "/" or place.path == root.path
    path, prefix = place.path, root.path
    if place.scheme in ("http", "https"):
        path, prefix = unquote(path), unquote(prefix)
        if path.rstrip("/") == prefix.rstrip("/"):
            return True  # an endpoint, or the one file that the root names
    return path.rstrip("/") != prefix.rstrip("/") and path.startswith(prefix.rstrip("/") + "/")


def _file_path(rest: str) -> str:
    host, slash, below = rest.partition("/")
    if host.lower() not in ("", "localhost") or not slash:
        raise VaultNotAllowed("a file URL has three slashes and an absolute path: file:///folder/name.jsonl")
    path = unquote("/" + below, errors="surrogateescape")
    if _UNPRINTABLE.search(path) or not _encodable(path):
        raise VaultNotAllowed("a Vault URL must not contain control characters or bytes that are not UTF-8")
    return "/" + posixpath.normpath(path).lstrip("/")


def _bucket(authority: str) -> str:
    if not _BUCKET.fullmatch(authority):
        raise VaultNotAllowed("a bucket's URL is s3://bucket/folder/name.jsonl or gs://…, with the bucket's own name")
    return authority


def _key_path(path: str) -> str:
    """A key is not decoded by anybody, so what would be normalised elsewhere is refused."""
    if _UNPRINTABLE.search(path) or not _encodable(path) or "\\" in path or "?versionId=" in path or "#" in path:
        raise VaultNotAllowed("this path has a character that a Vault's key must not have")
    _refuse_climbing(path)
    return path


def _web_path(path: str) -> str:
    if "?" in path or "#" in path:
        raise VaultNotAllowed("a Vault's URL has no query and no fragment; a token goes into `options.token`")
    if not (path.isascii() and path.isprintable()) or set(path) & set(' \\*[]"<>^`{|}'):
        raise VaultNotAllowed("the URL's path has a character that must be escaped; over http(s) there is no glob")
    _refuse_climbing(path)
    return path


def _refuse_climbing(path: str) -> None:
    """Nobody further on may read the path otherwise than it was compared: decoded once more, or climbed."""
    if _HIDDEN.search(path) or "%25" in path:
        raise VaultNotAllowed("the URL's path hides a dot, a slash or a percent sign by escaping it")
    segments = [segment.partition(";")[0] for segment in unquote(path).split("/")[1:]]
    if "" in segments[:-1] or {".", ".."} & set(segments) or "\\" in unquote(path):
        raise VaultNotAllowed("the URL's path must have no empty part, no `.`, no `..` and no backslash")


def _database(rest: str) -> tuple[str, str]:
    """The path with the database's name, decoded; and `sslmode`, the one parameter that there may be."""
    if "#" in rest:
        raise VaultNotAllowed("a database's URL has no fragment")
    path, mark, query = rest.partition("?")
    try:
        said = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(mark))
    except ValueError:
        said = [("", "")]
    if mark and (len(said) != 1 or said[0][0] != "sslmode" or said[0][1] not in _SSLMODES):
        raise VaultNotAllowed(f"of parameters, a database's URL may have sslmode: {', '.join(_SSLMODES)}")
    name = unquote(path, errors="surrogateescape")
    if _UNPRINTABLE.search(name) or not _encodable(name) or set(name) & set("/\\"):
        raise VaultNotAllowed("a database's URL is postgresql://user:password@host:port/database")
    return "/" + name, said[0][1] if said else ""


def _authority(text: str, scheme: str) -> tuple[str, str, str, int]:
    """User, password, host and port. Raises VaultNotAllowed."""
    userinfo, _, where = text.rpartition("@")
    if "@" in userinfo or _UNPRINTABLE.search(text) or not text.isascii() or set(text) & set(" \\?#,"):
        raise VaultNotAllowed("the URL's host, user or password has a character that must be escaped (%40 for @)")
    user, password = (unquote(part) for part in userinfo.partition(":")[::2])
    if _UNPRINTABLE.search(user + password):
        raise VaultNotAllowed("a user or a password must not have control characters")
    host, port = _host_and_port(where)
    if not _is_host(host) or not 0 < (port or PORTS[scheme]) < 65536:
        raise VaultNotAllowed("the URL names no host")
    return user, password, host, port or PORTS[scheme]


def _host_and_port(where: str) -> tuple[str, int]:
    if where.startswith("["):
        host, _, after = where[1:].partition("]")
    else:
        host, colon, number = where.partition(":")
        after = colon + number
    if after and not (after[0] == ":" and _PORT.fullmatch(after[1:]) and int(after[1:])):
        raise VaultNotAllowed("the URL's port is no number")
    return host.lower().removesuffix("."), int(after[1:]) if after else 0


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            return bool(ipaddress.IPv6Address(host)) and "%" not in host
        except ValueError:
            return False
    return len(host) < 254 and all(_LABEL.fullmatch(label) for label in host.split("."))


def _encodable(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
