"""`/readyz`: which dependency is missing, in words; as a table, and of real gateways that lack each of them."""

import contextlib
import gzip
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.following import StoreState
from gateway.own_routes import Status
from tests.support.admin import NO_TLS, Admin, unique
from tests.support.processes import Program, gateway_environ, running, shared_environ, wait_until
from tests.support.raw import Raw
from tests.support.redis import Stoppable, stoppable

AWAY, HELD = "Connection refused", "HOUSESTYLE_BOOTSTRAP is being applied (keys[0])"


@pytest.mark.parametrize(
    ("ready", "stopping", "stale", "bootstrap", "cause"),
    [
        (True, False, "", "", ""),
        (True, False, AWAY, "", f"serving what was known last: {AWAY}"),
        (True, True, AWAY, "", "this replica is shutting down"),
        (False, True, AWAY, HELD, "this replica is shutting down"),
        (False, False, AWAY, "", f"nothing is known yet: {AWAY}"),
        (False, False, "", HELD, HELD),
        (False, False, AWAY, HELD, HELD),
        (False, False, "", "", "it is about to be ready"),
    ],
)
def test_the_cause(ready: bool, stopping: bool, stale: str, bootstrap: str, cause: str) -> None:
    status = Status(ready, stopping, "r", 0, StoreState.UNREACHABLE, stale, bootstrap)
    assert status.cause == cause


@pytest.mark.parametrize(
    ("translator", "stale", "cause"),
    [
        (None, "", ""),
        ("", "", ""),
        ("It is away.", "", "providers that are translated cannot be called: It is away."),
        (
            "It is away.",
            AWAY,
            f"serving what was known last: {AWAY}; providers that are translated cannot be called: It is away.",
        ),
    ],
)
def test_a_translator_that_is_away_is_said_of_a_replica_that_is_ready(
    translator: str | None, stale: str, cause: str
) -> None:
    assert Status(True, False, "r", 0, StoreState.CONNECTED, stale, translator=translator).cause == cause
    assert Status(True, True, "r", 0, StoreState.CONNECTED, stale, translator=translator).cause.endswith("down")


class Stage:
    """A Redis, and what a gateway on it is set to."""

    def __init__(self, folder: Path, redis: Stoppable) -> None:
        self.folder = folder
        self.redis = redis
        self.environ = shared_environ(redis.url, folder / "gateway")

    def gateway(self, **more: str) -> contextlib.AbstractContextManager[Program]:
        """A gateway, with these variables too."""
        return running(["serve", "--port", "0"], {**self.environ, **more}, self.folder / unique("log"))


def readiness(program: Program) -> tuple[int, Any]:
    """What it says of itself."""
    answer = httpx2.get(f"{program.url}/readyz", verify=NO_TLS)
    return answer.status_code, answer.json()


@contextlib.contextmanager
def without_redis_at_start(stage: Stage) -> Iterator[Program]:
    """Redis was never there."""
    stage.redis.stop()
    with stage.gateway() as program:
        yield program


@contextlib.contextmanager
def without_redis_later(stage: Stage) -> Iterator[Program]:
    """Redis went away."""
    with stage.gateway() as program:
        stage.redis.stop()
        yield program


@contextlib.contextmanager
def emptied(stage: Stage) -> Iterator[Program]:
    """Redis came back without its data."""
    with stage.gateway() as program, Admin(program.url) as admin:
        admin.put("/tenants/orchard", {})
        stage.redis.stop()
        shutil.rmtree(stage.folder / "redis" / "redis")
        stage.redis.start()
        yield program


@contextlib.contextmanager
def new_beside_an_emptied(stage: Stage) -> Iterator[Program]:
    """The same, at a replica that is started only then."""
    with emptied(stage) as old:
        wait_until(lambda: readiness(old)[1]["store"] == "diverged", 20, "the old one to notice")
        with stage.gateway() as program:
            yield program


@contextlib.contextmanager
def held_by_its_bootstrap(stage: Stage) -> Iterator[Program]:
    """A Vault that takes hours to read stands for a mount whose server is away."""
    vault = stage.folder / "orchard.jsonl.gz"
    vault.write_bytes(gzip.compress(b"\n" * 2**24) * 1000)
    file = stage.folder / "bootstrap.yaml"
    file.write_text(f"tenants: {{orchard: {{vault: {{url: {vault.as_uri()}}}}}}}")
    root = f"{stage.folder.as_uri()}/"
    with stage.gateway(HOUSESTYLE_BOOTSTRAP=str(file), HOUSESTYLE_VAULT_ROOTS=root) as program:
        yield program


@pytest.mark.parametrize(
    ("lacking", "code", "store", "words"),
    [
        (without_redis_at_start, 503, "unreachable", "nothing is known yet: "),
        (without_redis_later, 200, "unreachable", "serving what was known last: "),
        (emptied, 200, "diverged", "serving what was known last: "),
        (new_beside_an_emptied, 503, "diverged", "nothing is known yet: "),
        (held_by_its_bootstrap, 503, "connected", "HOUSESTYLE_BOOTSTRAP is being applied (tenants.orchard.vault)"),
    ],
)
def test_what_a_gateway_lacks_is_said(
    tmp_path: Path,
    lacking: Callable[[Stage], contextlib.AbstractContextManager[Program]],
    code: int,
    store: str,
    words: str,
) -> None:
    with stoppable(tmp_path / "redis") as redis, lacking(Stage(tmp_path, redis)) as program:

        def said() -> tuple[int, str, str]:
            status, body = readiness(program)
            return status, body["store"], body.get("cause", "")

        wait_until(lambda: said()[:2] == (code, store) and said()[2].startswith(words), 40, f"{words!r}")
        cause = said()[2].removeprefix(words)
        assert cause or words.endswith(")")
        assert ("store/accept" in cause) == (store == "diverged"), "what to do is said"
        assert httpx2.get(f"{program.url}/healthz", verify=NO_TLS).status_code == 200, "a restart would not help"


def test_one_that_is_shutting_down_says_so(tmp_path: Path) -> None:
    with running(["serve", "--port", "0"], gateway_environ(tmp_path / "data"), tmp_path / "log") as program:
        with Raw(program.url) as probe:
            assert probe.ask("GET", "/readyz").status == 200
            program.process.send_signal(signal.SIGTERM)
            while (told := probe.ask("GET", "/readyz")).status == 200:
                assert not told.closes
            assert told.status == 503
            assert b'"cause":"this replica is shutting down"' in told.body
        program.stop()
