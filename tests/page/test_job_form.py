"""The form of a new job → a body of the API's, errors at their fields: tables."""

from typing import Any, get_args

import pytest

from finetune.values import Backend, Notice, Preview
from gateway.admin.page import words
from gateway.admin.page.job_form import FIELDS, chosen_model, chosen_provider, error_at, read
from gateway.admin.page.new_job_words import BACKENDS, is_vain, shown, suggested, wrong
from gateway.admin.schemas import BaseModelView, ProviderView
from gateway.errors import GatewayError

BARE: dict[str, Any] = {"label": "", "backend": "openai"}


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ({}, BARE),
        ({"label": " Spring "}, {**BARE, "label": "Spring"}),
        ({"base_model": "a", "other_base_model": "b"}, {**BARE, "base_model": "b"}),
        ({"hyperparameters.n_epochs": "3"}, {**BARE, "hyperparameters": {"n_epochs": 3}}),
        (
            {"options.seed": "7", "options.keep_files": "yes"},
            {**BARE, "options": {"seed": 7, "keep_files": True}},
        ),
        ({"options.validation_share": "25"}, {**BARE, "options": {"validation_share": 0.25}}),
        ({"options.validation_share": "10", "options.writer": "rules", "options.redact": "rules"}, BARE),
        ({"options.cost_limit_usd": "0"}, {**BARE, "options": {"cost_limit_usd": 0.0}}),
        ({"csrf": "x", "once": "y", "unheard_of": "z"}, BARE),
    ],
)
def test_what_is_filled_in_becomes_a_body(form: dict[str, str], body: dict[str, Any]) -> None:
    filled = read(form)
    assert filled.errors == {}
    assert filled.body == body
    assert read(filled.form) == filled


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("label", "x" * 201),
        ("backend", "nobody"),
        ("hyperparameters.n_epochs", "0"),
        ("hyperparameters.n_epochs", "51"),
        ("hyperparameters.n_epochs", "2.5"),
        ("hyperparameters.batch_size", "257"),
        ("hyperparameters.learning_rate_multiplier", "0"),
        ("hyperparameters.learning_rate_multiplier", "nan"),
        ("options.seed", "-1"),
        ("options.seed", "9" * 5000),
        ("options.redact", "some"),
        ("options.writer", "me"),
        ("options.validation_share", "51"),
        ("options.cost_limit_usd", "-1"),
        ("options.cost_limit_usd", "much"),
        ("options.price_per_million_tokens", "inf"),
        ("other_base_model", "x" * 257),
    ],
)
def test_what_cannot_be_used_is_told_at_its_field(name: str, text: str) -> None:
    filled = read({"label": "Spring", name: text, "options.seed": text if name == "options.seed" else "1"})
    assert filled.errors == {name: FIELDS[name].wrong}
    assert filled.form[name] == text


def test_all_that_is_wrong_is_told_at_once() -> None:
    wrong = {"hyperparameters.n_epochs": "no", "options.seed": "no"}
    assert set(read(wrong).errors) == set(wrong)


def test_options_are_unfolded_where_something_was_said() -> None:
    assert not read({"label": "Spring", "base_model": "m", "options.validation_share": "10"}).unfolded
    assert read({"options.seed": "1"}).unfolded
    assert read({"options.seed": "no"}).unfolded


def test_an_error_of_the_apis_lands_at_its_field() -> None:
    plain, other = read({"base_model": "m"}), read({"other_base_model": "m"})
    assert error_at("base_model", plain) == "base_model"
    assert error_at("base_model", other) == "other_base_model"
    assert error_at("options.teacher_consent", plain) == "options.teacher_consent"
    assert error_at("cursor", plain) is None
    assert error_at(None, plain) is None
    said = GatewayError("invalid_field", "Its own words.", "provider")
    assert wrong("provider", said) == "Its own words."
    technical = GatewayError("invalid_field", "options.seed: Expected `int`.")
    assert wrong("options.seed", technical) == FIELDS["options.seed"].wrong


def provider(name: str, is_default: bool = False) -> ProviderView:
    return ProviderView(name, "openai", "https://x", "gpt-4o-mini", is_default, {}, None)


def test_the_form_stands_at_the_default_provider() -> None:
    both = [provider("a"), provider("b", is_default=True)]
    found = [chosen_provider(both, wanted) for wanted in ("a", "", "nobody")]
    assert [one.name for one in found if one] == ["a", "b", "b"]
    assert chosen_provider([], "a") is None


@pytest.mark.parametrize(
    ("wanted", "likely", "chosen"),
    [
        ("gpt-b", ["gpt-a"], "gpt-b"),
        ("gpt-old", ["gpt-a"], "gpt-a-2025-04-14"),
        ("", ["nothing"], "gpt-a-2025-04-14"),
        ("", ["gpt-b", "gpt-a"], "gpt-b"),
    ],
)
def test_the_form_stands_at_a_model_that_can_be_trained(wanted: str, likely: list[str], chosen: str) -> None:
    models = [BaseModelView(name, True, None, None) for name in ("gpt-a-2025-04-14", "gpt-a-mini", "gpt-b")]
    models.append(BaseModelView("gpt-old", False, "It is old.", None))
    assert chosen_model(models, wanted, likely) == chosen
    assert chosen_model(models[3:], wanted, likely) == ""


def preview(**more: Any) -> Preview:
    fields: dict[str, Any] = {
        "ready_chunks": 1200,
        "other_chunks": 3,
        "counted_all": True,
        "sampled_chunks": 300,
        "is_estimate": True,
        "examples": 3000,
        "examples_per_kind": {"rephrase-as": 2000, "summarize-this": 1000},
        "validation_examples": 300,
        "redactions": {"DATE": 5, "PERSON": 9, "EMAIL": 0},
        "skipped": {"not_ready": 3, "too_short": 12},
        "tokens": 90_000,
        "counted_by": "o200k_base",
        "count_error": None,
        "epochs": 3,
        "estimated_cost_usd": 1.5,
        "cost_words": "so many tokens",
        "warnings": (),
        "samples": (),
    }
    return Preview(**{**fields, **more})


def test_an_estimate_says_so() -> None:
    told = shown(preview())
    assert "300 of 1,200 ready chunks" in told.basis
    assert "estimates" in told.basis
    assert told.counting == ""
    assert "last one known" in shown(preview(counted_all=False)).basis
    assert "own figures" in shown(preview(is_estimate=False)).basis
    assert "estimated" in shown(preview(count_error="4 % too low")).counting


def test_counts_are_in_words_the_most_first() -> None:
    told = shown(preview())
    assert told.replaced == [("names of people", 9), ("dates", 5)]
    assert told.left_out == [("too short to learn from", 12), ("not marked as ready", 3)]
    assert [count for _, count in told.made] == [2000, 1000]


@pytest.mark.parametrize(
    ("code", "vain"),
    [
        ("vault_too_small", True),
        ("backend_not_supported_yet", True),
        ("small_vault", False),
        ("teacher_not_asked", False),
        ("file_full", False),
        ("cost_limit_exceeded", False),
    ],
)
def test_warnings_have_words_and_some_jobs_are_in_vain(code: str, vain: bool) -> None:
    made = preview(warnings=(Notice(code, "Why."),))
    assert is_vain(made) is vain
    assert shown(made).warnings[0].title != words.warning("unheard_of", "").title


def test_a_label_is_suggested_and_every_backend_named() -> None:
    assert suggested(1_795_000_000) == "November 2026"
    assert set(BACKENDS) == set(get_args(Backend))
