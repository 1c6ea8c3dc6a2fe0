"""A Dockerfile, read: its stages and instructions, as far as ours uses the language. Pure; nothing is built here."""

import re
import shlex
from pathlib import Path

from msgspec import Struct

from tests.support.debian import ROOT

DOCKERFILE = ROOT / "Dockerfile"
_FLAG = re.compile(r"--[a-z]+=\S+")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class Instruction(Struct, frozen=True):
    """One, with its continued lines joined. `flags` are the words before the rest that begin with `--`."""

    name: str
    flags: tuple[str, ...]
    rest: str


class Stage(Struct, frozen=True):
    """From one FROM to the next. `base` is an image, or another stage's name."""

    name: str
    base: str
    instructions: tuple[Instruction, ...]

    def of(self, name: str) -> list[Instruction]:
        """Those of a kind."""
        return [one for one in self.instructions if one.name == name]


class Dockerfile(Struct, frozen=True):
    """`arguments`: what ARG before the first FROM gives as defaults."""

    arguments: dict[str, str]
    stages: tuple[Stage, ...]

    def stage(self, name: str) -> Stage:
        """The one of this name."""
        [found] = [stage for stage in self.stages if stage.name == name]
        return found

    def lineage(self, name: str) -> list[Stage]:
        """The stage and those that it is made from, the lowest first."""
        stage = self.stage(name)
        below = self.lineage(stage.base) if stage.base in {one.name for one in self.stages} else []
        return [*below, stage]

    def environ(self, name: str) -> dict[str, str]:
        """What ENV says in the stage and below; earlier values and ARGs put in for their names."""
        found: dict[str, str] = {}
        for stage in self.lineage(name):
            for one in stage.of("ENV"):
                for word in shlex.split(one.rest):
                    key, _, value = word.partition("=")
                    found[key] = _VARIABLE.sub(lambda name: found.get(name[1] or name[2], name[0]), value)
        return found


def parse(text: str) -> Dockerfile:
    """Raises ValueError on what is no instruction."""
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for one in _instructions(text):
        if one.name == "FROM":
            image, _, name = (part.strip() for part in one.rest.partition(" AS "))
            image = _VARIABLE.sub(lambda name: arguments[name[1] or name[2]], image)
            stages.append(Stage(name, image, ()))
        elif not stages:
            if one.name != "ARG":
                raise ValueError(f"{one.name} before the first FROM")
            name, _, value = one.rest.partition("=")
            arguments[name] = value
        else:
            last = stages[-1]
            stages[-1] = Stage(last.name, last.base, (*last.instructions, one))
    return Dockerfile(arguments, tuple(stages))


def ours() -> Dockerfile:
    """The project's own."""
    return parse(DOCKERFILE.read_text())


def _instructions(text: str) -> list[Instruction]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found = []
    for line in joined.splitlines():
        name, _, rest = line.partition(" ")
        if not name.isupper():
            raise ValueError(f"no instruction: {line}")
        flags = []
        while (flag := _FLAG.match(rest)) is not None:
            flags.append(flag[0])
            rest = rest[flag.end() :].lstrip()
        found.append(Instruction(name, tuple(flags), rest))
    return found


def copied(one: Instruction) -> tuple[list[str], str]:
    """What a COPY copies, and where to."""
    *sources, target = one.rest.split()
    return sources, target


def ignored(path: str, rules: Path = ROOT / ".dockerignore") -> bool:
    """Whether .dockerignore keeps a path at the root from the builder. Of its language: `*`, names, and `!name`."""
    kept = True
    for rule in rules.read_text().split("\n"):
        if rule == "*":
            kept = False
        elif rule.startswith("!") and (path == rule[1:] or path.startswith(f"{rule[1:]}/")):
            kept = True
    return not kept
