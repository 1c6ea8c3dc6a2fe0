"""Objects in S3 and Google Cloud Storage, by fsspec's file systems: one or a glob of them, read a block at a time.

Every connection of theirs is made to an address that was judged. Without credentials of the Vault's own, the operator's
are used (the libraries' own ways to them), and then only at the operator's own endpoint: see options.misfit.
"""

import contextlib
import io
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any
from urllib.parse import urlsplit

import msgspec
from fsspec.asyn import AsyncFileSystem, get_loop
from msgspec import Struct

from finetune.vaults.allowed import PORTS, Place, allowed_place
from finetune.vaults.base import Reach, VaultNotAllowed, VaultUnreadable
from finetune.vaults.extras import missing_extra, run
from finetune.vaults.jsonl import File, folder_of, has_magic, reason
from finetune.vaults.options import Source

_BLOCK = 4 << 20
_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - a URL; a service account's own would be anybody's
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
_CONNECT_SECONDS, _READ_SECONDS = 10.0, 60.0


class ObjectFile(Struct, frozen=True):
    """`key` has the bucket before it."""

    name: str
    key: str
    filesystem: Any

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """See jsonl.File."""
        with _told(self.name):
            opened = self.filesystem.open(self.key, "rb", block_size=_BLOCK, cache_type="readahead")
        with opened, io.BufferedReader(_Whole(opened, self.name), _BLOCK) as buffered:
            yield buffered


class _Whole(io.RawIOBase):
    """The file as a raw one, its library's errors translated."""

    def __init__(self, opened: Any, name: str) -> None:
        self._opened = opened
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _told(self._name):
            read: bytes = self._opened.read(min(len(buffer), _BLOCK))
        buffer[: len(read)] = read
        return len(read)


class Objects:
    """What `place`, an object's or a glob of them, names. `roots` are for the endpoint."""

    def __init__(self, place: Place, source: Source, roots: Sequence[str], reach: Reach) -> None:
        self._place = place
        self._source = source
        self._reach = reach
        self._path = place.host + place.path
        self._folder = folder_of(self._path)
        endpoint = source.options.endpoint_url
        self._endpoint = _endpoint(endpoint, roots) if endpoint is not None else None

    @contextlib.contextmanager
    def listed(self) -> Iterator[list[File]]:
        """See jsonl.Files."""
        make, close = _FILESYSTEMS[self._place.scheme]
        with _told(self._place.url):
            filesystem = make(self._source, self._endpoint, self._reach)
        try:
            with _told(self._place.url):
                keys = self._keys(filesystem)
            yield [ObjectFile(key.removeprefix(self._folder), key, filesystem) for key in keys]
        finally:
            close(filesystem)

    def _keys(self, filesystem: AsyncFileSystem) -> list[str]:
        if not has_magic(self._path):
            found = {self._path: filesystem.info(self._path)}
        else:
            found = filesystem.glob(self._path, detail=True)
        keys = sorted(key for key, info in found.items() if info["type"] == "file" and not key.endswith("/"))
        if not keys:
            raise VaultUnreadable("no such file", place=self._place.url)
        return keys


def _endpoint(url: str, roots: Sequence[str]) -> Place:
    place = allowed_place(url, roots)
    if place.scheme not in ("http", "https") or place.path != "/" or place.user or place.password:
        raise VaultNotAllowed("`endpoint_url` is https://host:port, and no more")
    return place


@contextlib.contextmanager
def _told(place: str) -> Iterator[None]:
    """What the libraries raise, as what this house raises."""
    try:
        yield
    except (VaultUnreadable, VaultNotAllowed):
        raise
    except FileNotFoundError:
        raise VaultUnreadable("no such file", place) from None
    except PermissionError as error:
        raise VaultUnreadable(f"the server refuses it: {reason(error)}", place) from None
    except Exception as error:  # their own, which have no root in common
        refused = _refusal(error)
        if refused is not None:
            raise VaultNotAllowed(str(refused)) from None
        raise VaultUnreadable(reason(error), place) from error


def _refusal(error: BaseException | None) -> VaultNotAllowed | None:
    """The guard's refusal, if that is what lies under an error."""
    while error is not None:
        if isinstance(error, VaultNotAllowed):
            return error
        error = error.__cause__ or error.__context__
    return None


def judged(reach: Reach) -> Callable[[Any], socket.socket]:
    """Makes sockets for aiohttp, which asks with the very address that it is about to connect to: a name's, or a
    literal one, which no resolver would have seen. A refusal goes through aiohttp as it is, and is not tried again."""

    def make(address: Any) -> socket.socket:
        family, kind, protocol, _, where = address
        reach.judge(str(where[0]))
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    return make


def _leads(url: str, reach: Reach) -> str | None:
    """The proxy for a URL. Judges where its host leads first, as far as that is known here. Raises VaultNotAllowed."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    with contextlib.suppress(OSError):  # what does not resolve here, the proxy may know
        run(reach.resolve(host, port))
    return reach.proxy(parts.scheme, host, port)


def _s3(source: Source, endpoint: Place | None, reach: Reach) -> AsyncFileSystem:
    try:
        import s3fs
        from aiobotocore.httpsession import AIOHTTPSession
        from botocore.exceptions import HTTPClientError
    except ImportError:
        raise missing_extra("s3:// Vaults", "s3") from None

    class Straight(AIOHTTPSession):  # type: ignore[misc]  # it ships no types
        """aiohttp follows redirects and cannot be told otherwise here: what comes from elsewhere is not taken."""

        async def send(self, request: Any) -> Any:
            answer = await super().send(request)
            if urlsplit(answer.url)[:2] != urlsplit(request.url)[:2]:
                raise HTTPClientError(error="the server redirects elsewhere, which is not followed")
            return answer

    options = source.options
    url = endpoint.url.rstrip("/") if endpoint is not None else None
    secret = source.secrets.get("secret_access_key")
    filesystem = s3fs.S3FileSystem(
        anon=options.anonymous,
        key=options.access_key_id,
        secret=str(secret) if secret else None,
        endpoint_url=url,
        client_kwargs={"region_name": options.region} if options.region else {},
        skip_instance_cache=True,
        use_listings_cache=False,
    )
    filesystem.config_kwargs = {
        "connect_timeout": _CONNECT_SECONDS,
        "read_timeout": _READ_SECONDS,
        "http_session_cls": Straight,
        "connector_args": {"socket_factory": judged(reach)},
    }
    filesystem.connect()
    # What the operator's own environment says of the endpoint is known only now.
    proxy = _leads(filesystem.s3.meta.endpoint_url, reach)
    if proxy is None:
        filesystem.config_kwargs["proxies"] = {}
    else:
        filesystem.config_kwargs |= {"proxies": {"https": proxy, "http": proxy}, "connector_args": {}}
    filesystem.connect(refresh=True)
    return filesystem


def _close_s3(filesystem: Any) -> None:
    filesystem.close_session(get_loop(), filesystem.s3)


def _gs(source: Source, endpoint: Place | None, reach: Reach) -> AsyncFileSystem:
    try:
        import aiohttp
        from gcsfs.core import GCSFileSystem  # gcsfs's own default asks over gRPC first, past the guard
    except ImportError:
        raise missing_extra("gs:// Vaults", "gcs") from None
    trace = aiohttp.TraceConfig()

    async def refuse(*_: Any) -> None:
        raise OSError("the server redirects, which is not followed")

    trace.on_request_redirect.append(refuse)
    filesystem = GCSFileSystem(
        project="",
        access="read_only",
        token=_google(source),
        endpoint_url=endpoint.url.rstrip("/") if endpoint is not None else None,
        skip_instance_cache=True,
        use_listings_cache=False,
    )
    proxy = _leads(filesystem.base, reach)

    async def session() -> dict[str, Any]:
        factory = None if proxy is not None else judged(reach)
        timeout = aiohttp.ClientTimeout(sock_connect=_CONNECT_SECONDS, sock_read=_READ_SECONDS)
        connector = aiohttp.TCPConnector(socket_factory=factory)
        return {"connector": connector, "proxy": proxy, "timeout": timeout, "trace_configs": [trace]}

    filesystem.session_kwargs = run(session())
    return filesystem


def _google(source: Source) -> Any:
    """Who asks: nobody, the Vault's own service account, or whom the operator's environment says."""
    if source.options.anonymous:
        return "anon"
    account = source.secrets.get("service_account")
    if account is None:
        return "google_default"
    from google.oauth2 import service_account

    try:
        said = msgspec.json.decode(account.encode(), type=dict[str, Any])
        known: dict[str, Any] = {
            name: said[name] for name in ("client_email", "private_key", "private_key_id") if name in said
        }
        make: Any = service_account.Credentials.from_service_account_info  # which ships no types
        return make({**known, "type": "service_account", "token_uri": _TOKEN_URI}, scopes=[_SCOPE])
    except (msgspec.MsgspecError, ValueError):  # whose words may have some of the key
        raise VaultUnreadable("it is not a service account's JSON", place="options.service_account") from None


def _close_gs(filesystem: Any) -> None:
    if filesystem.session is not None:
        run(filesystem.session.close(), seconds=10)


_FILESYSTEMS: dict[str, tuple[Callable[[Source, Place | None, Reach], AsyncFileSystem], Callable[[Any], None]]] = {
    "s3": (_s3, _close_s3),
    "gs": (_gs, _close_gs),
}
