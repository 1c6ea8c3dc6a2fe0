"""What a tenant's provider says of its models: asked with the tenant's own credential, through the address guard.

Used by admin routes and the job worker, never on a call's way. Foreign errors become GatewayErrors here, without any of
the provider's words: they may hold what only it and the tenant should know.
"""

import asyncio
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec
from msgspec import Struct

from finetune.told_models import NotTold
from gateway.compiling import account_of
from gateway.errors import GatewayError
from gateway.provider_keys import open_api_key
from gateway.secrets import CannotOpen, Keyring
from gateway.store.rows import ProviderRow, TenantRow
from gateway.upstream import guarded_http
from gateway.upstream.addresses import Guard, InvalidUrl, parse_base_url
from gateway.upstream.proxy import Proxies
from gateway.wire import kinds

# What a question may be answered with: rows of the table of errors.
ERRORS = (
    "provider_not_configured",
    "endpoint_not_supported",
    "provider_unusable",
    "provider_auth_failed",
    "upstream_unreachable",
    "upstream_protocol_error",
    "upstream_timeout",
)

_SECONDS = 15.0  # for the whole answer
_CONNECT_SECONDS = 5.0
_MOST_BYTES = 8 << 20

# Lists of models that have no route for one of them.
_LISTS_ONLY = frozenset({"together", "fireworks"})


class Listed(Struct, frozen=True):
    """A model as a provider lists it. `shutdown_date` in the provider's own words; `parent`: what it was made of."""

    id: str
    shutdown_date: str | None = None
    parent: str | None = None


class _List(Struct, frozen=True):
    data: list[Any]


class ProviderModels:
    """Asks. Every question is a request of its own; nothing is kept."""

    def __init__(self, keyring: Keyring, guard: Guard, proxies: Proxies | None) -> None:
        self._keyring = keyring
        self._guard = guard
        self._proxies = proxies
        self._http: httpx2.AsyncClient | None = None

    async def models(self, tenant: TenantRow, name: str) -> list[Listed]:
        """All models that the provider lists for this account. Raises GatewayError."""
        status, body = await self._get(tenant, name, "models")
        if status == 404:
            raise GatewayError("endpoint_not_supported", f"The provider {name!r} has no list of models.")
        _check(name, status)
        rows = _decoded(name, body, list[Any] | _List)
        return [found for row in (rows if isinstance(rows, list) else rows.data) if (found := _listed(row)) is not None]

    async def model(self, tenant: TenantRow, name: str, model: str) -> Listed:
        """One model. Raises GatewayError; `model_not_found` where the provider has none of this name."""
        missing = GatewayError("model_not_found", f"The provider {name!r} has no model {model!r}.", "model")
        if not model.strip("."):
            raise missing  # in a path it would lead elsewhere
        provider = tenant.providers.get(name)
        if provider is not None and provider.kind in _LISTS_ONLY:
            found = next((one for one in await self.models(tenant, name) if one.id == model), None)
        else:
            status, body = await self._get(tenant, name, f"models/{quote(model, safe=':')}")
            if status == 404:
                raise missing
            _check(name, status)
            found = _listed(_decoded(name, body, Any))
        if found is None or found.id != model:
            raise missing
        return found

    async def told(self, tenant: TenantRow, name: str) -> dict[str, str | None]:
        """Each model with its end, for the job worker's daily round. Raises NotTold."""
        try:
            return {one.id: one.shutdown_date for one in await self.models(tenant, name)}
        except GatewayError as error:
            raise NotTold(error.message) from None

    def account(self, tenant: TenantRow, name: str) -> str | None:
        """What tells the provider's account from others; None where it lists no models, or cannot be opened."""
        provider = tenant.providers.get(name)
        if provider is None or not _lists(provider):
            return None
        try:
            return account_of(provider, open_api_key(tenant.tenant, name, provider, self._keyring))
        except (CannotOpen, InvalidUrl):
            return None

    async def _get(self, tenant: TenantRow, name: str, route: str) -> tuple[int, bytes]:
        """The status and body of an answer. Raises GatewayError."""
        provider = tenant.providers.get(name)
        if provider is None:
            raise GatewayError("provider_not_configured", f"The tenant has no provider {name!r}.", "provider")
        if not _lists(provider):
            raise GatewayError("endpoint_not_supported", f"The provider {name!r} has no list of models.")
        url, headers = self._request(tenant.tenant, name, provider, route)
        try:
            async with asyncio.timeout(_SECONDS):
                http = await self._client()
                async with http.stream("GET", url, headers=headers, timeout=_TIMEOUT) as answer:
                    return answer.status_code, await _body(name, answer)
        except (TimeoutError, httpx2.TimeoutException):
            raise GatewayError("upstream_timeout", f"The provider {name!r} did not answer in time.") from None
        except httpx2.ConnectError:
            raise GatewayError("upstream_unreachable", f"The provider {name!r} could not be reached.") from None
        except httpx2.HTTPError:
            raise GatewayError("upstream_protocol_error", f"The answer of {name!r} could not be read.") from None

    def _request(
        self, tenant: str, name: str, provider: ProviderRow, route: str
    ) -> tuple[str, list[tuple[bytes, bytes]]]:
        try:
            secret = open_api_key(tenant, name, provider, self._keyring)
            origin, path = parse_base_url(provider.base_url or kinds.KINDS[provider.kind].base_url)
        except (CannotOpen, InvalidUrl):
            words = f"The provider {name!r} cannot be used as it is stored; set its URL and its key again."
            raise GatewayError("provider_unusable", words, "provider") from None
        query = "limit=1000" if provider.kind == "anthropic" and route == "models" else ""  # else it lists twenty
        at = kinds.path(provider.kind, path, route, None, query, provider.options)
        headers = [
            (b"accept", b"application/json"),
            (b"accept-encoding", b"identity"),
            (b"connection", b"close"),  # so that nothing stays open between questions that are hours apart
            *kinds.KINDS[provider.kind].defaults,
            *kinds.credential(provider.kind, secret),
        ]
        return f"{origin.scheme}://{origin.authority.decode()}{at}", headers

    async def _client(self) -> httpx2.AsyncClient:
        """Made once, in a thread: to load the system's certificates takes a tenth of a second."""
        if self._http is None:
            self._http = await asyncio.to_thread(guarded_http.client, self._guard, self._proxies)
        return self._http


_TIMEOUT = httpx2.Timeout(_SECONDS, connect=_CONNECT_SECONDS)


def _lists(provider: ProviderRow) -> bool:
    try:
        path = parse_base_url(provider.base_url)[1] if provider.base_url else ""
    except InvalidUrl:
        return False
    return kinds.serves(provider.kind, path, "models")


async def _body(name: str, answer: httpx2.Response) -> bytes:
    """Raises GatewayError where there is too much of it."""
    body = bytearray()
    async for part in answer.aiter_raw():
        body += part
        if len(body) > _MOST_BYTES:
            raise GatewayError("upstream_protocol_error", f"The provider {name!r} answered with too much.")
    return bytes(body)


def _check(name: str, status: int) -> None:
    if status in (401, 403):
        raise GatewayError("provider_auth_failed", f"The provider {name!r} refused the tenant's credential.")
    if status != 200:
        raise GatewayError("upstream_protocol_error", f"The provider {name!r} answered with status {status}.")


def _decoded(name: str, body: bytes, shape: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise GatewayError("upstream_protocol_error", f"The answer of {name!r} could not be read.") from None


def _listed(row: Any) -> Listed | None:
    """A model's row; None for what is none. Fields that are no text are passed over."""
    if not isinstance(row, dict) or not isinstance(row.get("id"), str):
        return None
    date, parent = row.get("shutdown_date"), row.get("parent")
    return Listed(row["id"], date if isinstance(date, str) else None, parent if isinstance(parent, str) else None)
