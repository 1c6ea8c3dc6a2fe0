"""The page's scripts, styles and pictures: read once, served under a name that has their content's hash in it."""

import hashlib
from collections.abc import Mapping
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import GatewayError

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain; charset=utf-8",
}
_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_NOW = "public, max-age=60"  # another version's page asks, in the middle of an update
URL = "/admin/static"


class Assets:
    """All of them. They are a few, so one hash stands for all, and each may name another by a relative URL."""

    def __init__(self) -> None:
        self._files: Mapping[str, bytes] = {
            entry.name: entry.read_bytes()
            for entry in sorted((files("gateway.admin.page") / "static").iterdir(), key=lambda entry: entry.name)
        }
        digest = hashlib.sha256()
        for name, content in self._files.items():
            digest.update(b"%s\0%d\0%s" % (name.encode(), len(content), content))
        self._hash = digest.hexdigest()[:16]

    def url(self, name: str) -> str:
        """Where a file is. Raises KeyError where there is none."""
        if name not in self._files:
            raise KeyError(name)
        return f"{URL}/{self._hash}/{name}"

    async def serve(self, request: Request) -> Response:
        """The file that the path names. Raises GatewayError `not_found`."""
        name = request.path_params["name"]
        content = self._files.get(name)
        if content is None:
            raise GatewayError("not_found")
        headers = {
            "content-type": _TYPES[f".{name.rpartition('.')[2]}"],
            "cache-control": _FOR_EVER if request.path_params["hash"] == self._hash else _FOR_NOW,
            "x-content-type-options": "nosniff",
        }
        return Response(content, headers=headers)
