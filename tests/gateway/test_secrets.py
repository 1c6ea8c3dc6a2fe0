"""Secrets at rest: bound to their place, opened by any key of the ring, never shown."""

import base64
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.secrets import CannotOpen, Keyring, fingerprint, hint, is_bound, new_key, sealed_with

OLD, NEW = os.urandom(32), os.urandom(32)
SECRET = "sk-proj-0123456789abcdef"


@given(st.text(), st.text(), st.text())
@settings(max_examples=100)
def test_what_is_sealed_opens_in_its_place(secret: str, tenant: str, field: str) -> None:
    ring = Keyring((NEW,))
    assert ring.open(ring.seal(secret, tenant=tenant, field=field), tenant=tenant, field=field) == secret


@pytest.mark.parametrize(
    ("tenant", "field"),
    [("jones", "providers/openai/api_key"), ("smith", "providers/azure/api_key"), ("", ""), ("smith", "")],
)
def test_it_opens_nowhere_else(tenant: str, field: str) -> None:
    ring = Keyring((NEW,))
    sealed = ring.seal(SECRET, tenant="smith", field="providers/openai/api_key")
    with pytest.raises(CannotOpen):
        ring.open(sealed, tenant=tenant, field=field)


def test_place_names_do_not_run_into_each_other() -> None:
    ring = Keyring((NEW,))
    with pytest.raises(CannotOpen):
        ring.open(ring.seal(SECRET, tenant="ab", field="c"), tenant="a", field="bc")


def test_the_same_secret_never_looks_the_same() -> None:
    ring = Keyring((NEW,))
    assert len({ring.seal(SECRET, tenant="smith", field="f") for _ in range(50)}) == 50


def test_every_bit_counts() -> None:
    ring = Keyring((NEW,))
    version, name, text = ring.seal(SECRET, tenant="smith", field="f").split(".")
    raw = base64.urlsafe_b64decode(text)
    for at in range(len(raw)):
        altered = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        with pytest.raises(CannotOpen):
            ring.open(f"{version}.{name}.{base64.urlsafe_b64encode(altered).decode()}", tenant="smith", field="f")


@given(st.text() | st.text().map("v1.{}".format))
@settings(max_examples=100)
def test_any_other_text_does_not_open(text: str) -> None:
    with pytest.raises(CannotOpen):
        Keyring((NEW,)).open(text, tenant="smith", field="f")


@pytest.mark.parametrize(
    "text", ["", "AA", "A", "AAAAAAAAAAAAAAAA", "é", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
)
def test_what_is_too_short_or_no_base64_does_not_open(text: str) -> None:
    ring = Keyring((NEW,))
    version, name, _ = ring.seal(SECRET, tenant="smith", field="f").split(".")
    with pytest.raises(CannotOpen):
        ring.open(f"{version}.{name}.{text}", tenant="smith", field="f")


def test_another_version_does_not_open() -> None:
    ring = Keyring((NEW,))
    sealed = ring.seal(SECRET, tenant="smith", field="f")
    with pytest.raises(CannotOpen, match="version"):
        ring.open("v3" + sealed.removeprefix("v1"), tenant="smith", field="f")


def test_what_is_bound_opens_with_that_alone() -> None:
    ring = Keyring((NEW,))
    sealed = ring.seal(SECRET, tenant="smith", field="f", bound_to="https://a")
    assert ring.open(sealed, tenant="smith", field="f", bound_to="https://a") == SECRET
    assert is_bound(sealed)
    for bound_to in ("https://b", "https://a/", ""):
        with pytest.raises(CannotOpen, match="another place"):
            ring.open(sealed, tenant="smith", field="f", bound_to=bound_to)
    with pytest.raises(CannotOpen):
        ring.open("v1" + sealed.removeprefix("v2"), tenant="smith", field="f", bound_to="https://a")


def test_what_is_not_bound_opens_with_any_and_cannot_be_made_to_look_bound() -> None:
    """So older versions sealed it."""
    ring = Keyring((NEW,))
    sealed = ring.seal(SECRET, tenant="smith", field="f")
    assert not is_bound(sealed)
    for bound_to in ("https://b", ""):
        assert ring.open(sealed, tenant="smith", field="f", bound_to=bound_to) == SECRET
        with pytest.raises(CannotOpen):
            ring.open("v2" + sealed.removeprefix("v1"), tenant="smith", field="f", bound_to=bound_to)


def test_rotation() -> None:
    before, during, after = Keyring((OLD,)), Keyring((NEW, OLD)), Keyring((NEW,))
    old = before.seal(SECRET, tenant="smith", field="f")
    new = during.seal(SECRET, tenant="smith", field="f")
    assert during.open(old, tenant="smith", field="f") == SECRET
    assert during.open(new, tenant="smith", field="f") == SECRET
    assert after.open(new, tenant="smith", field="f") == SECRET
    for ring, sealed in ((after, old), (before, new)):
        with pytest.raises(CannotOpen, match="HOUSESTYLE_ENCRYPTION_KEYS"):
            ring.open(sealed, tenant="smith", field="f")


def test_a_sealed_secret_names_its_key() -> None:
    before, during = Keyring((OLD,)), Keyring((NEW, OLD))
    assert sealed_with(before.seal(SECRET, tenant="smith", field="f")) == before.first
    assert sealed_with(during.seal(SECRET, tenant="smith", field="f")) == during.first != before.first
    assert during.names == (during.first, before.first)
    assert base64.b64encode(NEW).decode()[:8] not in during.names


@pytest.mark.parametrize("text", ["", "junk", "v1.", "a.b.c.d"])
def test_what_is_not_sealed_names_none(text: str) -> None:
    assert sealed_with(text) == ""


def test_a_key_of_the_wrong_length_is_no_key() -> None:
    with pytest.raises(ValueError, match=r"."):
        Keyring((b"short",))


def test_nothing_shows_a_key_or_a_secret() -> None:
    ring = Keyring((NEW,))
    sealed = ring.seal(SECRET, tenant="smith", field="f")
    for shown in (repr(ring), str(ring), sealed):
        assert SECRET not in shown
        assert base64.b64encode(NEW).decode() not in shown
        assert repr(NEW) not in shown
    with pytest.raises(CannotOpen) as refused:
        ring.open(sealed, tenant="jones", field="f")
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None


def test_new_keys() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("hs_") and len(key) == 46 and key.isascii() for key in keys)


def test_the_fingerprint_is_the_sha_256() -> None:
    assert fingerprint("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("secret", "shown"),
    [(SECRET, "…cdef"), ("123456789012", "…9012"), ("12345678901", "…"), ("abcd", "…"), ("", "…")],
)
def test_the_hint(secret: str, shown: str) -> None:
    assert hint(secret) == shown
