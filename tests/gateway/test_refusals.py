"""Models that a provider refused are remembered for half a minute, by tenant."""

from gateway.refusals import REMEMBERED_SECONDS, RefusedModels


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_it_is_the_contracts_half_minute() -> None:
    assert REMEMBERED_SECONDS == 30


def test_a_refusal_is_remembered_for_its_time_and_no_longer() -> None:
    clock = Clock()
    refused = RefusedModels(clock)
    assert not refused.has("smith", "ft:1")
    refused.add("smith", "ft:1")
    assert refused.has("smith", "ft:1")
    clock.now += 29.9
    assert refused.has("smith", "ft:1")
    clock.now += 0.1
    assert not refused.has("smith", "ft:1")


def test_it_is_this_tenants_and_this_models() -> None:
    refused = RefusedModels(Clock())
    refused.add("smith", "ft:1")
    assert not refused.has("jones", "ft:1")
    assert not refused.has("smith", "ft:2")


def test_another_refusal_begins_anew_and_the_others_stay() -> None:
    clock = Clock()
    refused = RefusedModels(clock)
    refused.add("smith", "ft:1")
    clock.now += 20
    refused.add("smith", "ft:1")
    refused.add("jones", "ft:2")
    clock.now += 20
    assert refused.has("smith", "ft:1")
    assert refused.has("jones", "ft:2")
    clock.now += 10
    refused.add("brown", "ft:3")
    assert not refused.has("smith", "ft:1")
    assert not refused.has("jones", "ft:2")


def test_what_is_over_is_not_kept() -> None:
    clock = Clock()
    refused = RefusedModels(clock)
    for number in range(1000):
        refused.add("smith", f"ft:{number}")
        clock.now += 1
    assert len(refused._until) <= REMEMBERED_SECONDS
