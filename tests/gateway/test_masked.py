"""Secrets do not show themselves: neither their own values, nor a crash report that prints every frame's locals.

Each test breaks something in the middle of real work and renders the traceback as such reports do.
"""

import base64
import contextlib
import copy
import os
import pickle
import sys
import time
import traceback
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from finetune.backends.base import Access
from finetune.backends.openai import OpenAIBackend
from gateway import asgi, outgoing, ways
from gateway.admin.changes import Control
from gateway.admin.credentials import Credentials
from gateway.admin.handling import Asked, mount
from gateway.admin.providers import Providers
from gateway.admin.schemas import KeyPost, NewKeyView, ProviderPut
from gateway.errors import GatewayError
from gateway.http_exchange import HttpExchange
from gateway.lifecycle import Lifecycle, Limits
from gateway.masked import Secret, SecretBytes, SecretEnviron
from gateway.metrics import Metrics
from gateway.prices import Prices
from gateway.routing import Routes
from gateway.secrets import Keyring, fingerprint, new_key
from gateway.settings import SettingsError, read
from gateway.store import keys
from gateway.store.connection import Store, Write
from gateway.store.rows import KeyRow, ProviderRow, TenantRow
from gateway.telemetry import Telemetry
from gateway.translating import credential_header
from gateway.translator_link import Link
from gateway.upstream.addresses import Found, Guard, InvalidUrl
from gateway.upstream.pool import Pool, Timeouts
from gateway.upstream.proxy import parse_proxy
from gateway.why import WhyWriter
from gateway.wire import kinds
from gateway.wire.requests import RequestHead
from policies.values import Caller, Role
from tests.gateway.test_leaks import found
from tests.gateway.test_outgoing import Nobody, target

NOW = "2026-11-22T12:00:00.000Z"
KEY = os.urandom(32)
RING = Keyring((KEY,))
API_KEY = "sk-provider-0123456789abcdef"
CALLER_KEY = "hs_caller_0123456789abcdef"
USED = {"api key": API_KEY.encode(), "caller key": CALLER_KEY.encode(), "encryption key": KEY}


class Broken(Exception):
    """What nobody expects."""


class BrokenGuard(Guard):
    """A guard with a bug."""

    async def resolve(self, host: str, port: int) -> Found:  # noqa: ARG002 - as the guard's
        """Fails."""
        raise Broken


def report(error: BaseException) -> str:
    """The error as a crash report with all locals shows it; without this file's own frames."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    shown.stack = traceback.StackSummary.from_list([frame for frame in shown.stack if frame.filename != __file__])
    assert len(shown.stack), "something of ours was under way"
    return "".join(shown.format())


@contextlib.contextmanager
def reports() -> Iterator[list[str]]:
    """A report of every exception that is logged."""
    made: list[str] = []

    def keep(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        error = event.get("exc_info")
        if error is True:
            error = sys.exc_info()[1]
        if isinstance(error, BaseException):
            made.append(report(error))
        raise structlog.DropEvent

    structlog.configure(processors=[keep])
    try:
        yield made
    finally:
        structlog.reset_defaults()


# the values


@pytest.mark.parametrize("secret", [Secret("s3cret"), SecretBytes(b"s3cret"), SecretEnviron(HOUSESTYLE_X="s3cret")])
def test_a_secret_does_not_show_itself(secret: Any) -> None:
    copies = [secret, copy.copy(secret), copy.deepcopy(secret), pickle.loads(pickle.dumps(secret))]  # noqa: S301
    for shown in (secret, [secret], {"a": secret}, (secret,), copies):
        assert "s3cret" not in repr(shown)
        assert "Secret" in repr(shown)


def test_it_is_what_it_is() -> None:
    assert Secret("a") == "a"
    assert f"{Secret('a')}" == "a"
    assert hash(Secret("a")) == hash("a")
    assert SecretBytes(b"a") == b"a"
    assert b"%b" % SecretBytes(b"a") == b"a"
    assert repr(SecretEnviron(HOUSESTYLE_ADMIN_KEY="k", PATH="p")) == "SecretEnviron(HOUSESTYLE_ADMIN_KEY)"


def test_what_holds_a_plain_secret_is_masked() -> None:
    sealed = RING.seal(API_KEY, tenant="acme", field="f")
    assert repr(RING.open(sealed, tenant="acme", field="f")) == "Secret(…)"
    assert repr(new_key()) == "Secret(…)"
    for kind in kinds.KINDS:
        assert not found(repr(kinds.credential(kind, API_KEY)).encode(), USED)
    options = {"region": "eu", "project": "p", "provider": "openai"}
    assert not found(repr(credential_header("bedrock", "", API_KEY, options)).encode(), USED)
    proxies = parse_proxy(f"http://user:{API_KEY}@proxy:3128", None)
    assert proxies is not None
    assert base64.b64decode(proxies.proxy.authorization.removeprefix(b"Basic ")) == f"user:{API_KEY}".encode()
    for shown in (proxies, proxies.proxy.authorization, proxies.proxy.connect("api.example", 443)):
        assert not found(repr(shown).encode(), USED)
    assert not found(repr(Access("openai", "https://api.example", API_KEY)).encode(), USED)


def test_bodies_are_masked_and_decoded_and_encoded_as_before() -> None:
    body = {"kind": "openai", "default_model": "m", "api_key": API_KEY}
    put = msgspec.json.decode(msgspec.json.encode(body), type=ProviderPut)
    assert put.api_key == API_KEY
    made = NewKeyView("key_1", Secret(CALLER_KEY), "caller", "", None, NOW, None)
    assert msgspec.json.decode(msgspec.json.encode(made))["key"] == CALLER_KEY
    assert not found(f"{put!r} {made!r}".encode(), USED)


# crash reports


def tenant_write() -> list[Write]:
    """A tenant with a provider, and its caller's key."""
    sealed = RING.seal(API_KEY, tenant="acme", field="providers/main/api_key")
    row = TenantRow(
        "acme",
        NOW,
        NOW,
        default_provider="main",
        providers={"main": ProviderRow("openai", "https://api.example/v1", "m", sealed, "…cdef")},
    )
    key = KeyRow("key_1", fingerprint(CALLER_KEY), "caller", NOW, tenant="acme")
    return [
        Write(keys.TENANTS, "acme", None, msgspec.json.encode(row)),
        Write(keys.KEYS, "key_1", None, msgspec.json.encode(key)),
    ]


async def load(store: Store) -> Routes:
    """Routes as a replica loads them."""
    routes = Routes(RING, None, time.time)
    await store.commit(tenant_write())
    for table in keys.FOLLOWED:
        async for name, row in store.scan(table):
            routes.apply(table, name, row, row.revision)
    return routes


def a_call(body: bytes) -> HttpExchange:
    """A caller's request, whole."""
    headers = [(b"host", b"gateway"), (b"authorization", f"Bearer {CALLER_KEY}".encode())]
    head = RequestHead(
        "POST", "/v1/chat/completions", b"", headers, dict(headers), http_1_0=False, keep_alive=True, expects=False
    )
    made = HttpExchange(Nobody(), head)
    made.feed(body)
    made.finish()
    return made


async def no_translator() -> Link:
    """There is none."""
    raise GatewayError("upstream_unreachable")


async def test_a_call_that_crashes_on_its_way_to_the_provider(store: Store) -> None:
    lifecycle = Lifecycle(
        await load(store),
        Pool(BrokenGuard(()), Timeouts()),
        Telemetry("1", []),
        WhyWriter(store, 10, 1),
        Metrics("1", 500, {}).calls,
        Prices({}),
        Limits(1 << 20, 10),
        no_translator,
        lambda *_: None,
        lambda *_: None,
    )
    lifecycle.ready = True
    with reports() as made:
        await lifecycle.handle(a_call(b'{"model":"m","messages":[]}'))
    (shown,) = made
    assert "Broken" in shown
    assert "head = SecretBytes(…)" in shown, "the frame that has the request"
    assert "in _attempt" in shown
    assert not found(shown.encode(), USED)


async def test_a_head_that_cannot_be_made(store: Store) -> None:
    """The credential stands in no variable, wherever the making of the head breaks off."""
    routes = (await load(store)).tenant("acme")
    assert routes is not None
    upstream = routes.upstreams["main"]
    assert upstream.origin is not None
    way = ways.Way(upstream, upstream.origin, "api.example", 443, None, "/v1/x")
    no_bytes: Any = [(b"traceparent", "00-1-1-00")]
    with pytest.raises(TypeError) as failed:
        outgoing.head(a_call(b""), target(), way, upstream.origin, 0, no_bytes)
    shown = report(failed.value)
    assert "way = Way(" in shown
    assert not found(shown.encode(), USED)


def asked(body: Any, **path: str) -> Asked:
    """A request of the platform's admin."""
    return Asked(Caller("key_0", Role.PLATFORM_ADMIN, None), "acme", body, path, {}, {})


async def test_a_provider_put_that_crashes(store: Store) -> None:
    await load(store)
    providers = Providers(Control(store, lambda: NOW), RING, BrokenGuard(()))
    body = ProviderPut("openai", "m", base_url="https://other.example/v1", api_key=API_KEY)
    with pytest.raises(Broken) as failed:
        await providers.put(asked(body, provider="main"))
    shown = report(failed.value)
    assert "in _provider" in shown
    assert "ProviderPut(" in shown
    assert not found(shown.encode(), USED)


async def test_a_key_that_is_made_and_crashes(store: Store) -> None:
    await load(store)

    def clock() -> str:
        raise Broken

    with pytest.raises(Broken) as failed:
        await Credentials(Control(store, clock)).make(asked(KeyPost("caller")))
    shown = report(failed.value)
    assert "key = Secret(…)" in shown
    assert "hs_" not in shown


@pytest.mark.parametrize(
    "url",
    [f"http://user:{API_KEY}@proxy/path", f"socks5://user:{API_KEY}@proxy", f"http://user:{API_KEY}@proxy:99999999"],
)
def test_a_proxy_that_cannot_be_used(url: str) -> None:
    with pytest.raises(InvalidUrl) as failed:
        parse_proxy(Secret(url), None)
    assert not found(report(failed.value).encode(), USED)


async def test_a_backend_that_crashes(store: Store) -> None:
    """The job worker's side: the SDK's own frames are its own affair, ours show nothing."""
    access = Access("openai", "https://api.example/v1", Secret(API_KEY))

    class Crashing:
        def __getattr__(self, name: str) -> Any:
            raise Broken(name)

    http: Any = Crashing()
    with pytest.raises((Broken, TypeError)) as failed:
        OpenAIBackend(access, http)
    assert not found(report(failed.value).encode(), USED)


async def test_an_admin_call_that_crashes(store: Store) -> None:
    """Through everything that stands around it: the adapter, the framework, the one wrapper of all routes."""
    await load(store)
    providers = Providers(Control(store, lambda: NOW), RING, BrokenGuard(()))
    routes = Routes(RING, CALLER_KEY, time.time)
    made: list[str] = []

    async def keep(_: Request, error: Exception) -> Response:
        made.append(report(error))
        return Response(status_code=500)

    app = Starlette(
        routes=[mount(row, routes, lambda *_: None) for row in providers.routes()], exception_handlers={500: keep}
    )
    body = {"kind": "openai", "default_model": "m", "base_url": "https://other.example/v1", "api_key": API_KEY}
    headers = [(b"host", b"gateway"), (b"authorization", f"Bearer {CALLER_KEY}".encode())]
    path = "/admin/api/tenants/acme/providers/main"
    head = RequestHead("PUT", path, b"", headers, dict(headers), http_1_0=False, keep_alive=True, expects=False)
    exchange = HttpExchange(Nobody(), head)
    exchange.feed(msgspec.json.encode(body))
    exchange.finish()
    with contextlib.suppress(Broken):
        await asgi.behind(exchange, app)
    (shown,) = made
    assert "in _provider" in shown
    assert "scope = " in shown
    assert not found(shown.encode(), USED)


@pytest.mark.parametrize(
    "unusable",
    [
        {"HOUSESTYLE_MAX_BODY_MB": "much"},
        {"HOUSESTYLE_UPSTREAM_ALLOW": "everything"},
        {"HOUSESTYLE_REDIS_URL": f"http://user:{API_KEY}@redis"},
        {"HOUSESTYLE_ENCRYPTION_KEYS": base64.b64encode(API_KEY.encode()).decode()},
        {"HTTPS_PROXY": f"http://user:{API_KEY}@proxy/path"},
    ],
)
def test_settings_that_cannot_be_used(unusable: dict[str, str]) -> None:
    environ = SecretEnviron(
        {
            "HOUSESTYLE_ADMIN_KEY": CALLER_KEY,
            "HOUSESTYLE_ENCRYPTION_KEYS": base64.b64encode(KEY).decode(),
            "HOUSESTYLE_REDIS_URL": f"redis://user:{API_KEY}@redis",
            "HTTPS_PROXY": f"http://user:{API_KEY}@proxy:3128",
            **unusable,
        },
    )
    with pytest.raises(SettingsError) as failed:
        read(environ)
    assert not found(report(failed.value).encode(), USED)
