"""Which Vault URLs are let in: the URL must lie under one of the operator's roots.

Decides on text alone. What symbolic links make of a path is settled where the file is opened (files.py).
"""

import posixpath
import re
from collections.abc import Sequence
from urllib.parse import quote, unquote

from finetune.vaults.base import VaultNotAllowed

SERVED_SCHEMES = ("file",)

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_KEPT_IN_URLS = "/*?[]!-._~ "


def check_allowed(url: str, roots: Sequence[str]) -> str:
    """The URL in its one normal form, if it lies under a root. Raises VaultNotAllowed.

    `roots` are URL prefixes such as `file:///srv/vaults/`; each stands for a whole folder, with or without
    its last slash. A root of a scheme that is not served admits nothing.
    """
    path = file_path(url)
    if not any(_lies_under(path, root) for root in root_paths(roots)):
        raise VaultNotAllowed("this Vault lies outside the places that Vaults may be read from")
    return "file://" + quote(path, safe=_KEPT_IN_URLS)


def file_path(url: str) -> str:
    """The normal absolute path of a `file://` URL: decoded once, no `.`, `..` or doubled slash left."""
    if "::" in url:
        raise VaultNotAllowed("a Vault URL names one place; chained URLs (`::`) are not read")
    match = _SCHEME.fullmatch(url)
    if match is None or match[1].lower() not in SERVED_SCHEMES:
        scheme = f"`{match[1].lower()}://` URLs" if match else "anything without a scheme"
        served = ", ".join(f"`{name}://`" for name in SERVED_SCHEMES)
        raise VaultNotAllowed(f"this version reads Vaults from {served} URLs, not from {scheme}")
    host, slash, rest = match[2].partition("/")
    if host.lower() not in ("", "localhost") or not slash:
        raise VaultNotAllowed("a file URL has three slashes and an absolute path: file:///folder/name.jsonl")
    path = unquote("/" + rest, errors="surrogateescape")
    if _UNPRINTABLE.search(path) or not _encodable(path):
        raise VaultNotAllowed("a Vault URL must not contain control characters or bytes that are not UTF-8")
    return "/" + posixpath.normpath(path).lstrip("/")


def root_paths(roots: Sequence[str]) -> list[str]:
    paths = []
    for root in roots:
        try:
            paths.append(file_path(root))
        except VaultNotAllowed:
            continue  # a root for a scheme that this version does not serve
    return paths


def _lies_under(path: str, root: str) -> bool:
    return path != root and path.startswith(root.rstrip("/") + "/")


def _encodable(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
