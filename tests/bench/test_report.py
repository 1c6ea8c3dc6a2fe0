"""The tables of a run."""

from tests.bench.figures import Target
from tests.bench.measures import MEASURES, RARE, TARGETS
from tests.bench.report import results, rows, target_table
from tests.bench.samples import Absent, Machine, Results, Sample

_TARGETS = (
    Target("1 KB body ÷ Envoy + Lua", "body-1k", "cpu_us", "µs a request", 0.9, 0.6, "envoy-lua"),
    Target("memory, idle worker", "memory", "idle_mb", "MB", 100, 70, digits=1),
    Target("LiteLLM proxy ÷ this", "slow", "cpu_us", "µs a request", 100, None, "litellm", True, True),
)
_SAMPLES = [
    Sample("body-1k", 0, "housestyle", {"cpu_us": 1234.5, "store_us": 10.0, "spans_share": 1.0}),
    Sample("body-1k", 0, "envoy-lua", {"cpu_us": 1000.0}),
    Sample("body-1k", 1, "housestyle", void="3 of 9 answers were not 200"),
    Sample("memory", 0, "housestyle", {"idle_mb": 65.25, "stream_kb": 14.0}),
]
_MACHINE = Machine("2026-11-22 12:00 UTC", "A CPU", 2, 24, "6.1", 0.98, "scripts/bench", {"nginx": "1.22.1"})


def test_targets_say_what_was_wanted_what_was_found_and_whether_it_is_met() -> None:
    assert target_table(rows(_TARGETS, _SAMPLES)).splitlines()[2:] == [
        (
            "| 1 KB body ÷ Envoy + Lua | ≤ 0.9 | ≤ 0.6 | 1,234 µs a request | envoy-lua 1,000 µs a request "
            "| 1.23 (1.23 to 1.23) | **no** |"
        ),
        "| memory, idle worker | ≤ 100 MB | ≤ 70 MB | 65.2 MB |  | 65.2 (65.2 to 65.2) | yes, stretch too |",
        "| LiteLLM proxy ÷ this | ≥ 100 |  |  | litellm  |  | not measured |",
    ]


def test_the_page_tells_the_machine_every_gateway_and_what_is_missing() -> None:
    page = results(Results(_MACHINE, _SAMPLES, [Absent("slow", "litellm", "no npm here")]), _TARGETS)
    assert "A CPU, 2 cores, 24 GB, Linux 6.1;\n98% of the cores were free just before. nginx 1.22.1." in page
    assert (
        "| body-1k | housestyle | 1,234 (1,234 to 1,234) µs a request | 1 "
        "| Redis, µs a request, not in the figures above: 10.0; spans that arrived, of the requests: 1.000 |"
    ) in page
    assert "- body-1k, round 2, housestyle: void, 3 of 9 answers were not 200" in page
    assert "- slow: without litellm, no npm here" in page


def test_a_whole_run_has_no_such_chapter() -> None:
    assert "What is missing" not in results(Results(_MACHINE, _SAMPLES[:2], []), _TARGETS)


def test_a_machine_that_was_not_quiet_is_told() -> None:
    quiet, busy = (
        results(Results(_MACHINE, [Sample("sse", 0, "nginx", {"others_share": share})], []), _TARGETS)
        for share in (0.1, 0.75)
    )
    assert "not quiet" not in quiet
    assert "**The machine was not quiet**: in a round, others took 75% of the gateway's core." in busy


def test_every_target_is_of_a_measure() -> None:
    assert {target.measure for target in TARGETS} == set(MEASURES)
    assert set(MEASURES) > RARE
