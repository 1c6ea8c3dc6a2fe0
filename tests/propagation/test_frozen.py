"""Replicas that freeze, thaw, die, leave and come while changes are made: who is waited for, and who obeys when."""

import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.bench.running import free_port
from tests.propagation.freezing import frozen
from tests.propagation.load import Made, Numbered, calling, credential, outdated
from tests.propagation.stage import Job, Stage
from tests.support.admin import NO_TLS, STOCK, Admin
from tests.support.firms import Firm
from tests.support.processes import Program, wait_until

_AT_ONCE_MS = 1500  # less than the two seconds of one that is waited for, even on a busy machine
_STARTS = 3
_CALLS_OF_A_NEW_ONE = 60


class Scene:
    """The stage's four replicas and a fifth, which nginx does not know and whose fate is told; a firm with a job."""

    def __init__(self, stage: Stage, fifth: Program) -> None:
        self.stage = stage
        self.fifth = fifth
        self.firm: Firm = stage.firm()
        self.job: Job = stage.ready_job(self.firm)
        self.admin = stage.admin
        listed = self.listed()
        self.silent_before = sum(not seen["live"] for seen in listed)
        said = httpx2.get(f"{fifth.url}/readyz", verify=NO_TLS).json()
        self.id: str = said["replica"]

    def listed(self) -> list[Any]:
        """Every replica as the admin API lists them."""
        replicas: list[Any] = self.admin.get("/replicas")
        return replicas

    def fifth_is_live(self) -> bool:
        """Whether the fifth is listed as live."""
        return any(seen["live"] for seen in self.listed() if seen["id"] == self.id)

    def activate(self) -> Any:
        """The job's model from now on."""
        return self.admin.post(f"{self.firm.path}/jobs/{self.job.id}/activate")

    def counts(self, activation: Any) -> tuple[int, int, int]:
        """Replicas, acknowledged, and those that became unreachable since the scene began."""
        unreachable = activation["unreachable"] - self.silent_before
        return activation["replicas"], activation["acknowledged"], unreachable

    def model(self) -> str | None:
        """The model of a call at the fifth."""
        return self.stage.call(self.fifth.url, self.firm.key).model


@pytest.fixture
def scene(stage: Stage) -> Iterator[Scene]:
    """Five live replicas."""
    wait_until(lambda: stage.live() == 4, 20, "four live replicas")
    with stage.replica() as fifth:
        wait_until(lambda: stage.live() == 5, 20, "the fifth")
        yield Scene(stage, fifth)


def test_a_replica_that_freezes_is_waited_for_until_it_is_no_longer_live(scene: Scene) -> None:
    with frozen(scene.fifth):
        begun = time.monotonic()
        answer = scene.activate()
        waited = time.monotonic() - begun
        assert scene.counts(answer) in {(5, 4, 0), (4, 4, 1)}
        assert 1.0 < waited < 5.0
        assert answer["active_job"] == scene.job.id, "the change stands"


def test_a_replica_that_thaws_in_time_is_in_the_answer_and_obeys(scene: Scene) -> None:
    with ThreadPoolExecutor(1) as pool:
        with frozen(scene.fifth):
            answer = pool.submit(scene.activate)
            wait_until(lambda: scene.admin.get(scene.firm.path)["active_job"] == scene.job.id, 2, "the change")
            assert not answer.done()
        assert scene.counts(answer.result()) == (5, 5, 0)
    assert scene.model() == scene.job.model


def test_a_replica_silent_for_two_seconds_is_unreachable_and_converges_when_it_thaws(scene: Scene) -> None:
    with frozen(scene.fifth):
        wait_until(lambda: not scene.fifth_is_live(), 5, "its silence")
        for _ in range(3):
            answer = scene.activate()
            assert scene.counts(answer) == (4, 4, 1)
            assert answer["propagation_ms"] < _AT_ONCE_MS
            assert [call.model for call in scene.stage.everywhere(scene.firm)] == [scene.job.model] * 4
            stock = scene.firm.use_stock()
            assert scene.counts(stock) == (4, 4, 1)
        scene.activate()
    wait_until(lambda: scene.model() == scene.job.model, 5, "the thawed one's obedience")
    assert [scene.model() for _ in range(10)] == [scene.job.model] * 10
    wait_until(scene.fifth_is_live, 5, "its life")
    assert scene.counts(scene.firm.use_stock()) == (5, 5, 0)
    assert scene.model() == STOCK


def test_a_killed_replica_is_unreachable(scene: Scene) -> None:
    scene.fifth.kill()
    begun = time.monotonic()
    assert scene.counts(scene.activate()) in {(5, 4, 0), (4, 4, 1)}
    assert 1.0 < time.monotonic() - begun < 5.0
    wait_until(lambda: not scene.fifth_is_live(), 5, "its silence")
    answer = scene.firm.use_stock()
    assert scene.counts(answer) == (4, 4, 1)
    assert answer["propagation_ms"] < _AT_ONCE_MS


def test_a_replica_that_was_stopped_is_gone_at_once(scene: Scene) -> None:
    scene.fifth.stop()
    answer = scene.activate()
    assert scene.counts(answer) == (4, 4, 0)
    assert answer["propagation_ms"] < _AT_ONCE_MS
    assert scene.id not in {seen["id"] for seen in scene.listed()}


def test_workers_are_replicas(stage: Stage) -> None:
    firm = stage.firm()
    job = stage.ready_job(firm)
    wait_until(lambda: stage.live() == 4, 20, "four live replicas")
    with stage.replica(0, "--workers", "3") as three:
        wait_until(lambda: stage.live() == 7, 20, "its three workers")
        for _ in range(5):
            answer = firm.admin.post(f"{firm.path}/jobs/{job.id}/activate")
            assert (answer["replicas"], answer["acknowledged"]) == (7, 7)
            assert [stage.call(three.url, firm.key).model for _ in range(6)] == [job.model] * 6
            firm.use_stock()
            assert [stage.call(three.url, firm.key).model for _ in range(6)] == [STOCK] * 6
    assert stage.live() == 4


def test_a_replica_that_starts_while_changes_are_made_serves_nothing_stale(stage: Stage) -> None:
    firm = stage.firm()
    changes: list[Numbered] = []
    over = threading.Event()

    def change_on() -> None:
        with Admin(stage.replicas[0].url) as admin:
            while not over.is_set():
                provider = {**firm.provider, "api_key": credential(len(changes))}
                answer = admin.ask("PUT", f"{firm.path}/providers/main", provider)
                assert answer.status_code == 200, answer.text
                acknowledged = answer.headers["x-acknowledged"] == answer.headers["x-replicas"]
                changes.append(Numbered(time.monotonic_ns(), acknowledged))

    with ThreadPoolExecutor(1) as pool:
        changing = pool.submit(change_on)
        wait_until(lambda: bool(changes), 10, "the first change")
        made: list[Made] = []
        try:
            for _ in range(_STARTS):
                made += _calls_of_a_new_one(stage, firm)
        finally:
            over.set()
        changing.result()
    print(f"{len(made)} calls at new replicas, {len(changes)} changes")  # noqa: T201 - its figures
    assert {call.status for call in made} == {200}
    assert outdated(made, changes, stage.received()) == []
    assert sum(change.acknowledged for change in changes) > len(changes) / 2


def _calls_of_a_new_one(stage: Stage, firm: Firm) -> list[Made]:
    """Calls at a replica from the moment that it says it is ready."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        try:
            return httpx2.get(f"{url}/readyz", verify=NO_TLS).status_code == 200
        except httpx2.TransportError:
            return False

    with ThreadPoolExecutor(1) as pool, contextlib.ExitStack() as stack:
        starting = pool.submit(stack.enter_context, stage.replica(port))
        wait_until(ready, 30, "its readiness")
        with calling(url, firm.key, 2) as load:
            load.await_more(_CALLS_OF_A_NEW_ONE)
        starting.result()
    return load.made
