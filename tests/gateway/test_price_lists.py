"""The operator's own prices: what a file may say, and what is said of one that is wrong."""

import json
from pathlib import Path

import pytest

from gateway.price_lists import load, read
from gateway.prices import Asked, Price
from gateway.settings import SettingsError
from tests.support.processes import gateway_environ, running

FILE = """
gpt-4o-mini: {input: 0.1, output: 0.4, cached_input: 0.05}
azure/gpt-4o: {input: 2, output: 8.5, cache_write: 2.5}
"ft:gpt-4.1-mini-*": {input: 0.7, output: 2.8}
"ft:*": {input: 9, output: 9}
text-embedding-3-small: {input: 0.01, output: 0}
"""


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(FILE)
    prices = load(path)
    assert prices.own == {
        "gpt-4o-mini": Price(0.1, 0.4, 0.05),
        "azure/gpt-4o": Price(2.0, 8.5, None, 2.5),
        "text-embedding-3-small": Price(0.01, 0.0),
    }
    assert prices.patterns == (("ft:gpt-4.1-mini-", Price(0.7, 2.8)), ("ft:", Price(9.0, 9.0)))
    assert prices.find(Asked("azure_openai", "ours", "gpt-4o-2024-08-06")) == Price(2.0, 8.5, None, 2.5)
    assert prices.find(Asked("openai", "gpt-4o-2024-08-06", None)) == load(None).table["gpt-4o-2024-08-06"]


def test_json_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({"m": {"input": 1, "output": 2e-1}, "*": {"input": 0, "output": 0.0}}))
    assert read(path) == {"m": Price(1.0, 0.2), "*": Price(0.0, 0.0)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be a mapping from models to their prices"),
        ("- m", "must be a mapping from models to their prices"),
        ("m: {input: 1, output: 2", "line 1, column 24: "),
        ("m: {input: 1, output: 2}\nm: {input: 1, output: 3}", "m: stands twice (line 2)"),
        ("m: 3", "m: must be a mapping with input and output"),
        ("m: {input: 1}", "m.output: is missing (0 where there is none, as the output of embeddings)"),
        ("m: {output: 1}", "m.input: is missing"),
        ("m: {}", "m.input: is missing"),
        (
            "m: {input: 1, output: 2, cached: 3}",
            "m.cached: is not known; there are input, output, cached_in",
        ),
        ("m: {input: one, output: 2}", "m.input: must be a number of US dollars for a million tokens"),
        ("m: {input: true, output: 2}", "m.input: must be a number"),
        ("m: {input: null, output: 2}", "m.input: must be a number"),
        ("m: {input: .nan, output: 2}", "m.input: must be a number"),
        ("m: {input: 1, output: .inf}", "m.output: must be a number"),
        ("m: {input: -1, output: 2}", "m.input: must be 0 to 1,000,000 US dollars for a million tokens"),
        ("m: {input: 1, output: 2000000}", "m.output: must be 0 to 1,000,000"),
        ('"a*b": {input: 1, output: 2}', "'a*b': a model's name is wanted, with `*` at its end or nowhere"),
        ('"": {input: 1, output: 2}', "'': a model's name is wanted"),
        ("1: {input: 1, output: 2}", "the file: line 1: a name must be text; put it in quotes"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError) as refusal:
        load(path)
    assert str(refusal.value).startswith(f"HOUSESTYLE_PRICES: {path}: {words}")


def test_a_file_that_is_not_there_and_one_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"HOUSESTYLE_PRICES: .*/none: cannot be read: No such file"):
        load(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"m: \xff")
    with pytest.raises(SettingsError, match=r"the file: is not UTF-8 \(byte 3\)"):
        load(tmp_path / "binary")


def test_a_gateway_does_not_start_with_a_file_that_is_wrong(tmp_path: Path) -> None:
    """Nothing else is started before that is known."""
    file = tmp_path / "prices.yaml"
    file.write_text("gpt-4o: {input: 2.5, ouput: 10}")
    environ = gateway_environ(tmp_path / "data", HOUSESTYLE_PRICES=str(file))
    with (
        pytest.raises(RuntimeError, match=r"HOUSESTYLE_PRICES: .*prices\.yaml: gpt-4o\.ouput: is not known"),
        running(["serve", "--port", "0"], environ, tmp_path / "log"),
    ):
        pass
    assert not (tmp_path / "data" / "redis").exists()
