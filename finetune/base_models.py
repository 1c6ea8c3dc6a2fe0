"""What is shipped of base models and of their retirement: read from the two JSON files beside this one, and what names
mean. Data and names only; what follows from a date is in `retirement.py`.
"""

import re
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct

_DATE = re.compile(r"[-@](?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$")
# No text comes out of these, or none goes in, whatever provider lists them.
_NO_TEXT = re.compile(
    r"embed|whisper|tts|transcribe|realtime|audio|speech|voice|dall-e|image|sora|video|moderation|guard|rerank|flux|"
    r"diffusion|(?:^|[/-])(?:bge|e5|clip)-",
    re.IGNORECASE,
)


class Announced(Struct, frozen=True, forbid_unknown_fields=True):
    """A model's end. `shuts_down` is the first day without it; `source` a key of the file's sources."""

    model: str
    source: str
    shuts_down: str


class Ends(Struct, frozen=True, forbid_unknown_fields=True):
    """What a kind of provider has announced. `tuning_ends`: the last day for a new job on any model."""

    name: str
    models: tuple[Announced, ...]
    tuning_ends: str | None = None
    source: str = ""


class Offer(Struct, frozen=True, forbid_unknown_fields=True):
    """What a kind of provider tunes. `not_tunable` are models or, with what is appended to them, families."""

    tunable: tuple[str, ...]
    not_tunable: tuple[str, ...]
    aliases: dict[str, str]


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose word a date is: `says` as a sentence names it, `where` for whoever checks it."""

    says: str
    where: str


class Shipped(Struct, frozen=True):
    """Both files. `as_of` is the day up to which the retirements were looked up."""

    as_of: str
    sources: dict[str, Source]
    ends: dict[str, Ends]
    offers: dict[str, Offer]
    defaults: dict[str, str]

    def offer(self, kind: str) -> Offer:
        """What is known of what a kind tunes; nothing, for one that is not in the data."""
        return self.offers.get(kind, _NOTHING)


class _Retirements(Struct, forbid_unknown_fields=True):
    about: str
    as_of: str
    sources: dict[str, Source]
    kinds: dict[str, Ends]


class _BaseModels(Struct, forbid_unknown_fields=True):
    about: str
    as_of: str
    sources: dict[str, str]
    defaults: dict[str, str]
    kinds: dict[str, Offer]


_NOTHING = Offer((), (), {})


@cache
def shipped() -> Shipped:
    """What this version knows."""
    folder = files("finetune")
    ends = msgspec.json.decode((folder / "retirements.json").read_bytes(), type=_Retirements)
    models = msgspec.json.decode((folder / "base_models.json").read_bytes(), type=_BaseModels)
    return Shipped(ends.as_of, ends.sources, ends.kinds, models.kinds, models.defaults)


def base_of(model: str) -> str:
    """The base model of a fine-tuned id (`ft:base:organisation:suffix:id`, perhaps with a path before it); another name
    is its own."""
    last = model.rpartition("/")[2]
    return last.split(":")[1] if last.startswith("ft:") else model


def is_fine_tuned_id(model: str) -> bool:
    """Whether the name has the form of a fine-tuned id."""
    return any(part.startswith("ft:") for part in model.strip().casefold().split("/"))


def undated(model: str) -> str:
    """The name without the date of its snapshot."""
    return _DATE.sub("", model)


def same_model(one: str, other: str) -> bool:
    """Whether two names mean one model, dated or undated; two different dates are two models."""
    return one == other or undated(one) == other or one == undated(other)


def is_text_model(model: str) -> bool:
    """Whether a model, by its name, takes and gives text: no embeddings, sound, images."""
    return not _NO_TEXT.search(base_of(model))


def is_of(family: str, model: str) -> bool:
    """Whether a model is `family` itself or one of it: `gpt-5` has gpt-5-mini and gpt-5.6-sol, not gpt-50."""
    return model == family or model.startswith((f"{family}-", f"{family}."))
