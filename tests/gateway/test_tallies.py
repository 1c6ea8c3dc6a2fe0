"""Tallies: what is poured is what the metrics would have counted themselves."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from gateway.tallies import Tallies

BOUNDS = (0.1, 1.0, 10.0)
VALUES = st.one_of(st.sampled_from([0.0, 0.1, 1.0, 10.0, 10.1]), st.floats(0, 100))


def made() -> tuple[CollectorRegistry, Counter, Histogram]:
    registry = CollectorRegistry()
    counter = Counter("c", "Calls.", ("kind",), registry=registry).labels("a")
    return registry, counter, Histogram("h", "Seconds.", buckets=BOUNDS, registry=registry)


@given(st.lists(st.one_of(st.none(), VALUES), max_size=50))
def test_poured_now_and_then_it_is_the_same(values: list[float | None]) -> None:
    """None: they are poured."""
    plain, counter, histogram = made()
    tallied, other_counter, other_histogram = made()
    tallies = Tallies()
    count, distribution = tallies.count(other_counter), tallies.distribution(other_histogram)
    for value in values:
        if value is None:
            tallies.pour()
            continue
        counter.inc()
        histogram.observe(value)
        count.add()
        distribution.observe(value)
    tallies.pour()
    said, expected = (_without_sums(generate_latest(registry)) for registry in (tallied, plain))
    assert said == expected


def test_a_sum_is_added_up() -> None:
    registry, _, histogram = made()
    tallies = Tallies()
    distribution = tallies.distribution(histogram)
    for value in (0.5, 0.25, 4):
        distribution.observe(value)
    assert "h_sum 0.0" in generate_latest(registry).decode(), "nothing is poured yet"
    tallies.pour()
    tallies.pour()
    assert "h_sum 4.75" in generate_latest(registry).decode()


def _without_sums(exposition: bytes) -> list[bytes]:
    """Sums of floats depend on their order."""
    return [line for line in exposition.splitlines() if not line.startswith(b"h_sum") and b"_created" not in line]
