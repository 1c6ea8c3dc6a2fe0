"""Names are found in an expression wherever they can stand."""

import pytest

from tests.helm.monitoring import promql


@pytest.mark.parametrize(
    ("expression", "selected", "listed"),
    [
        ("up", [("up", set())], set()),
        ('up{job="a", x=~"b{c}"}', [("up", {"job", "x"})], set()),
        ("sum by (x, le) (rate(up_total{a!=''}[5m]))", [("up_total", {"a"})], {"x", "le"}),
        ("sum(up) without (y)", [("up", set())], {"y"}),
        ("max(up or 0 * vector(1)) > 1e3 and on (x) down", [("up", set()), ("down", set())], {"x"}),
        ("min_over_time(max by (job) (up)[1h:1m])", [("up", set())], {"job"}),
        ("up offset 5m", [("up", set())], set()),
        ("up # {no=''}\n/ down", [("up", set()), ("down", set())], set()),
    ],
)
def test_names(expression: str, selected: list[tuple[str, set[str]]], listed: set[str]) -> None:
    found = promql.names(expression)
    assert [(metric, set(labels)) for metric, labels in found.selected] == selected
    assert found.listed == listed
