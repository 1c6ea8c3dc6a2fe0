"""Redis away, in every way that it can be: calls go on as if nothing were, changes are refused at once, and on its
return all is as before without a restart. Real gateways, real servers; the outages run side by side."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from msgspec import Struct

from tests.support.admin import NO_TLS, Admin
from tests.support.callers import Calls, answer_either, calling
from tests.support.firms import Firm
from tests.support.processes import ADMIN_KEY, Program, running, shared_environ, wait_until
from tests.support.redis import Door, Server, door, serving
from tests.support.sentinel import Group, group
from tests.support.servers import in_thread
from tests.support.upstream import Upstream, upstream

DURABLE = ("appendonly yes", "appendfsync always")
AWAY_SECONDS = 10.0
REFUSALS = (
    "LOADING Redis is loading the dataset in memory",
    "MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.",
    "NOAUTH Authentication required.",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
)
NOW = 5.0  # seconds in which all must be as before
PATIENCE = 2.0  # the store's clients': a call that had waited for Redis would have taken as long


@pytest.fixture(scope="module")
def provider() -> Iterator[Upstream]:
    """A provider that answers at once."""
    with in_thread(upstream(answer_either)) as made:
        yield made


def readiness(program: Program) -> tuple[int, dict[str, Any]]:
    """What a replica says of itself."""
    answer = httpx2.get(f"{program.url}/readyz", verify=NO_TLS)
    return answer.status_code, answer.json()


class Replicas:
    """Gateways on one Redis, all live, and a firm."""

    def __init__(self, programs: list[Program], admins: list[Admin], provider: Upstream) -> None:
        self.programs = programs
        self.admins = admins
        wait_until(lambda: self.live() == len(programs), 20, "live replicas")
        self.firm = Firm(admins[0], provider.url)

    def live(self) -> int:
        """How many the store knows as live."""
        return sum(one["live"] for one in self.admins[0].get("/replicas"))

    def calling(self) -> contextlib.AbstractContextManager[Calls]:
        """The firm's callers at every one."""
        return calling([program.url for program in self.programs], self.firm.auth)

    def acknowledged(self, name: str, at: int = 0) -> bool:
        """Makes a change, at one of them; whether all have it."""
        answer = self.admins[at].ask("PUT", self.firm.path, {"name": name})
        if answer.status_code != 200:
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_unavailable"), answer.text
            return False
        everyone = str(len(self.programs))
        return (answer.headers["x-replicas"], answer.headers["x-acknowledged"]) == (everyone, everyone)

    def say_unreachable(self) -> bool:
        """Whether each says that it cannot reach the store, and that it serves all the same."""
        found = [readiness(program) for program in self.programs]
        return all((code, body["store"]) == (200, "unreachable") for code, body in found)


@contextlib.contextmanager
def replicas(url: str, folder: Path, provider: Upstream, count: int = 2) -> Iterator[Replicas]:
    """So many, on one Redis."""
    folder.mkdir(exist_ok=True)
    environ = shared_environ(url, folder)
    with contextlib.ExitStack() as stack:
        words = ["serve", "--port", "0"]
        programs = [stack.enter_context(running(words, environ, folder / str(n))) for n in range(count)]
        yield Replicas(programs, [stack.enter_context(Admin(one.url)) for one in programs], provider)


class Outcome(Struct):
    """How an outage went. `refusals`: of changes, each with its seconds; `back`: seconds until all was as before."""

    calls: Calls
    refusals: list[tuple[int, str, float]]
    back: float


def refusal(of: Replicas) -> tuple[int, str, float]:
    """What a change is answered while Redis is away, and in what time."""
    begun = time.monotonic()
    answer = of.admins[0].ask("PUT", of.firm.path, {"name": "During"})
    code = answer.json()["error"]["code"] if answer.status_code != 200 else ""
    return answer.status_code, code, time.monotonic() - begun


def last(seconds: float, since: float) -> None:
    """The outage goes on until it has lasted so long."""
    threading.Event().wait(max(0.0, since + seconds - time.monotonic()))


def together() -> None:
    """Returns when every outage's gateways are up: what their start costs is no part of what is looked at."""
    with contextlib.suppress(threading.BrokenBarrierError):  # another has failed, and says so itself
        READY.wait(60)


def outage(of: Replicas, begin: Callable[[], object], end: Callable[[], object]) -> Outcome:
    """Calls go on while Redis goes away and comes back."""
    together()
    with of.calling() as calls:
        wait_until(lambda: calls.succeeded > 10, 20, "calls")
        begin()
        begun = time.monotonic()
        refusals = [refusal(of)]
        wait_until(of.say_unreachable, AWAY_SECONDS, "the outage on readyz")
        refusals.append(refusal(of))
        last(AWAY_SECONDS, begun)
        end()
        back = time.monotonic()
        wait_until(lambda: of.acknowledged("After"), 30, "a change that all acknowledge")
        seconds = time.monotonic() - back
        before = calls.succeeded
        wait_until(lambda: calls.succeeded > before + 10, 20, "more calls")
    return Outcome(calls, refusals, seconds)


def stopped(folder: Path, provider: Upstream) -> Outcome:
    """The server ends, and is started again."""
    with serving(folder / "redis", *DURABLE) as redis, replicas(redis.url, folder, provider) as of:
        return outage(of, redis.stop, redis.start)


def frozen(folder: Path, provider: Upstream) -> Outcome:
    """The server takes connections and answers nothing."""
    with serving(folder / "redis", *DURABLE) as redis, replicas(redis.url, folder, provider) as of:
        return outage(of, lambda: os.kill(redis.pid, signal.SIGSTOP), redis.thaw)


def refusing(folder: Path, provider: Upstream) -> Outcome:
    """Nobody listens; then somebody does who answers nothing but errors, of one kind after the other."""
    with (
        serving(folder / "redis", *DURABLE) as redis,
        in_thread(door(redis.port)) as way,
        replicas(way.url, folder, provider, 1) as of,
    ):
        found: list[tuple[int, str, float]] = []

        def end() -> None:
            for words in REFUSALS:
                way.refuse(words)
                found.append(refusal(of))
                assert of.say_unreachable()
            way.open()

        outcome = outage(of, way.shut, end)
        outcome.refusals += found
        return outcome


def flapping(folder: Path, provider: Upstream) -> Outcome:
    """The way to the server is shut and open, ten times."""
    with (
        serving(folder / "redis", *DURABLE) as redis,
        in_thread(door(redis.port)) as way,
        replicas(way.url, folder, provider, 1) as of,
    ):
        together()
        with of.calling() as calls:
            begun = time.monotonic()
            for number in range(10):
                way.shut()
                last(number + 0.5, begun)
                way.open()
                last(number + 1.0, begun)
            back = time.monotonic()
            wait_until(lambda: of.acknowledged("After"), 30, "a change that all acknowledge")
            return Outcome(calls, [], time.monotonic() - back)


OUTAGES = (stopped, frozen, refusing, flapping)
READY = threading.Barrier(len(OUTAGES))


@pytest.fixture(scope="module")
def outages(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, "Future[Outcome]"]]:
    """All of them at once, each with gateways of its own."""
    folder = tmp_path_factory.mktemp("away")
    with ThreadPoolExecutor(len(OUTAGES)) as pool:
        yield {one.__name__: pool.submit(one, folder / one.__name__, provider) for one in OUTAGES}


@pytest.mark.parametrize("name", [one.__name__ for one in OUTAGES])
def test_an_outage_fails_no_call_and_ends_with_its_cause(outages: dict[str, "Future[Outcome]"], name: str) -> None:
    outcome = outages[name].result(120)
    print(f"{name}: {outcome.calls.succeeded} calls, the slowest {outcome.calls.slowest * 1000:.0f} ms")  # noqa: T201
    print(f"  changes refused {outcome.refusals}; back after {outcome.back:.2f} s")  # noqa: T201
    assert outcome.calls.failed == []
    assert outcome.calls.succeeded > 100
    assert outcome.calls.slowest < PATIENCE  # the provider answers at once: nobody waited for Redis
    assert outcome.back < NOW
    for status, code, seconds in outcome.refusals:
        assert (status, code) == (503, "store_unavailable")
        assert seconds < 3.0


def test_a_replica_that_starts_without_redis_says_why_it_is_not_ready(tmp_path: Path) -> None:
    with serving(tmp_path / "redis", *DURABLE) as redis:
        redis.stop()
        with running(["serve", "--port", "0"], shared_environ(redis.url, tmp_path), tmp_path / "log") as program:
            code, body = readiness(program)
            assert (code, body["ready"], body["store"]) == (503, False, "unreachable")
            call = httpx2.post(
                f"{program.url}/v1/chat/completions", headers={"authorization": "Bearer x"}, verify=NO_TLS
            )
            assert (call.status_code, call.json()["error"]["code"]) == (503, "not_ready")
            assert int(call.headers["retry-after"]) > 0
            with Admin(program.url, ADMIN_KEY) as admin:
                assert admin.refused("PUT", "/tenants/orchard", {})[0] == 503
            redis.start()
            back = time.monotonic()
            wait_until(lambda: readiness(program)[0] == 200, 20, "readiness")
            assert time.monotonic() - back < NOW
            assert readiness(program)[1]["store"] == "connected"


@pytest.fixture
def redises(tmp_path: Path) -> Iterator[Group]:
    """A master, two replicas of it, three Sentinels."""
    with group(tmp_path / "redises") as made:
        yield made


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_a_failover_fails_no_call_and_loses_no_acknowledged_change(
    how: str, redises: Group, provider: Upstream, tmp_path: Path
) -> None:
    with replicas(redises.url, tmp_path / "gateways", provider) as of:
        old: Server = redises.master
        suspended = Firm(of.admins[0], provider.url)
        flip = of.admins[0].ask("PUT", suspended.path, {"suspended": True})
        assert flip.headers["x-acknowledged"] == "2"
        stock = of.admins[0].post(f"{of.firm.path}/stock")
        assert stock["durable"] is True
        revision = stock["revision"]
        with of.calling() as calls:
            wait_until(lambda: calls.succeeded > 10, 20, "calls")
            with redises.frozen(old) if how == "frozen" else contextlib.nullcontext():
                if how == "killed":
                    old.stop()
                redises.wait_for_failover(old)
                over = time.monotonic()
                wait_until(lambda: of.acknowledged("After"), 30, "a change that all acknowledge")
                assert time.monotonic() - over < NOW
                assert of.acknowledged("And at the other", at=1)
        assert calls.failed == []
        assert calls.slowest < PATIENCE
        assert of.admins[1].get(suspended.path)["suspended"] is True
        assert suspended.say().status_code == 403
        assert all(readiness(program)[1]["revision"] > revision for program in of.programs)


def test_the_door_of_these_tests_shuts_and_refuses(tmp_path: Path) -> None:
    with serving(tmp_path) as redis, in_thread(door(redis.port)) as way:
        answers = Answers(way)
        assert answers.now() == b"+PONG\r\n"
        way.refuse("LOADING x")
        assert answers.now() == b"-LOADING x\r\n"
        way.shut()
        assert answers.now() is None
        way.open()
        assert answers.now() == b"+PONG\r\n"


class Answers:
    """What is answered to a PING through a door; None where nobody listens."""

    def __init__(self, way: Door) -> None:
        self._port = way.port

    def now(self) -> bytes | None:
        """The answer on a new connection."""
        import socket

        try:
            with socket.create_connection(("127.0.0.1", self._port), 5) as peer:
                peer.sendall(b"*1\r\n$4\r\nPING\r\n")
                return peer.recv(64)
        except ConnectionError:
            return None
