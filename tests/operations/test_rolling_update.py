"""Three replicas on one Redis, called without pause, are replaced one by one as Kubernetes does it with the chart's
settings: a new one is ready before an old one is told to end, and the old one serves on until whoever sends it
connections has heard of it. No call fails, no Why record is lost, every activation is obeyed.
"""

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.operations.provider import Provider
from tests.operations.service import Load, Service, calling
from tests.propagation.load import Flip, flip, judge
from tests.propagation.stage import Stage
from tests.support.admin import NO_TLS, STOCK, Admin
from tests.support.firms import Firm
from tests.support.processes import Program, wait_until
from tests.support.redis import stoppable
from tests.support.servers import in_thread
from tests.support.upstream import upstream

_REPLICAS = 3
_PLAIN, _STREAMING = 4, 6


class Rollout:
    """A Deployment of three and its Service, a firm with callers and two trained models."""

    def __init__(self, stage: Stage, provider: Provider, stack: contextlib.ExitStack) -> None:
        self.provider = provider
        self.service = Service()
        self.flips: list[Flip] = []
        self.replicas: list[Program] = []
        self._stage = stage
        self._stack = stack
        for _ in range(_REPLICAS):
            self.start()
        stage.admin = stack.enter_context(Admin(self.replicas[0].url))
        wait_until(lambda: stage.live() == _REPLICAS, 20, "live replicas")
        self.firm: Firm = stage.firm()
        self._jobs = [stage.ready_job(self.firm) for _ in range(2)]
        stage.admin.put(self.firm.path, {"name": "Orchard"})  # the jobs' own change is behind this one everywhere

    def start(self) -> Program:
        """One more replica; it gets connections once it is ready, as its readiness probe says."""
        program = self._stack.enter_context(self._stage.replica())
        wait_until(lambda: httpx2.get(f"{program.url}/readyz", verify=NO_TLS).status_code == 200, 30, "readiness")
        self.service.add(program.url)
        self.replicas.append(program)
        return program

    def activate(self) -> Flip:
        """The next of two models and the stock one, asked for at a replica that is not about to end."""
        with Admin(self.replicas[-1].url) as admin:
            turn = len(self.flips) % 3
            if turn == 2:
                made = flip(lambda: admin.post(f"{self.firm.path}/stock"), STOCK)
            else:
                job = self._jobs[turn]
                made = flip(lambda: admin.post(f"{self.firm.path}/jobs/{job.id}/activate", {"share": 1}), job.model)
        self.flips.append(made)
        return made

    def recorded(self) -> set[str]:
        """The ids of the calls that have a Why record, as an admin exports them."""
        with Admin(self.replicas[-1].url) as admin:
            found = admin.ask("GET", f"{self.firm.path}/why", headers={"accept": "application/x-ndjson"})
        return {line.partition('"call_id":"')[2].partition('"')[0] for line in found.text.splitlines()}


@pytest.fixture
def rollout(tmp_path: Path) -> Iterator[Rollout]:
    """All of it."""
    provider = Provider()
    with (
        in_thread(upstream(provider.answer)) as served,
        stoppable(tmp_path / "redis") as redis,
        contextlib.ExitStack() as stack,
    ):
        yield Rollout(Stage(tmp_path, redis, served.url), provider, stack)


def pause(rollout: Rollout, load: Load, old: Program) -> None:
    """What comes before SIGTERM (the chart's preStopSeconds): the old one is no endpoint any more, and still serves."""
    rollout.service.remove(old.url)
    load.await_more(3, lambda one: one.url == old.url)


def end(load: Load, old: Program) -> Callable[[], bool]:
    """SIGTERM in the middle of a stream; gives whether the process has ended."""
    wait_until(lambda: load.streaming[old.url] > 0, 30, "a stream at the replica that is to end")
    old.process.send_signal(signal.SIGTERM)
    return lambda: old.process.poll() is not None


def test_replicas_are_replaced_one_by_one_without_a_failed_call(rollout: Rollout) -> None:
    with calling(rollout.service, rollout.firm.key, _PLAIN, _STREAMING) as load:
        load.await_more(20)
        for old in rollout.replicas[:_REPLICAS]:
            rollout.start()
            rollout.activate()
            load.await_more(20)
            pause(rollout, load, old)
            rollout.activate()
            ended = end(load, old)
            rollout.activate()
            wait_until(ended, 60, "the end of a replica")
            old.stop()  # closes what is open of it
            assert old.process.returncode == 0
            rollout.activate()
            load.await_more(20)
    assert load.failures == []
    assert all(made.acknowledged for made in rollout.flips), [made.answer for made in rollout.flips]
    verdict = judge([one.made for one in load.done], rollout.flips, rollout.provider.received)
    print(f"{len(load.done)} calls, {verdict.judged} judged, {len(verdict.stale)} stale")  # noqa: T201 - its figures
    assert verdict.stale == []
    assert verdict.judged > len(load.done) / 2
    called = {one.call_id for one in load.done}
    wait_until(lambda: called <= rollout.recorded(), 10, "every call's Why record")
    assert rollout.recorded() == called
    assert len(called) == len(load.done)


def test_one_that_ends_before_connections_go_elsewhere_fails_calls(rollout: Rollout) -> None:
    """That the test above could fail, and what the pause is for."""
    old = rollout.replicas[0]
    with calling(rollout.service, rollout.firm.key, _PLAIN, _STREAMING) as load:
        load.await_more(20)
        old.process.send_signal(signal.SIGTERM)
        wait_until(lambda: any("refused" in words for words in load.failures), 30, "a refused connection")
        rollout.service.remove(old.url)
    old.stop()
    assert all(words.startswith(old.url) for words in load.failures)
