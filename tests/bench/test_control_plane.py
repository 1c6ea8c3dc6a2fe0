"""The control plane's benchmark: its seed is one that a gateway serves, its table says what was missed."""

from tests.bench.control_plane import scale
from tests.bench.control_plane_report import Figures, Propagation, Scale, Times, rows, table
from tests.bench.samples import Machine

_TENANTS = 20
_MACHINE = Machine("2026-11-22 12:00 UTC", "CPU", 2, 24, "6.0", 1.0, "scripts/bench control-plane", {})
_SOON, _LATE = Times(1, 10, 20), Times(1, 51, 80)


def test_a_gateway_serves_the_tenants_that_were_put_into_redis() -> None:
    seen = scale(_TENANTS)
    assert (seen.tenants, seen.keys, seen.asked) == (_TENANTS, 2 * _TENANTS, _TENANTS // 2)
    assert 0 < seen.pss_mb <= seen.rss_mb <= seen.peak_mb
    assert 0 < seen.first_call.p50 <= seen.first_call.longest


def test_the_table_says_what_was_missed() -> None:
    size = Scale(100_000, 200_000, 12.0, 11.0, 9.5, 280.0, 270.0, 320.0, _SOON, _SOON, _SOON, 1000, 301.0)
    quiet = Propagation(0, 200, 200, _SOON, _LATE)
    loaded = Propagation(8, 200, 200, _LATE, _LATE, 900.0, judged=700, stale=1)
    met = {row.measure.partition(",")[0]: row.met for row in rows(Figures(_MACHINE, [quiet], size))}
    assert met["propagation"] is True
    assert met["100"] is True, "what is judged is the loading alone, where the log says it"
    assert met["memory then"] is True
    assert met["after 1"] is False
    missed = [row.measure for row in rows(Figures(_MACHINE, [loaded], None)) if row.met is False]
    assert [measure.partition(",")[0] for measure in missed] == ["propagation", "stale calls"]
    assert "| stale calls, 8 callers, 900 calls/s, 200 flips | 0 | 1 of 700 | no |" in table(
        Figures(_MACHINE, [loaded], None)
    )


def test_changes_that_were_not_acknowledged_miss_the_target() -> None:
    (reached, _) = rows(Figures(_MACHINE, [Propagation(0, 200, 199, _SOON, _SOON)], None))
    assert reached.met is False


def test_no_stale_call_among_none_that_was_judged_proves_nothing() -> None:
    loaded = Propagation(1, 200, 200, _SOON, _SOON, 900.0)
    assert [row.met for row in rows(Figures(_MACHINE, [loaded], None)) if row.measure.startswith("stale")] == [False]
