"""The form of a new job: its fields, and what was filled in → a body as the API takes it. Pure; the API decides.

Fields are named as the body's places, so that an error of the API's lands at its field.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Literal

import msgspec
from msgspec import Struct

from gateway.admin.schemas import BaseModelView, JobPost, ProviderView

Kind = Literal["text", "whole", "number", "percent", "flag"]

OTHER_MODEL = "other_base_model"


class Field(Struct, frozen=True):
    """`wrong` is what to do where it cannot be used; `folded`: among the training options; `default` says nothing."""

    kind: Kind
    wrong: str
    folded: bool = True
    default: str = ""


FIELDS: Mapping[str, Field] = {
    "label": Field("text", "At most 200 characters.", folded=False),
    "backend": Field("text", "Choose one of the list.", folded=False),
    "provider": Field("text", "Choose one of the list.", folded=False),
    "base_model": Field("text", "Choose one of the list.", folded=False),
    OTHER_MODEL: Field("text", "A model’s name has at most 256 characters."),
    "hyperparameters.n_epochs": Field("whole", "A whole number from 1 to 50, or nothing."),
    "hyperparameters.batch_size": Field("whole", "A whole number from 1 to 256, or nothing."),
    "hyperparameters.learning_rate_multiplier": Field("number", "A number above 0, such as 0.5, or nothing."),
    "options.seed": Field("whole", "A whole number from 0 to 2147483647, or nothing."),
    "options.redact": Field("text", "Choose one of the list.", default="rules"),
    "options.writer": Field("text", "Choose one of the list.", default="rules"),
    "options.teacher_consent": Field("flag", "Tick this to agree, or let the rules write."),
    "options.validation_share": Field("percent", "A number from 0 to 50.", default="10"),
    "options.cost_limit_usd": Field("number", "An amount of US dollars, such as 25, or nothing."),
    "options.price_per_million_tokens": Field("number", "An amount of US dollars, such as 3, or nothing."),
    "options.keep_files": Field("flag", "Tick it or leave it."),
}

_LEAST = {"label": "", "backend": "openai"}


class Filled(Struct, frozen=True):
    """What was filled in: as it was, as a body, and by field what is wrong with it."""

    form: dict[str, str]
    body: dict[str, Any]
    errors: dict[str, str]

    @property
    def unfolded(self) -> bool:
        """Whether the training options are to be seen: something was said there."""
        return any(field.folded and (name in self.form or name in self.errors) for name, field in FIELDS.items())


def read(form: Mapping[str, str]) -> Filled:
    """A form's fields; what is no field of it is left aside."""
    filled = {name: form.get(name, "").strip() for name in FIELDS}
    kept = {name: text for name, text in filled.items() if text not in ("", FIELDS[name].default)}
    body: dict[str, Any] = dict(_LEAST)
    errors: dict[str, str] = {}
    for name, text in kept.items():
        try:
            value = _value(FIELDS[name].kind, text)
            place = "base_model" if name == OTHER_MODEL else name
            msgspec.convert(_put(dict(_LEAST), place, value), type=JobPost)
            _put(body, place, value)
        except ValueError:  # msgspec's is one
            errors[name] = FIELDS[name].wrong
    return Filled(kept, body, errors)


def _value(kind: Kind, text: str) -> Any:
    """Raises ValueError."""
    match kind:
        case "whole":
            return int(text)
        case "number":
            return _finite(text)
        case "percent":
            return _finite(text) / 100
        case "flag":
            return True
    return text


def _finite(text: str) -> float:
    """Raises ValueError."""
    number = float(text)
    if not isfinite(number):
        raise ValueError(text)
    return number


def _put(body: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    head, _, rest = name.partition(".")
    if rest:
        body[head] = {**body.get(head, {}), rest: value}
    else:
        body[head] = value
    return body


def error_at(param: str | None, filled: Filled) -> str | None:
    """The field that an error of the API's is about; None where it is none of the form's."""
    if param == "base_model" and OTHER_MODEL in filled.form:
        return OTHER_MODEL
    return param if param in FIELDS else None


def chosen_provider(providers: Sequence[ProviderView], wanted: str) -> ProviderView | None:
    """The provider that the form stands at: the wanted one, else the tenant's default, else the first."""
    by_name = {one.name: one for one in providers}
    default = next((one for one in providers if one.is_default), None)
    return by_name.get(wanted) or default or next(iter(providers), None)


def chosen_model(models: Sequence[BaseModelView], wanted: str, likely: Sequence[str]) -> str:
    """The base model that the form stands at: the wanted one, else the first tunable one whose name is or begins with a
    likely one, else the first that is tunable; "" where there is none."""
    tunable = [one.model for one in models if one.tunable]
    if wanted in tunable:
        return wanted
    found = (model for name in likely for model in tunable if model == name or model.startswith(f"{name}-20"))
    return next(found, tunable[0] if tunable else "")
