"""A small mutator for where there is no atheris: seeded, so that a run can be had again."""

import random
from collections.abc import Callable, Iterator, Sequence

_MAX_SIZE = 4096
_ODD = b"\0\t\n\r \"#%&'*+,-./:;<=?@[\\]{|}~\x7f\x80\xff"

Change = Callable[[random.Random, bytearray, Sequence[bytes]], None]


def mutations(seeds: Sequence[bytes], tokens: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """Changed copies of the seeds, without end; each has one to four changes."""
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    while True:
        made = bytearray(chance.choice(seeds))
        for _ in range(chance.choice((1, 1, 2, 4))):
            change = chance.choice(_CHANGES)
            change(chance, made, seeds if change is _splice else tokens)
        yield bytes(made[:_MAX_SIZE])


def _flip(chance: random.Random, made: bytearray, _: Sequence[bytes]) -> None:
    if made:
        made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)


def _odd(chance: random.Random, made: bytearray, _: Sequence[bytes]) -> None:
    at = chance.randint(0, len(made))
    made[at : at + chance.randint(0, 1)] = bytes([chance.choice(_ODD)])


def _insert(chance: random.Random, made: bytearray, tokens: Sequence[bytes]) -> None:
    at = chance.randint(0, len(made))
    made[at:at] = chance.choice(tokens)


def _overwrite(chance: random.Random, made: bytearray, tokens: Sequence[bytes]) -> None:
    token = chance.choice(tokens)
    at = chance.randint(0, len(made))
    made[at : at + len(token)] = token


def _remove(chance: random.Random, made: bytearray, _: Sequence[bytes]) -> None:
    start, end = _range(chance, made)
    del made[start:end]


def _repeat(chance: random.Random, made: bytearray, _: Sequence[bytes]) -> None:
    start, end = _range(chance, made)
    made[end:end] = made[start:end] * chance.choice((1, 1, 2, 20))


def _move(chance: random.Random, made: bytearray, _: Sequence[bytes]) -> None:
    start, end = _range(chance, made)
    part = made[start:end]
    del made[start:end]
    at = chance.randint(0, len(made))
    made[at:at] = part


def _digit(chance: random.Random, made: bytearray, _: Sequence[bytes]) -> None:
    digits = [at for at, byte in enumerate(made[:_MAX_SIZE]) if 0x30 <= byte <= 0x39]
    if digits:
        made[chance.choice(digits)] = chance.choice(b"0123456789aF")


def _splice(chance: random.Random, made: bytearray, seeds: Sequence[bytes]) -> None:
    other = chance.choice(seeds)
    made[chance.randint(0, len(made)) :] = other[chance.randint(0, len(other)) :]


def _range(chance: random.Random, made: bytearray) -> tuple[int, int]:
    start = chance.randint(0, len(made))
    return start, min(len(made), start + chance.choice((1, 4, 32, 200)))


_CHANGES: tuple[Change, ...] = (
    _flip,
    _odd,
    _odd,
    _insert,
    _insert,
    _overwrite,
    _remove,
    _repeat,
    _move,
    _digit,
    _splice,
)
