"""The processes of a gateway: how they start, what they say when they cannot, and how they end together."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.admin import NO_TLS, STOCK, Admin
from tests.support.firms import Firm
from tests.support.processes import ADMIN_KEY, Program, children, gateway_environ, gone, running, wait_until
from tests.support.raw import Answer, Cut, Raw, request
from tests.support.servers import Signal, in_thread
from tests.support.upstream import Peer, Received, Upstream, echo_model, upstream
from tests.support.vaults import write_vault


def housestyle(arguments: list[str], environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """A command that is expected to end by itself."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HOUSESTYLE_", "OTEL_"))}
    command = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(command, env={**kept, **environ}, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def hardy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway whose children may be killed."""
    folder = tmp_path_factory.mktemp("hardy")
    write_vault(folder / "data" / "vaults" / "orchard.jsonl", 12)
    with running(["serve", "--port", "0"], gateway_environ(folder / "data"), folder / "log") as program:
        yield program


def test_however_it_ends_its_children_end_with_it_and_its_data_and_secrets_stay(tmp_path: Path) -> None:
    environ = gateway_environ(tmp_path / "data", HOUSESTYLE_ADMIN_KEY="")
    key_file = tmp_path / "data" / "admin-key"
    made: list[str] = []
    keys: set[str] = set()
    for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        with running(["serve", "--port", "0"], environ, tmp_path / "log") as gateway:
            keys.add(key_file.read_text())
            with Admin(gateway.url, key_file.read_text()) as admin:
                assert [tenant["id"] for tenant in admin.get("/tenants")["items"]] == sorted(made)
                made.append(how.name.lower())
                admin.put(f"/tenants/{made[-1]}", {})
            below = children(gateway.process.pid)
            assert any("redis-server" in command for command in below.values())
            assert any("worker" in command for command in below.values())
            gateway.process.send_signal(how)
            gateway.process.wait(30)
            gateway.stop()  # closes what is open of it
            wait_until(lambda: gone(list(below)), 20, f"the end of its children after {how.name}")  # noqa: B023
            assert gateway.process.returncode == (-9 if how == signal.SIGKILL else 0)
    assert len(keys) == 1
    for name in ("admin-key", "encryption-key"):
        assert (tmp_path / "data" / name).stat().st_mode & 0o777 == 0o600


def test_a_redis_that_dies_is_started_again_and_the_gateway_goes_on(hardy: Program, sandbox: Program) -> None:
    with Admin(hardy.url) as admin:
        firm = Firm(admin, sandbox.url)
        [redis] = [pid for pid, line in children(hardy.process.pid).items() if "/redis-server" in line.split(" ")[0]]
        os.kill(redis, signal.SIGKILL)
        assert firm.say().status_code == 200
        wait_until(lambda: admin.ask("PUT", firm.path, {"name": "After"}).status_code == 200, 15, "the next one")
        assert admin.get(firm.path)["default_provider"] == "main"
        assert firm.say().status_code == 200


def test_a_worker_that_dies_is_started_again(hardy: Program, sandbox: Program) -> None:
    vault = hardy.log.parent / "data" / "vaults" / "orchard.jsonl"
    [worker] = [pid for pid, command in children(hardy.process.pid).items() if "gateway worker" in command]
    os.kill(worker, signal.SIGKILL)
    with Admin(hardy.url) as admin:
        assert Firm(admin, sandbox.url, vault=vault).ready_job()


def test_a_second_gateway_on_the_same_data_is_refused_in_a_line(gateway: Program, data_dir: Path) -> None:
    ended = housestyle(["serve", "--port", "0"], gateway_environ(data_dir))
    assert ended.returncode == 2
    assert f"in use by another Housestyle (process {gateway.process.pid})" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert httpx2.get(f"{gateway.url}/readyz", verify=NO_TLS).status_code == 200


def test_a_port_that_is_taken_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = housestyle(["serve", "--port", port], gateway_environ(tmp_path / "data"))
    assert ended.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use. Name another port" in ended.stderr
    assert not (tmp_path / "data").exists()


def test_settings_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    ended = housestyle(["serve", "--port", "0"], gateway_environ(tmp_path, HOUSESTYLE_POLL_SECONDS="often"))
    assert ended.returncode == 2
    assert "HOUSESTYLE_POLL_SECONDS must be a number" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("said", ["many", "-1"])
def test_a_limit_of_spans_that_is_none_keeps_nothing_from_starting(tmp_path: Path, said: str) -> None:
    """The SDK reads this one when it is imported."""
    environ = gateway_environ(tmp_path / "data", OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=said)
    with running(["serve", "--port", "0", "--workers", "2"], environ, tmp_path / "log") as gateway:
        assert httpx2.get(f"{gateway.url}/readyz", verify=NO_TLS).status_code == 200
    assert gateway.log.read_text().count("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT") == 1


def test_a_gateway_says_that_it_lives_and_is_ready(gateway: Program) -> None:
    assert httpx2.get(f"{gateway.url}/healthz", verify=NO_TLS).status_code == 200
    assert httpx2.head(f"{gateway.url}/", verify=NO_TLS).status_code == 200
    answer = httpx2.get(f"{gateway.url}/readyz", verify=NO_TLS)
    assert answer.status_code == 200
    assert answer.json().items() >= {"ready": True, "draining": False, "store": "connected"}.items()


def test_a_browser_at_the_root_is_told_where_things_are(gateway: Program) -> None:
    with httpx2.Client(base_url=gateway.url, verify=NO_TLS) as http:
        answer = http.get("/")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
        assert "/v1" in answer.json()["error"]["message"]
        assert http.head("/").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "environ", "words"),
    [
        (["serve", "--port", "99999"], {}, "65535"),
        (["sandbox", "--step-seconds", "-1"], {}, "--step-seconds"),
        (["serve"], {"HOUSESTYLE_DATA_DIR": "/proc/nowhere"}, "The data directory /proc/nowhere cannot be"),
        (["serve"], {"HOUSESTYLE_DATA_DIR": "/etc/passwd"}, "The data directory /etc/passwd cannot be"),
        (["serve"], {"HOUSESTYLE_ADMIN_PORT": "65536"}, "HOUSESTYLE_ADMIN_PORT must be a port, 1 to 65535"),
        (["serve"], {"HOUSESTYLE_ADMIN_PORT": "8080"}, "HOUSESTYLE_ADMIN_PORT is 8080, the data plane's own port"),
        (["worker"], {}, "A worker needs HOUSESTYLE_REDIS_URL"),
        (["demo", "--vault", "/"], {}, "/ is a directory"),
    ],
)
def test_what_a_person_can_mend_is_said_without_a_traceback(
    arguments: list[str],
    environ: dict[str, str],
    words: str,
) -> None:
    ended = housestyle(arguments, environ)
    assert ended.returncode in (1, 2)
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_says_which_one_it_is() -> None:
    assert housestyle(["--version"], {}).stdout.startswith("housestyle ")


# the end of a gateway under load, with one process and with two

WORKERS = pytest.mark.parametrize("workers", [1, 2])
PORTS = pytest.mark.parametrize("admin_port", ["", "0"], ids=["one port", "two ports"])
FIRST, LAST = b'data: {"id":"c1","model":"m-1","choices":[]}\n\n', b"data: [DONE]\n\n"


class Provider:
    """An upstream whose streams wait in their middle until a test lets them go on."""

    def __init__(self) -> None:
        self.go_on = Signal()

    async def answer(self, received: Received, peer: Peer) -> None:
        if not json.loads(received.body).get("stream"):
            await echo_model(received, peer)
            return
        await peer.begin_stream()
        await peer.chunk(FIRST)
        await self.go_on.reached()
        await peer.chunk(LAST)
        await peer.chunk(b"")


@pytest.fixture
def provider() -> Provider:
    """One for a test."""
    return Provider()


@pytest.fixture
def scripted(provider: Provider) -> Iterator[Upstream]:
    """It, on its socket; whatever waits there is let go at the end."""
    with in_thread(upstream(provider.answer)) as made:
        yield made
        provider.go_on.set()


@contextlib.contextmanager
def started(folder: Path, workers: int = 1, **environ: str) -> Iterator[Program]:
    """A gateway of so many processes; again on the same data."""
    arguments = ["serve", "--port", "0", "--workers", str(workers)]
    with running(arguments, gateway_environ(folder / "data", **environ), folder / "log") as program:
        yield program


def chat(firm: Firm, **more: Any) -> bytes:
    """A call of the firm's, as bytes."""
    body = json.dumps({"model": STOCK, "messages": [{"role": "user", "content": "Hello"}], **more}).encode()
    return request("POST", "/v1/chat/completions", f"authorization: Bearer {firm.key}", body=body)


def streaming(caller: Raw, firm: Firm) -> Answer:
    """The head of a stream that has begun."""
    caller.send(chat(firm, stream=True, stream_options={"include_usage": True}))
    head = caller.head()
    assert head.status == 200
    assert caller.chunk() == FIRST
    return head


def takes_no_more(url: str) -> bool:
    """Whether new connections are refused."""
    try:
        Raw(url).leave()
    except ConnectionError:
        return True
    return False


def record(folder: Path, firm: Firm, call_id: str) -> Any:
    """What a gateway that is started again on the data knows of a call."""
    with started(folder) as again, Admin(again.url) as admin:
        return admin.get(f"{firm.path}/why/{call_id}")


@PORTS
@WORKERS
def test_a_stream_under_way_ends_whole_and_nothing_is_lost(
    tmp_path: Path, scripted: Upstream, provider: Provider, workers: int, admin_port: str
) -> None:
    with (
        started(tmp_path, workers, HOUSESTYLE_ADMIN_PORT=admin_port) as gateway,
        Admin(gateway.admin_url) as admin,
    ):
        firm = Firm(admin, scripted.url, gateway=gateway.url)
        with Raw(gateway.url) as caller, Raw(gateway.admin_url) as probe, Raw(gateway.url) as late:
            head = streaming(caller, firm)
            assert probe.ask("GET", "/readyz").status == 200
            assert late.ask("GET", "/readyz").status == 200
            gateway.process.send_signal(signal.SIGTERM)
            late.send(chat(firm))
            assert late.answer("POST").status == 200, "what is on its way already is served"
            while (told := probe.ask("GET", "/readyz")).status == 200:
                assert not told.closes
            assert (told.status, json.loads(told.body)["draining"]) == (503, True)
            wait_until(lambda: takes_no_more(gateway.url), 10, "the end of new connections")
            wait_until(lambda: takes_no_more(gateway.admin_url), 10, "the end of admins' new connections")
            assert gateway.process.poll() is None
            assert caller.quiet(0.2), "the stream goes on"
            provider.go_on.set()
            assert [caller.chunk(), caller.chunk()] == [LAST, b""]
            assert caller.rest() == b""
        assert gateway.process.wait(30) == 0
        gateway.stop()  # closes what is open of it
    why = record(tmp_path, firm, head.header("x-call-id")[0])
    assert (why["status"], why["stream"], why["cancelled"], why["response_id"]) == (200, True, False, "c1")


@WORKERS
def test_what_does_not_end_within_the_drain_time_is_cut(tmp_path: Path, scripted: Upstream, workers: int) -> None:
    with (
        started(tmp_path, workers, HOUSESTYLE_DRAIN_SECONDS="0.5") as gateway,
        Admin(gateway.url) as admin,
    ):
        firm = Firm(admin, scripted.url)
        with Raw(gateway.url) as caller:
            head = streaming(caller, firm)
            gateway.process.send_signal(signal.SIGTERM)
            assert b"upstream_disconnected" in caller.chunk()  # between two events it can be said
            with pytest.raises(Cut):
                caller.chunk()
        assert gateway.process.wait(30) == 0
        gateway.stop()
    why = record(tmp_path, firm, head.header("x-call-id")[0])
    assert (why["status"], why["error"], why["cancelled"]) == (200, "draining", False)


@pytest.mark.parametrize(("workers", "how"), [(1, signal.SIGINT), (2, signal.SIGTERM)])
def test_a_call_that_waits_for_its_first_byte_is_waited_for(
    tmp_path: Path, scripted: Upstream, workers: int, how: signal.Signals
) -> None:
    go_on = Signal()

    async def slow(received: Received, peer: Peer) -> None:
        await go_on.reached()
        await echo_model(received, peer)

    scripted.script = slow
    with started(tmp_path, workers) as gateway, Admin(gateway.url) as admin:
        firm = Firm(admin, scripted.url)
        below = children(gateway.process.pid)
        with Raw(gateway.url) as caller:
            caller.send(chat(firm))
            wait_until(lambda: bool(scripted.requests), what="the call upstream")
            gateway.process.send_signal(how)
            wait_until(lambda: takes_no_more(gateway.url), 10, "the end of new connections")
            go_on.set()
            told = caller.answer("POST")
            assert (told.status, told.closes) == (200, True)
        assert gateway.process.wait(30) == 0
        gateway.stop()
        wait_until(lambda: gone(list(below)), 20, "the end of its children")


# a port of the admins' own


@pytest.fixture(scope="module", params=[1, 2], ids=["one process", "two processes"])
def apart(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Program]:
    """A gateway with two ports."""
    with started(tmp_path_factory.mktemp("apart"), request.param, HOUSESTYLE_ADMIN_PORT="0") as gateway:
        assert gateway.admin_url != gateway.url
        yield gateway


OWN = {"/healthz": 200, "/readyz": 200, "/": 404, "/nowhere": 404}
OF_CALLERS = {"/v1/models": 401, "/models": 401, "/v1/nowhere": 401, "/responses/resp_1": 401}
OF_ADMINS = {"/metrics": 200, "/admin/api/tenants": 401, "/admin/api/nowhere": 404}


def statuses(url: str) -> dict[str, int]:
    """What each of the paths is answered, without a key."""
    with httpx2.Client(base_url=url, verify=NO_TLS) as http:
        return {path: http.get(path).status_code for path in OWN | OF_CALLERS | OF_ADMINS}


def test_each_path_is_on_its_port_and_unknown_on_the_other(apart: Program) -> None:
    assert statuses(apart.url) == OWN | OF_CALLERS | dict.fromkeys(OF_ADMINS, 404)
    assert statuses(apart.admin_url) == OWN | dict.fromkeys(OF_CALLERS, 404) | OF_ADMINS
    with httpx2.Client(verify=NO_TLS) as http:
        unknown = http.get(f"{apart.url}/nowhere").content
        assert http.get(f"{apart.url}/metrics").content == unknown
        assert http.get(f"{apart.url}/admin/api/tenants").content == unknown
        assert http.get(f"{apart.admin_url}/v1/models").content == unknown


def test_a_key_is_no_way_to_the_other_port(apart: Program, sandbox: Program) -> None:
    with Admin(apart.admin_url) as admin, Raw(apart.url) as astray:
        firm = Firm(admin, sandbox.url, gateway=apart.url)
        assert firm.say().status_code == 200
        authorization = f"authorization: Bearer {ADMIN_KEY}"
        assert astray.ask("GET", f"/admin/api{firm.path}", authorization).status == 404
        assert astray.ask("DELETE", f"/admin/api{firm.path}", authorization).status == 404
        assert admin.get(firm.path)["id"] == firm.name
    with Raw(apart.admin_url) as caller:
        caller.send(chat(firm))
        assert caller.answer("POST").status == 404


def test_without_the_variable_one_port_serves_both(gateway: Program) -> None:
    assert gateway.admin_url == gateway.url
    assert statuses(gateway.url) == OWN | OF_CALLERS | OF_ADMINS


def test_an_admin_port_that_is_taken_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = housestyle(["serve", "--port", "0"], gateway_environ(tmp_path / "data", HOUSESTYLE_ADMIN_PORT=port))
    assert ended.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{port} (HOUSESTYLE_ADMIN_PORT): Address already in use." in ended.stderr
    assert not (tmp_path / "data").exists()


# several processes


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway of two processes."""
    with started(tmp_path_factory.mktemp("pair"), 2) as gateway:
        yield gateway


def replicas_of(gateway: Program) -> list[int]:
    """The processes that serve."""
    return [pid for pid, line in children(gateway.process.pid).items() if "gateway replica" in line]


def live(admin: Admin) -> set[str]:
    """The replicas that say so."""
    return {replica["id"] for replica in admin.get("/replicas") if replica["live"]}


def test_each_process_is_a_replica_and_a_change_reaches_both(pair: Program, sandbox: Program) -> None:
    with Admin(pair.url) as admin:
        wait_until(lambda: len(live(admin)) == 2, what="two replicas")
        firm = Firm(admin, sandbox.url)
        answer = admin.ask("PUT", firm.path, {"name": "Both"})
        assert (answer.headers["x-replicas"], answer.headers["x-acknowledged"]) == ("2", "2")
        seen: set[str] = set()
        while len(seen) < 2:  # a connection is one process's
            with Raw(pair.url) as caller:
                seen.add(json.loads(caller.ask("GET", "/readyz").body)["replica"])
                caller.send(chat(firm))
                assert caller.answer("POST").status == 200
        assert seen == live(admin)


def _metrics(program: Program) -> bytes:
    with Raw(program.url) as caller:
        return caller.ask("GET", "/metrics").body


def test_the_metrics_are_those_of_all_processes(pair: Program, sandbox: Program) -> None:
    sample = b'housestyle_unidentified_calls_total{error="invalid_api_key"} %d.0'
    seen = set()
    for number in range(1, 200):
        with Raw(pair.url) as caller:
            seen.add(json.loads(caller.ask("GET", "/readyz").body)["replica"])
            assert caller.ask("GET", "/v1/models").status == 401
        # A call is counted a moment after its answer, and another process may be asked.
        wait_until(lambda: sample % number in _metrics(pair), what="the sum")  # noqa: B023
        if len(seen) == 2 and number > 5:
            return
    raise AssertionError("every connection came to the same process")


def test_a_process_that_dies_is_replaced_and_the_other_serves_meanwhile(pair: Program, sandbox: Program) -> None:
    with Admin(pair.url) as admin:
        firm = Firm(admin, sandbox.url)
        before = live(admin)
        killed, other = replicas_of(pair)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: gone([killed]), what="its end")
    while len(now := replicas_of(pair)) < 2:
        assert now == [other]
        assert firm.say().status_code == 200
    with Admin(pair.url) as admin:
        # In one look: a moment later the dead one may be forgotten, and the new one not have said a word yet.
        wait_until(lambda: len(now := live(admin)) == 2 and now != before, what="the new one")
        assert len(before & live(admin)) == 1
        firm.move_to(admin)
        answer = admin.ask("PUT", firm.path, {"name": "After"})
        counted = answer.headers["x-replicas"], answer.headers["x-acknowledged"]
        assert counted == ("2", "2"), admin.get("/replicas")


def test_however_several_end_their_children_end_with_them(tmp_path: Path) -> None:
    for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        with started(tmp_path, 2) as gateway:
            below = children(gateway.process.pid)
            assert len(replicas_of(gateway)) == 2
            gateway.process.send_signal(how)
            gateway.process.wait(40)
            gateway.stop()
            wait_until(lambda: gone(list(below)), 20, f"the end of its children after {how.name}")  # noqa: B023
            assert gateway.process.returncode == (-9 if how == signal.SIGKILL else 0)
