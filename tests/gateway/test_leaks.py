"""One busy run in which every kind of secret is used and much goes wrong; then everything that was written and answered
is searched for each of them, as it is and in the forms that programs turn text into.
"""

import base64
import contextlib
import math
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx2
import msgspec
import pytest
import redis
from msgspec import Struct

from gateway.store import keys
from gateway.store.embedded import running_url
from tests.support.admin import BASE_MODEL, FINAL, NO_TLS, STOCK
from tests.support.otlp import Collector, collecting
from tests.support.processes import Program, children, gateway_environ, running, wait_until
from tests.support.redis import stoppable
from tests.support.servers import in_thread
from tests.support.upstream import Peer, Received, completion, upstream
from tests.support.vaults import write_vault

CHAT = "/v1/chat/completions"
FIRM = "/admin/api/tenants/acme"
_LISTENING = re.compile(r"listening on (http://\S+)")


# the search


def forms(secret: bytes) -> Iterator[tuple[str, bytes]]:
    """The secret as it is, and as it would look inside other things. Base64 has three forms, by where it begins."""
    yield "plain", secret
    yield "hex", secret.hex().encode()
    yield "HEX", secret.hex().upper().encode()
    with contextlib.suppress(UnicodeDecodeError):
        text = secret.decode()
        yield "url", quote(text, safe="").encode()
        yield "form", quote_plus(text).encode()
        yield "json", msgspec.json.encode(text)[1:-1]
        yield "repr", repr(text)[1:-1].encode()
    for shift in range(3):
        padded = b"\0" * shift + secret
        first, last = math.ceil(8 * shift / 6), 8 * len(padded) // 6
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            yield f"{name} at {shift}", encode(padded)[first:last]


def found(data: bytes, used: Mapping[str, bytes]) -> list[str]:
    """Which of the secrets stand in `data`, and in which form."""
    return [f"{name}, {form}" for name, secret in used.items() for form, text in forms(secret) if text in data]


PLANTED = b"sk-planted/0123+456789"


@pytest.mark.parametrize("before", ["", "a", "ab", "Bearer ", '{"key":"'])
@pytest.mark.parametrize(
    "turned",
    [
        bytes,
        base64.b64encode,
        base64.urlsafe_b64encode,
        lambda data: data.hex().encode(),
        lambda data: quote(data.decode(), safe="").encode(),
        msgspec.json.encode,
        lambda data: repr(data).encode(),
    ],
)
@pytest.mark.parametrize("after", ["", ".", '"}', "=trailing"])
def test_the_search_finds_what_is_planted(before: str, turned: Any, after: str) -> None:
    data = b"noise " + turned(before.encode() + PLANTED + after.encode()) + b" noise"
    assert found(data, {"planted": PLANTED}), data
    assert not found(data, {"another": b"sk-another/0123+456789"})


# the run


class Used:
    """Every secret of the run, by what it is."""

    def __init__(self) -> None:
        self.all: dict[str, bytes] = {}

    def new(self, name: str, prefix: str = "sk-") -> str:
        """One more."""
        return self.add(f"{name} ({len(self.all)})" if name in self.all else name, f"{prefix}{secrets.token_hex(16)}")

    def add(self, name: str, secret: str) -> str:
        """One that was made elsewhere."""
        self.all[name] = secret.encode()
        return secret


class Written(Struct):
    """What a run left behind: by place, its bytes."""

    places: dict[str, bytes]
    used: dict[str, bytes]


async def script(request: Received, peer: Peer) -> None:
    """A provider that does what the header `x-want` says. Nothing of what it was sent is in its answers."""
    want = (request.header("x-want") or [""])[0]
    if want == "cut":
        peer.cut()
    elif want in ("stream", "break"):
        await peer.begin_stream()
        await peer.chunk(b'data: {"id":"1","model":"m","choices":[]}\n\n')
        if want == "break":
            await peer.leave()
            return
        await peer.chunk(b"data: [DONE]\n\n")
        await peer.chunk(b"")
    elif request.method == "GET":
        await peer.answer(b'{"object":"list","data":[]}')
    elif want:
        await peer.answer(b'{"error":{"message":"no","type":"t","param":null,"code":"c"}}', want)
    else:
        await peer.answer(completion(STOCK))


class Run:
    """A gateway, and a client that keeps all that it is answered."""

    def __init__(self, http: httpx2.Client, used: Used) -> None:
        self.used = used
        self.answers: list[bytes] = []
        self._http = http

    def ask(
        self, method: str, path: str, body: Any = None, key: str = "", headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """An answer, whatever it is; kept."""
        content = body if isinstance(body, bytes | None) else msgspec.json.encode(body)
        named = {**({"authorization": f"Bearer {key}"} if key else {}), **(headers or {})}
        answer = self._http.request(method, path, content=content, headers=named)
        head = b"".join(name + b": " + value + b"\r\n" for name, value in answer.headers.raw)
        self.answers.append(f"{method} {path.partition('?')[0]}\n".encode() + head + answer.content)
        return answer

    def done(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to something of the platform's admin that must succeed."""
        answer = self.ask(method, path, body, self.admin_key)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def new_key(self, name: str, path: str, role: str) -> tuple[str, str]:
        """A key and its id; the one answer that shows it is kept without it."""
        made = self.done("POST", path, {"role": role, "label": name})
        self.used.add(name, made["key"])
        shown = self.answers.pop()
        assert shown.count(made["key"].encode()) == 1
        self.answers.append(shown.replace(made["key"].encode(), b""))
        return made["key"], made["id"]

    @property
    def admin_key(self) -> str:
        """The platform's."""
        return self.used.all["admin key"].decode()


def provider(kind: str, base_url: str | None, api_key: str, **more: Any) -> dict[str, Any]:
    """A provider as the admin API takes it."""
    return {"kind": kind, "base_url": base_url, "api_key": api_key, "default_model": STOCK, **more}


def administer(run: Run, scripted: str, sandbox: str) -> None:
    """Providers of several kinds, made, changed, refused."""
    new = run.used.new
    run.done("PUT", FIRM, {"rule": "all", "allowed_paths": ["rerank"]})
    run.done("PUT", f"{FIRM}/providers/main", provider("openai_compatible", f"{scripted}/v1", new("first key")))
    run.done("PUT", f"{FIRM}/providers/main", provider("openai_compatible", f"{scripted}/v1", new("second key")))
    run.done("PUT", f"{FIRM}/providers/azure", provider("azure_openai", scripted, new("azure key", "")))
    run.done("PUT", f"{FIRM}/providers/claude", provider("anthropic", scripted, new("anthropic key", "sk-ant-")))
    run.done("PUT", f"{FIRM}/providers/sandbox", provider("openai_compatible", f"{sandbox}/v1", new("sandbox key")))
    run.done("PUT", f"{FIRM}/providers/far", provider("openai", "https://api.openai.invalid/v1", new("far key")))
    run.done(
        "PUT",
        f"{FIRM}/providers/bedrock",
        provider("bedrock", None, new("bedrock key", ""), options={"region": "eu-west-1", "access_key_id": "AKIA1"}),
    )
    account = {"type": "service_account", "private_key": new("vertex key", "")}
    vertex = provider("vertex", None, msgspec.json.encode(account).decode())
    run.done("PUT", f"{FIRM}/providers/vertex", {**vertex, "options": {"project": "p", "location": "eu"}})
    main = f"{FIRM}/providers/main"
    for refused in (
        provider("nonesuch", scripted, new("key of no kind")),
        provider("openai", f"http://user:{new('password in a URL', '')}@127.0.0.1/v1", new("key beside it")),
        provider("openai", "http://10.0.0.1/v1", new("key for a private address")),
        provider("openai", scripted, new("key with a space") + " x"),
        provider("openai", scripted, new("key and a field", "sk-"), extra=1),
        provider("vertex", scripted, new("key that is no account")),
        {"kind": "openai", "default_model": STOCK, "api_key": [new("key in a list")]},
        b'{"api_key":"' + new("key in no JSON").encode() + b'"',
        {"kind": "openai_compatible", "base_url": f"{scripted}/elsewhere", "default_model": STOCK},
    ):
        assert run.ask("PUT", main, refused, run.admin_key).status_code in (400, 422), refused


def call(run: Run, caller: str, service: str) -> None:
    """Calls that go well, badly, and nowhere."""
    body = {"model": STOCK, "messages": [{"role": "user", "content": "Hello"}]}

    def say(expected: int, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        stream = {**body, "stream": True} if headers.get("x_want") in ("stream", "break") else body
        answer = run.ask("POST", f"{CHAT}?sig={run.used.new('in a query', '')}", stream, caller, named)
        assert answer.status_code == expected, answer.text

    say(200, cookie=f"session={run.used.new('cookie', '')}")
    say(200, x_want="stream")
    with contextlib.suppress(httpx2.TransportError):
        say(200, x_want="break")
    say(502, x_want="cut")
    for status in ("400 Bad", "401 No", "404 None", "422 Odd", "429 Busy", "500 Broken"):
        say(int(status[:3]), x_want=status)
    say(200, x_provider="azure")
    say(502, x_provider="far")
    say(404, x_provider="nonesuch")
    say(400, x_provider="claude")
    messages = {**body, "max_tokens": 5}
    assert run.ask("POST", "/v1/messages", messages, caller, {"x-provider": "claude"}).status_code == 200
    assert run.ask("POST", CHAT, body, service, {"x-tenant-id": "acme"}).status_code == 200
    assert run.ask("POST", CHAT, body, service).status_code == 400
    assert run.ask("POST", "/v1/files", b"x", caller).status_code >= 400
    assert run.ask("GET", "/v1/models", None, caller).status_code == 200
    assert run.ask("POST", CHAT, b'{"model":', caller).status_code == 400
    for shown in ("authorization", "x-api-key", "api-key"):
        wrong = run.used.new(f"wrong key in {shown}", "hs_")
        scheme = "Bearer " if shown == "authorization" else ""
        assert run.ask("POST", CHAT, body, headers={shown: scheme + wrong}).status_code == 401
        assert run.ask("GET", FIRM, headers={shown: scheme + wrong}).status_code == 401
    assert run.ask("POST", CHAT, body, run.admin_key).status_code == 403
    assert run.ask("GET", FIRM, None, caller).status_code == 403


def train(run: Run, vault: Path, caller: str) -> None:
    """A job, from its Vault to the calls that its model answers."""
    run.done("PUT", f"{FIRM}/vault", {"url": vault.as_uri()})
    order = {"label": "Spring", "backend": "openai", "provider": "sandbox", "base_model": BASE_MODEL}
    path = f"{FIRM}/jobs/{run.done('POST', f'{FIRM}/jobs', order)['id']}"
    wait_until(lambda: run.done("GET", path)["status"] in FINAL, what="the end of the job")
    job = run.done("GET", path)
    assert job["status"] == "ready", job
    run.done("POST", f"{path}/activate", {"share": 1.0})
    body = {"model": STOCK, "messages": [{"role": "user", "content": "Write a clause."}]}
    answer = run.ask("POST", CHAT, body, caller)
    assert answer.headers["x-fine-tuned"] == "true", answer.text
    for part in ("events", "metrics", "examples", "manifest"):
        run.ask("GET", f"{path}/{part}", None, run.admin_key)
    run.done("POST", f"{FIRM}/stock", {})


def break_inside(run: Run, data: Path) -> None:
    """Rows that nothing of ours writes: what meets them fails where nobody expects it."""
    url = running_url(data)
    assert url is not None
    with redis.Redis.from_url(url, protocol=2) as client:
        client.hset(keys.table(keys.jobs_of("acme")), "job_junk", b'1 {"id":1}')
    assert run.ask("GET", f"{FIRM}/jobs/job_junk", None, run.admin_key).status_code == 500


def read_all(run: Run) -> None:
    """Everything that there is to be read."""
    for path in (
        *("/admin/api/tenants", FIRM, f"{FIRM}/providers", f"{FIRM}/keys", "/admin/api/keys", f"{FIRM}/vault"),
        *(f"{FIRM}/jobs", f"{FIRM}/why", f"{FIRM}/why/summary", f"{FIRM}/audit", "/admin/api/audit"),
        *("/admin/api/replicas", "/admin/api/openapi.json", "/metrics", "/readyz", "/healthz", "/nowhere"),
    ):
        run.ask("GET", path, None, run.admin_key)
    for form in ("application/x-ndjson", "text/csv"):
        for path in (f"{FIRM}/why", f"{FIRM}/audit", "/admin/api/audit"):
            run.ask("GET", path, None, run.admin_key, {"accept": form})


@pytest.fixture(scope="module")
def written(sandbox: Program, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The busy run, over."""
    folder = tmp_path_factory.mktemp("leaks")
    data = folder / "data"
    vault = write_vault(data / "vaults" / "orchard.jsonl", 20)
    used = Used()
    used.new("admin key", "hs_")
    encryption_keys = [os.urandom(32) for _ in range(2)]
    used.all |= {f"encryption key {number}": key for number, key in enumerate(encryption_keys)}
    with collecting() as collector, in_thread(upstream(script)) as scripted:
        environ = gateway_environ(
            data,
            HOUSESTYLE_ADMIN_KEY=used.all["admin key"].decode(),
            HOUSESTYLE_ENCRYPTION_KEYS=listed(encryption_keys),
            HOUSESTYLE_POLL_SECONDS="0.05",
            OTEL_TRACES_EXPORTER="otlp",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint,
            OTEL_EXPORTER_OTLP_HEADERS=f"authorization=Bearer%20{used.new('collector key', '')}",
            OTEL_BSP_SCHEDULE_DELAY="50",
            HTTPS_PROXY=f"http://user:{used.new('proxy password', '')}@127.0.0.1:1",
        )
        with serving(environ, folder) as (process, url), contextlib.ExitStack() as closing:
            run = Run(closing.enter_context(httpx2.Client(base_url=url, timeout=30, verify=NO_TLS)), used)
            administer(run, scripted.url, sandbox.url)
            caller, _ = run.new_key("caller key", f"{FIRM}/keys", "caller")
            gone, gone_id = run.new_key("revoked key", f"{FIRM}/keys", "caller")
            run.new_key("tenant admin's key", f"{FIRM}/keys", "tenant_admin")
            service, _ = run.new_key("service key", "/admin/api/keys", "service")
            run.done("DELETE", f"{FIRM}/keys/{gone_id}")
            assert run.ask("GET", "/v1/models", None, gone).status_code == 401
            call(run, caller, service)
            train(run, vault, caller)
            break_inside(run, data)
            rotated = subprocess.run(
                [sys.executable, "-m", "gateway", "rotate-keys"],
                env=environ_of({**environ, "HOUSESTYLE_ENCRYPTION_KEYS": listed(reversed(encryption_keys))}),
                capture_output=True,
                check=True,
            )
            read_all(run)
            commands = {process.pid: " ".join(process.args), **children(process.pid)}  # type: ignore[arg-type]
            assert len(commands) > 2, "the server and the worker are among them"
        places = {f"file {path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        places |= {f"answer {number}": answer for number, answer in enumerate(run.answers)}
        places |= {f"span {number}": span for number, span in enumerate(spans(collector))}
        places |= {f"command of {pid}": command.encode() for pid, command in commands.items()}
        places["rotate-keys"] = rotated.stdout + rotated.stderr
    return Written(places, used.all)


def listed(encryption_keys: Iterable[bytes]) -> str:
    """As HOUSESTYLE_ENCRYPTION_KEYS has them."""
    return ",".join(base64.b64encode(key).decode() for key in encryption_keys)


def environ_of(environ: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with these settings in the place of its own."""
    return {**{k: v for k, v in os.environ.items() if not k.startswith(("HOUSESTYLE_", "OTEL_"))}, **environ}


@contextlib.contextmanager
def serving(environ: Mapping[str, str], folder: Path) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """A gateway that writes all that it says to files; ended as an operator does."""
    out = folder / "stdout"
    with out.open("wb") as said, (folder / "stderr").open("wb") as errors:
        command = [sys.executable, "-m", "gateway", "serve", "--port", "0"]
        process = subprocess.Popen(command, env=environ_of(environ), stdout=said, stderr=errors)
        try:
            wait_until(lambda: _LISTENING.search(out.read_text()) is not None, 60, "a gateway that listens")
            yield process, _LISTENING.findall(out.read_text())[0]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def spans(collector: Collector) -> list[bytes]:
    """What arrived at the collector."""
    return [span.SerializeToString() for span in collector.spans]


def test_no_secret_is_in_anything_that_was_written_or_answered(written: Written) -> None:
    leaks = {place: leak for place, data in written.places.items() if (leak := found(data, written.used))}
    assert leaks == {}


def test_the_run_was_busy(written: Written) -> None:
    """Else the search proves nothing: it must have gone over all of this."""
    everything = b"".join(written.places.values())
    names = set(written.places)
    assert len(written.used) > 30
    assert any("redis" in name and name.endswith(".aof") for name in names), names
    assert any("artifacts" in name for name in names)
    assert sum(name.startswith("span") for name in names) > 10
    log = written.places["file stderr"]
    for event in (b"admin_call_failed", b"call_failed", b"call_refused", b"ValidationError"):
        assert event in log, event
    for code in (b"invalid_api_key", b"upstream_unreachable", b"upstream_protocol_error", b"keys.rotate"):
        assert code in everything, code
    hints = written.used["second key"][-4:]
    assert b'"api_key_hint":"\xe2\x80\xa6' + hints in everything, "hints are what is shown"


@pytest.mark.parametrize("name", ["second key", "caller key", "encryption key 0", "proxy password"])
def test_the_search_would_have_found_it(written: Written, name: str) -> None:
    file = next(data for place, data in written.places.items() if place.endswith(".aof"))
    secret = written.used[name]
    for planted in (secret, base64.b64encode(b"x:" + secret), secret.hex().encode()):
        assert found(file[:1000] + planted + file[1000:], written.used)


# a store with a password


def test_the_password_of_the_store_is_in_no_word_of_a_gateway_or_worker(tmp_path: Path) -> None:
    """Also where the store goes away, and where it comes back and does not take the password."""
    used = Used()
    password = used.new("password of the store", "")
    said = tmp_path / "said"
    with stoppable(tmp_path / "redis") as store:
        store.set("requirepass", password)
        environ = gateway_environ(
            tmp_path / "data",
            HOUSESTYLE_ADMIN_KEY=used.new("admin key", "hs_"),
            HOUSESTYLE_REDIS_URL=store.url.replace("unix://", f"unix://:{password}@"),
            HOUSESTYLE_ARTIFACTS_URL=(tmp_path / "artifacts").as_uri(),
            HOUSESTYLE_ENCRYPTION_KEYS=listed([os.urandom(32)]),
        )
        with contextlib.ExitStack() as closing:
            errors = closing.enter_context(said.open("ab"))
            command = [sys.executable, "-m", "gateway", "worker"]
            worker = subprocess.Popen(command, env=environ_of(environ), stdout=errors, stderr=errors)
            closing.callback(worker.wait, 60)
            closing.callback(worker.terminate)
            gateway = closing.enter_context(running(["serve", "--port", "0"], environ, said))
            http = closing.enter_context(httpx2.Client(base_url=gateway.url, timeout=30, verify=NO_TLS))
            run = Run(http, used)
            run.done("PUT", FIRM, {})
            with redis.Redis.from_url(environ["HOUSESTYLE_REDIS_URL"], protocol=2) as client:
                wait_until(lambda: any(client.scan_iter(f"{keys.DOCKET}*")), what="a worker at work")
            store.stop()
            assert run.ask("PUT", FIRM, {}, run.admin_key).status_code == 503
            before = len(said.read_bytes())
            store.start()
            wait_until(lambda: b"assword" in said.read_bytes()[before:], what="a word on the password")
            run.ask("PUT", FIRM, {}, run.admin_key)
            run.ask("GET", "/readyz")
    assert not found(said.read_bytes() + b"".join(run.answers), used.all)
