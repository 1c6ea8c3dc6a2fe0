"""Two jobs activated a hundred times at once: whoever looks, from wherever, sees exactly one of them active."""

import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis

from gateway.store import keys
from gateway.store.rows import parse_row, tenant_row
from tests.propagation.stage import Job, Stage
from tests.support.admin import Admin
from tests.support.firms import Firm

_EACH = 50
_AT_ONCE = 20

Order = tuple[str, dict[str, float]]  # path and body of a POST


class Observer:
    """Looks at a tenant without pause, from every replica and past them. `seen` is each look's active jobs."""

    def __init__(self, stage: Stage, firm: Firm) -> None:
        self.seen: list[frozenset[str]] = []
        self._over = threading.Event()
        self._path = firm.path
        self._name = firm.name
        looks: list[Callable[[], None]] = [self._row(stage)]
        looks += [self._api(replica.url) for replica in stage.replicas]
        self._threads = ThreadPoolExecutor(len(looks))
        self._under_way = [self._threads.submit(look) for look in looks]

    def end(self) -> None:
        """No more looks. Raises what went wrong in one."""
        self._over.set()
        self._threads.shutdown()
        for look in self._under_way:
            look.result()

    def _api(self, url: str) -> Callable[[], None]:
        def look() -> None:
            with Admin(url) as admin:
                while not self._over.is_set():
                    jobs = admin.get(f"{self._path}/jobs")["items"]
                    self.seen.append(frozenset(job["id"] for job in jobs if job["is_active"]))
                    active = admin.get(self._path)["active_job"]
                    self.seen.append(frozenset([active] if active else []))

        return look

    def _row(self, stage: Stage) -> Callable[[], None]:
        def look() -> None:
            with redis.Redis.from_url(stage.redis.url, protocol=2) as client:
                while not self._over.is_set():
                    raw: Any = client.hget(keys.table(keys.TENANTS), self._name)
                    active = tenant_row(parse_row(raw)).active
                    self.seen.append(frozenset([active.job_id] if active else []))

        return look


def at_once(stage: Stage, orders: Sequence[Order]) -> list[Any]:
    """The answers to all POSTs, from many callers at all replicas at the same time, by revision."""
    start = threading.Barrier(_AT_ONCE)

    def post(url: str, mine: Sequence[Order]) -> list[Any]:
        with Admin(url) as admin:
            start.wait(20)
            answers = [admin.ask("POST", path, body) for path, body in mine]
        assert [(answer.status_code, answer.text) for answer in answers if answer.status_code != 200] == []
        return [answer.json() for answer in answers]

    places = itertools.cycle(stage.replicas)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        parts = [pool.submit(post, next(places).url, orders[at::_AT_ONCE]) for at in range(_AT_ONCE)]
    return sorted((answer for part in parts for answer in part.result()), key=lambda answer: int(answer["revision"]))


def chain_up(answers: Sequence[Any], before: str | None) -> None:
    """By revision, each change deactivates the job that the one before it activated, and nothing else.

    Those who ask for what stands already are answered with its revision, and have changed nothing.
    """
    for _, same in itertools.groupby(answers, lambda answer: int(answer["revision"])):
        group = list(same)
        (active,) = {answer["active_job"] for answer in group}
        replaced = [[before]] if before not in (None, active) else []
        assert [answer["deactivated"] for answer in group if answer["deactivated"]] == replaced, group
        assert all(answer["acknowledged"] == answer["replicas"] == 4 for answer in group)
        before = active


def activations(firm: Firm, jobs: Sequence[Job], each: int) -> list[Order]:
    """In turns, so many of each job: each by another share, a hair below 1, so that none is asked for twice."""
    turns = [job for _ in range(each) for job in jobs]
    return [(f"{firm.path}/jobs/{job.id}/activate", {"share": 1 - at / 1e9}) for at, job in enumerate(turns)]


def stands(stage: Stage, firm: Firm, active: str | None) -> None:
    """What every replica says, and does, in the end."""
    for replica in stage.replicas:
        with Admin(replica.url) as admin:
            assert admin.get(firm.path)["active_job"] == active
            jobs = admin.get(f"{firm.path}/jobs")["items"]
            assert [job["id"] for job in jobs if job["is_active"]] == ([active] if active else [])


def test_exactly_one_is_active(stage: Stage) -> None:
    firm = stage.firm()
    jobs = [stage.ready_job(firm) for _ in range(2)]
    first = stage.admin.post(f"{firm.path}/jobs/{jobs[0].id}/activate")
    observer = Observer(stage, firm)
    try:
        answers = at_once(stage, activations(firm, jobs, _EACH))
    finally:
        observer.end()
    assert len({answer["revision"] for answer in answers}) == 2 * _EACH
    chain_up(answers, first["active_job"])
    assert {len(active) for active in observer.seen} == {1}
    assert frozenset().union(*observer.seen) == {job.id for job in jobs}, "the observer saw both"
    last = answers[-1]
    stands(stage, firm, last["active_job"])
    assert [call.model for call in stage.everywhere(firm)] == [last["model"]] * 4


def test_at_most_one_is_active_where_others_choose_stock(stage: Stage) -> None:
    firm = stage.firm()
    orders = activations(firm, [stage.ready_job(firm) for _ in range(2)], _EACH)
    stock: Order = (f"{firm.path}/stock", {})
    observer = Observer(stage, firm)
    try:
        answers = at_once(
            stage, [order for pair in zip(orders[::4], orders[1::4], strict=True) for order in (*pair, stock)]
        )
    finally:
        observer.end()
    chain_up(answers, None)
    assert {len(active) for active in observer.seen} <= {0, 1}
    stands(stage, firm, answers[-1]["active_job"])
    assert {job["status"] for job in stage.admin.get(f"{firm.path}/jobs")["items"]} == {"ready"}
