"""A Vault of any size for the measure `dataset`: clauses of our own, put together and varied by chance that is fixed.

Of every hundred chunks ten are an earlier one with a few words changed, three an earlier one with a passage more, and
two the same as an earlier one, as in a firm's own folders. Nothing is measured here.
"""

import random
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

_WITHOUT_FACTS = 2 / 3
"""Of the clauses. What is left is about three names, sums and dates a chunk; of real firms' Vaults, four that were
looked at have from a half to four. With facts in every clause (0 here) it is 8.7, and a build is slower for it."""


class _Material(NamedTuple):
    """`slots`: what may stand for each name that stands in the `clauses`."""

    slots: dict[str, list[str]]
    clauses: list[str]


def write_vault(path: Path, size: int) -> None:
    """So many ready chunks, as JSONL."""
    encoder = msgspec.json.Encoder()
    with path.open("wb", 1 << 20) as file:
        for number, text in enumerate(_texts(size)):
            document = f"deed-{number // 40}"
            line = {"chunk_id": f"{document}:{number % 40:04}", "document_id": document, "title": "Deed", "text": text}
            file.write(encoder.encode({**line, "position": number % 40, "status": "ready"}) + b"\n")


def _texts(size: int) -> Iterator[str]:
    material = _read()
    chance = random.Random(20)  # noqa: S311 - the same for everybody
    earlier: deque[str] = deque(maxlen=2000)
    for _ in range(size):
        kind = chance.random()
        if kind < 0.15 and earlier:
            text = chance.choice(earlier)
            if kind < 0.10:
                text = text.replace(" shall ", " must ", 2).replace("thereof", "of it", 1)
            elif kind < 0.13:
                text = f"{text}\n\n{_clause(material, chance, 9)}\n\n{_clause(material, chance, 10)}"
        else:
            text = "\n\n".join(_clause(material, chance, number) for number in range(1, 5))
            earlier.append(text)
        yield text


def _read() -> _Material:
    _, slots, clauses = Path(__file__).with_suffix(".txt").read_text("utf-8").split("\n\n")
    named = (line.partition(": ") for line in slots.splitlines())
    return _Material({name: words.split("; ") for name, _, words in named}, clauses.splitlines())


def _clause(material: _Material, chance: random.Random, number: int) -> str:
    slots = {name: chance.choice(words) for name, words in material.slots.items()}
    facts = _terms(slots) if chance.random() < _WITHOUT_FACTS else _facts(material, chance, slots)
    return f"{chance.randint(1, 30)}.{number}. " + chance.choice(material.clauses).format(
        **slots, **facts, percent=chance.randint(2, 9), count=chance.randint(3, 90)
    )


def _facts(material: _Material, chance: random.Random, slots: dict[str, str]) -> dict[str, str]:
    """What is to be redacted."""
    return {
        "person": "{first} {last}".format(**slots),
        "firm": f"{chance.choice(material.slots['last'])} {slots['trade']} {slots['form']}",
        "mail": "{first}@{last}.example".format(**slots).lower(),
        "phone": f"+1 ({chance.randint(200, 999)}) 555-{chance.randint(1000, 9999)}",
        "sum": f"${chance.randint(1, 900)},{chance.randint(0, 999):03}",
        "date": f"{slots['month']} {chance.randint(1, 28)}, {chance.randint(1998, 2024)}",
        "date2": f"{chance.randint(1, 28)} {chance.choice(material.slots['month'])} {chance.randint(2025, 2040)}",
    }


def _terms(slots: dict[str, str]) -> dict[str, str]:
    """Defined terms in the same places, which stay."""
    return {
        "person": "the agent of the {role}".format(**slots),
        "firm": "the Nominee of the {other}".format(**slots),
        "mail": "the Notice Address",
        "phone": "the number there given",
        "sum": "the Price",
        "date": "the Commencement Date",
        "date2": "the Expiry Date",
    }
