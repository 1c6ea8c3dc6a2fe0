from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from finetune.dataset.seen import Seen

KEYS = st.integers(1, 2**64 - 1) | st.integers(1, 5) | st.integers(1, 20).map(lambda number: number << 32)


@given(st.lists(KEYS, max_size=200))
def test_it_is_a_set(keys: list[int]) -> None:
    seen, known = Seen(), set[int]()
    for key in keys:
        assert (key in seen) == (key in known)
        assert seen.add(key) == (key not in known)
        known.add(key)
    assert len(seen) == len(known)


def test_it_grows() -> None:
    seen = Seen()
    assert all(seen.add(number * 0x9E3779B97F4A7C15 % 2**64) for number in range(20_000))
    assert not any(seen.add(number * 0x9E3779B97F4A7C15 % 2**64) for number in range(20_000))
    assert len(seen) == 20_000
    assert 20_001 * 0x9E3779B97F4A7C15 % 2**64 not in seen
