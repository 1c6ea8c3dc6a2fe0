"""What the variables of a translator that runs by itself may be, and what is said of those that they may not."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from gateway import translator_values as values
from gateway.settings import SettingsError, read
from gateway.upstream.addresses import Origin
from tests.gateway.upstream.certificates import Authority

TOKEN = "of-the-translator-0123456789abcdef"
URL = "HOUSESTYLE_TRANSLATOR_URL"


def with_token(**more: str) -> dict[str, str]:
    """These variables, and the token."""
    return {"HOUSESTYLE_TRANSLATOR_TOKEN": TOKEN, **{f"HOUSESTYLE_TRANSLATOR_{name}": more[name] for name in more}}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whoever signs."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize(
    ("environ", "origin"),
    [
        (with_token(URL="https://translator.llm.svc:8443"), Origin("https", "translator.llm.svc", 8443)),
        (with_token(URL="https://translator/"), Origin("https", "translator", 443)),
        (with_token(URL="http://127.0.0.1:8082"), Origin("http", "127.0.0.1", 8082)),
        (with_token(URL="http://[::1]:8082"), Origin("http", "::1", 8082)),
        (with_token(URL="http://localhost:8082"), Origin("http", "localhost", 8082)),
        (with_token(URL="http://translator:8082", PLAINTEXT="true"), Origin("http", "translator", 8082)),
        ({}, None),
    ],
)
def test_where_it_is(environ: dict[str, str], origin: Origin | None) -> None:
    assert read(environ).translator_url == origin


REFUSED: list[tuple[dict[str, str], str]] = [
    ({URL: "https://translator"}, "With HOUSESTYLE_TRANSLATOR_URL set, HOUSESTYLE_TRANSLATOR_TOKEN must be set too"),
    (with_token(URL="translator:8082"), f"{URL}: the URL must begin with http:// or https://"),
    (with_token(URL="https://translator/v1"), f"{URL} must end after host and port"),
    (with_token(URL="https://u:p@translator"), f"{URL}: the URL must hold no user"),
    (with_token(URL="http://translator:8082"), f"{URL} begins with http://: prompts, answers"),
    (with_token(URL="http://10.0.0.1:8082", PLAINTEXT="false"), f"{URL} begins with http://: prompts, answers"),
    (with_token(PLAINTEXT="yes"), "HOUSESTYLE_TRANSLATOR_PLAINTEXT must be true or false, not 'yes'"),
    (with_token(CA_FILE="/nowhere.pem"), "HOUSESTYLE_TRANSLATOR_CA_FILE: there is no file /nowhere.pem"),
    (with_token(CA_FILE=__file__), "has no certificates that can be read"),
    (with_token(CERT_FILE=__file__), "_CERT_FILE and HOUSESTYLE_TRANSLATOR_KEY_FILE go together"),
    (with_token(KEY_FILE=__file__), "_CERT_FILE and HOUSESTYLE_TRANSLATOR_KEY_FILE go together"),
    (with_token(CERT_FILE=__file__, KEY_FILE="/nowhere.pem"), "HOUSESTYLE_TRANSLATOR_KEY_FILE: there is no file"),
    (with_token(CERT_FILE=__file__, KEY_FILE=__file__), "are no certificate and its key in PEM"),
]


@pytest.mark.parametrize(("environ", "words"), REFUSED)
def test_what_cannot_be_used_is_said_by_its_name(environ: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(environ)
    assert words in str(refused.value)
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize(
    "token", ["short-but-nobodys", "of the translator 0123456789abcdef", "é" * 40, f"{TOKEN},short"]
)
def test_a_token_that_is_none_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(SettingsError, match="HOUSESTYLE_TRANSLATOR_TOKEN") as refused:
        read({"HOUSESTYLE_TRANSLATOR_TOKEN": token})
    assert not [word for word in ("nobodys", "translator 0", "é", TOKEN) if word in str(refused.value)]


def test_of_several_tokens_the_order_stays_and_none_shows_itself() -> None:
    found = read({"HOUSESTYLE_TRANSLATOR_TOKEN": f"{TOKEN}-new, {TOKEN}"}).translator_tokens
    assert found == (f"{TOKEN}-new", TOKEN)
    assert TOKEN not in repr(found)


def test_authorities_without_tls_mean_nothing(authority: Authority) -> None:
    with pytest.raises(SettingsError, match="there is no certificate to be checked"):
        read(with_token(URL="http://127.0.0.1:1", CA_FILE=str(authority.file)))
    assert read(with_token(URL="https://127.0.0.1:1", CA_FILE=str(authority.file))).translator_ca == authority.file


def test_a_certificate_and_its_key_belong_together(authority: Authority, tmp_path: Path) -> None:
    one, other = str(authority.server_file("localhost")), str(authority.server_file("localhost"))
    assert read(with_token(CERT_FILE=one, KEY_FILE=one)).translator_certificate == (Path(one), Path(one))
    with pytest.raises(SettingsError, match="are no certificate and its key"):
        read(with_token(CERT_FILE=one, KEY_FILE=other))
    locked = tmp_path / "locked.pem"
    sealed = serialization.BestAvailableEncryption(b"a passphrase")
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked.write_bytes(authority._key.private_bytes(encoding, form, sealed))
    with pytest.raises(SettingsError, match="without a passphrase"):
        read(with_token(CERT_FILE=str(authority.file), KEY_FILE=str(locked)))


@pytest.mark.parametrize(
    ("host", "tls", "plain", "words"),
    [
        ("0.0.0.0", True, False, None),  # noqa: S104 - as in a pod
        ("0.0.0.0", False, True, None),  # noqa: S104
        ("127.0.0.1", False, False, None),
        ("::1", False, False, None),
        ("localhost", False, False, None),
        ("0.0.0.0", False, False, "HOUSESTYLE_TRANSLATOR_PLAINTEXT=true"),  # noqa: S104
        ("translator.internal", False, False, "HOUSESTYLE_TRANSLATOR_PLAINTEXT=true"),
        ("127.0.0.1", True, True, "say one or the other"),
    ],
)
def test_where_it_may_listen(host: str, tls: bool, plain: bool, words: str | None) -> None:
    certificate = (Path("c"), Path("k")) if tls else None
    if words is None:
        values.check_listening(host, certificate, plain=plain)
        return
    with pytest.raises(SettingsError, match=words):
        values.check_listening(host, certificate, plain=plain)
