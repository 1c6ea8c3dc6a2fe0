"""Thirty flips under load, through nginx: no call that began after an acknowledged answer was stale."""

from collections.abc import Callable
from typing import Any

from tests.propagation.freezing import stuttering
from tests.propagation.load import Flip, Made, calling, flip, judge
from tests.propagation.provider import Arrival
from tests.propagation.stage import Stage
from tests.support.admin import STOCK

_FLIPS = 30
_CALLERS = 6
_BETWEEN = 25  # calls
_JUDGED = 500


def test_no_call_is_stale_after_an_acknowledged_answer(stage: Stage) -> None:
    firm = stage.firm()
    one, other = stage.ready_job(firm), stage.ready_job(firm)
    stage.admin.put(firm.path, {"name": "Orchard"})  # the jobs' own change is behind this one on every replica

    def activate(job_id: str) -> Callable[[], Any]:
        return lambda: stage.admin.post(f"{firm.path}/jobs/{job_id}/activate", {"share": 1})

    changes = (
        (activate(one.id), one.model),
        (activate(other.id), other.model),
        (firm.use_stock, STOCK),
    )
    flips: list[Flip] = []
    with stuttering(stage.replicas), calling(stage.url, firm.key, _CALLERS) as load:
        for number in range(_FLIPS):
            flips.append(flip(*changes[number % len(changes)]))
            load.await_more(_BETWEEN)
        load.end()
    assert [made.answer["replicas"] for made in flips] == [4] * _FLIPS
    assert [made.answer["acknowledged"] for made in flips] == [4] * _FLIPS
    verdict = judge(load.made, flips, stage.received())
    print(f"{verdict.judged} of {len(load.made)} calls judged, {len(verdict.stale)} stale")  # noqa: T201 - its figures
    assert verdict.failed == []
    assert verdict.stale == []
    assert verdict.judged > _JUDGED


def test_the_judge_tells_a_stale_call_from_one_that_overlaps() -> None:
    flips = [Flip(10, 20, "a", _ANSWERED), Flip(100, 110, "b", _ANSWERED), Flip(200, 210, "c", _ANSWERED)]
    calls = [
        Made("good", 30, 200),
        Made("stale", 120, 200),
        Made("overlaps the answer", 105, 200),
        Made("overlaps the next", 190, 200),
        Made("refused", 130, 502),
    ]
    received = {
        "good": [Arrival(40, "a", "")],
        "stale": [Arrival(130, "a", "")],
        "overlaps the answer": [Arrival(150, "a", "")],
        "overlaps the next": [Arrival(205, "c", "")],
    }
    verdict = judge(calls, flips, received)
    assert [stale.call.name for stale in verdict.stale] == ["stale"]
    assert [failed.name for failed in verdict.failed] == ["refused"]
    assert verdict.judged == 2


def test_nothing_is_judged_by_a_flip_that_was_not_acknowledged() -> None:
    flips = [Flip(10, 20, "a", {"replicas": 4, "acknowledged": 3})]
    assert judge([Made("call", 30, 200)], flips, {"call": [Arrival(40, "b", "")]}).judged == 0


_ANSWERED = {"replicas": 4, "acknowledged": 4}
