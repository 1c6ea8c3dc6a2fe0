"""What was measured, before anything is made of it: values of each gateway in each round, and the machine."""

from msgspec import Struct


class Sample(Struct, frozen=True):
    """A gateway in a round of a measure. `values` by name, the unit in the name. `void` says why it proves nothing."""

    measure: str
    round: int
    peer: str
    values: dict[str, float] = {}
    void: str | None = None


class Absent(Struct, frozen=True):
    """A peer that could not take part in a measure, and why."""

    measure: str
    peer: str
    why: str


class Machine(Struct, frozen=True):
    """What was measured on, by what, when. `idle` is the share of both cores that was free just before."""

    date: str
    cpu: str
    cores: int
    memory_gb: int
    kernel: str
    idle: float
    command: str
    versions: dict[str, str]


class Results(Struct, frozen=True):
    """A whole run: results.json."""

    machine: Machine
    samples: list[Sample]
    absent: list[Absent]
