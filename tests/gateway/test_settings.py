"""The environment, variable by variable: default, good values, and bad ones that name the variable."""

import base64
import ipaddress
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import ATTACHED_REDIS, SettingsError, read, unknown
from gateway.upstream.addresses import parse_base_url

KEY_1, KEY_2 = b"1" * 32, b"2" * 32
TEXT_1, TEXT_2 = base64.b64encode(KEY_1).decode(), base64.b64encode(KEY_2).decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("redis_url", None),
        ("attached", False),
        ("embedded", True),
        ("admin_key", None),
        ("encryption_keys", ()),
        ("artifacts_url", None),
        ("vault_roots", ()),
        ("upstream_allow", ()),
        ("connect_timeout", 10),
        ("first_byte_timeout", 600),
        ("idle_timeout", 120),
        ("drain_seconds", 30),
        ("max_body_mb", 32),
        ("max_concurrent", 2000),
        ("why_days", 90),
        ("why_max", 100_000),
        ("poll_seconds", 10),
        ("admin_port", None),
    ],
)
def test_the_defaults(field: str, value: Any) -> None:
    assert getattr(read({}), field) == value


def test_the_data_directory_stays_where_it_was_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read({}).data_dir == tmp_path / "housestyle-data"
    assert read({"HOUSESTYLE_DATA_DIR": "here"}).data_dir == tmp_path / "here"
    assert read({"HOUSESTYLE_DATA_DIR": "/srv/data"}).data_dir == Path("/srv/data")


@pytest.mark.parametrize(
    ("variable", "field"), [("HOUSESTYLE_BOOTSTRAP", "bootstrap"), ("HOUSESTYLE_PRICES", "prices")]
)
def test_files_stay_where_they_were_at_the_start(
    variable: str, field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert getattr(read({}), field) is None
    assert getattr(read({variable: "here.yaml"}), field) == tmp_path / "here.yaml"
    assert unknown({variable: "here.yaml"}) == []


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("HOUSESTYLE_REDIS_URL", "redis://redis:6379/0", "redis_url", "redis://redis:6379/0"),
        ("HOUSESTYLE_ADMIN_KEY", "hs_admin", "admin_key", "hs_admin"),
        ("HOUSESTYLE_ENCRYPTION_KEYS", TEXT_1, "encryption_keys", (KEY_1,)),
        ("HOUSESTYLE_ENCRYPTION_KEYS", f" {TEXT_2} , {TEXT_1},", "encryption_keys", (KEY_2, KEY_1)),
        ("HOUSESTYLE_ARTIFACTS_URL", "s3://artifacts/", "artifacts_url", "s3://artifacts/"),
        ("HOUSESTYLE_VAULT_ROOTS", "file:///a/, s3://b/", "vault_roots", ("file:///a/", "s3://b/")),
        (
            "HOUSESTYLE_UPSTREAM_ALLOW",
            "10.0.0.0/8, fd00::/8,192.168.1.1",
            "upstream_allow",
            tuple(ipaddress.ip_network(text) for text in ("10.0.0.0/8", "fd00::/8", "192.168.1.1/32")),
        ),
        ("HOUSESTYLE_CONNECT_TIMEOUT", "2.5", "connect_timeout", 2.5),
        ("HOUSESTYLE_FIRST_BYTE_TIMEOUT", "30", "first_byte_timeout", 30),
        ("HOUSESTYLE_IDLE_TIMEOUT", "1e2", "idle_timeout", 100),
        ("HOUSESTYLE_DRAIN_SECONDS", "5", "drain_seconds", 5),
        ("HOUSESTYLE_MAX_BODY_MB", "0.5", "max_body_mb", 0.5),
        ("HOUSESTYLE_MAX_CONCURRENT", "1", "max_concurrent", 1),
        ("HOUSESTYLE_WHY_DAYS", "7", "why_days", 7),
        ("HOUSESTYLE_WHY_MAX", "10", "why_max", 10),
        ("HOUSESTYLE_POLL_SECONDS", "0.1", "poll_seconds", 0.1),
        ("HOUSESTYLE_ADMIN_PORT", "9090", "admin_port", 9090),
        ("HOUSESTYLE_ADMIN_PORT", "65535", "admin_port", 65535),
        ("HOUSESTYLE_ADMIN_PORT", "0", "admin_port", 0),
    ],
)
def test_values(variable: str, text: str, field: str, value: Any) -> None:
    assert getattr(read({variable: text}), field) == value


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("HOUSESTYLE_ARTIFACTS_URL", "artifacts", "must be a URL such as file:///srv/artifacts or s3://bucket/prefix"),
        ("HOUSESTYLE_UPSTREAM_ALLOW", "10.0.0.1/8", "10.0.0.1/8 has host bits set; a network is written as 10.0.0.0/8"),
        ("HTTPS_PROXY", "socks5://proxy:1", "^HTTPS_PROXY must be http://host:port"),
        ("SSL_CERT_FILE", "/nowhere/ca.pem", "there is no file /nowhere/ca.pem"),
    ],
)
def test_what_cannot_be_used_is_said_with_what_can(variable: str, text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as refused:
        read({variable: text})
    assert str(refused.value).count(variable) == 1


VARIABLES = [
    "HOUSESTYLE_REDIS_URL",
    "HOUSESTYLE_DATA_DIR",
    "HOUSESTYLE_ADMIN_KEY",
    "HOUSESTYLE_ENCRYPTION_KEYS",
    "HOUSESTYLE_ARTIFACTS_URL",
    "HOUSESTYLE_VAULT_ROOTS",
    "HOUSESTYLE_UPSTREAM_ALLOW",
    "HOUSESTYLE_CONNECT_TIMEOUT",
    "HOUSESTYLE_FIRST_BYTE_TIMEOUT",
    "HOUSESTYLE_IDLE_TIMEOUT",
    "HOUSESTYLE_DRAIN_SECONDS",
    "HOUSESTYLE_MAX_BODY_MB",
    "HOUSESTYLE_MAX_CONCURRENT",
    "HOUSESTYLE_WHY_DAYS",
    "HOUSESTYLE_WHY_MAX",
    "HOUSESTYLE_POLL_SECONDS",
    "HOUSESTYLE_TRANSLATOR_PYTHON",
    "HOUSESTYLE_TRANSLATOR_URL",
    "HOUSESTYLE_TRANSLATOR_TOKEN",
    "HOUSESTYLE_TRANSLATOR_CA_FILE",
    "HOUSESTYLE_TRANSLATOR_CERT_FILE",
    "HOUSESTYLE_TRANSLATOR_KEY_FILE",
    "HOUSESTYLE_TRANSLATOR_PLAINTEXT",
    "HOUSESTYLE_ADMIN_PORT",
    "HTTPS_PROXY",
    "NO_PROXY",
]


@pytest.mark.parametrize("variable", VARIABLES)
def test_an_empty_variable_is_an_unset_one(variable: str) -> None:
    assert read({variable: ""}) == read({})


NUMBERS = [
    "HOUSESTYLE_CONNECT_TIMEOUT",
    "HOUSESTYLE_FIRST_BYTE_TIMEOUT",
    "HOUSESTYLE_IDLE_TIMEOUT",
    "HOUSESTYLE_DRAIN_SECONDS",
    "HOUSESTYLE_MAX_BODY_MB",
    "HOUSESTYLE_MAX_CONCURRENT",
    "HOUSESTYLE_WHY_DAYS",
    "HOUSESTYLE_WHY_MAX",
    "HOUSESTYLE_POLL_SECONDS",
]
BAD = [(variable, text) for variable in NUMBERS for text in ("ten", "-1", "nan", "inf", "-inf", "1e12", "10s", "1,5")]
BAD += [("HOUSESTYLE_ADMIN_KEY", text) for text in ("hs_a key", "hs_schlüssel", "hs_key ")]
BAD += [(variable, "1.5") for variable in ("HOUSESTYLE_MAX_CONCURRENT", "HOUSESTYLE_WHY_DAYS", "HOUSESTYLE_WHY_MAX")]
BAD += [
    ("HOUSESTYLE_UPSTREAM_ALLOW", text) for text in ("ten", "10.0.0.1/8", "10.0.0.0/33", "localhost", "10.0.0.0/8;::1")
]
BAD += [
    ("HOUSESTYLE_ENCRYPTION_KEYS", text)
    for text in ("short", "not base64!", "é" * 44, base64.b64encode(b"x" * 16).decode(), f"{TEXT_1},bad", TEXT_1[:-1])
]
BAD += [
    ("HOUSESTYLE_ADMIN_PORT", text) for text in ("http", "-1", "65536", "8080 ", "80.5", "\u0663", "127.0.0.1:9090")
]
BAD += [("HOUSESTYLE_VAULT_ROOTS", text) for text in ("/srv/vaults", "file:///srv/{tennant}/", "file:///srv/{tenant/")]


@pytest.mark.parametrize(("variable", "text"), BAD)
def test_a_bad_value_is_told_with_its_variable(variable: str, text: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        read({variable: text})


def test_a_bad_encryption_key_is_not_repeated_in_the_message() -> None:
    text = base64.b64encode(b"0123456789abcdef").decode()
    with pytest.raises(SettingsError) as refused:
        read({"HOUSESTYLE_ENCRYPTION_KEYS": text})
    assert text not in str(refused.value)


def test_no_secret_is_shown() -> None:
    settings = read(
        {
            "HOUSESTYLE_REDIS_URL": "redis://:hidden@redis",
            "HOUSESTYLE_ADMIN_KEY": "hs_hidden",
            "HOUSESTYLE_ENCRYPTION_KEYS": TEXT_1,
            "HOUSESTYLE_ARTIFACTS_URL": "https://user:hidden@artifacts/",
        },
    )
    for shown in (repr(settings), str(settings)):
        assert "hidden" not in shown
        assert KEY_1.decode() not in shown


def test_a_child_of_an_embedded_gateway() -> None:
    settings = read({ATTACHED_REDIS: "unix:///run/redis.sock", "HOUSESTYLE_REDIS_URL": "redis://elsewhere"})
    assert settings.redis_url == "unix:///run/redis.sock"
    assert settings.attached
    assert settings.embedded


def test_an_external_redis_is_not_embedded() -> None:
    assert not read({"HOUSESTYLE_REDIS_URL": "redis://redis"}).embedded


def test_a_slip_of_the_pen_is_noticed() -> None:
    environ = {"HOUSESTYLE_DATADIR": "x", "HOUSESTYLE_DATA_DIR": "y", "HOUSESTYLE_WHY_DAYS": "1", "PATH": "/bin"}
    assert unknown(environ) == ["HOUSESTYLE_DATADIR"]


def test_other_variables_are_nobodys_business() -> None:
    assert read({"PATH": "/bin", "HOUSESTYLE_UNKNOWN": "x", "CONNECT_TIMEOUT": "bad"}) == read({})


# outgoing connections


def proxied(environ: dict[str, str], url: str) -> bool:
    """Whether a provider at `url` is reached through the proxy."""
    proxies = read(environ).proxies
    assert proxies is not None
    return proxies.of(parse_base_url(url)[0]) is not None


def test_without_a_proxy_there_is_none() -> None:
    assert read({}).proxies is None
    assert read({"HTTPS_PROXY": "", "https_proxy": ""}).proxies is None
    assert read({"NO_PROXY": "*", "HTTP_PROXY": "http://proxy:3128"}).proxies is None


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_a_proxy(name: str) -> None:
    proxies = read({name: "http://user:p%40ss@proxy.internal:3128"}).proxies
    assert proxies is not None
    assert (proxies.proxy.host, proxies.proxy.port) == ("proxy.internal", 3128)
    assert proxies.proxy.authorization == b"Basic " + base64.b64encode(b"user:p@ss")
    assert "p@ss" not in repr(proxies)


def test_the_one_in_capitals_goes_first() -> None:
    environ = {"HTTPS_PROXY": "http://one:1", "https_proxy": "http://two:2"}
    proxies = read(environ).proxies
    assert proxies is not None
    assert proxies.proxy.host == "one"


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize(
    ("url", "through"),
    [
        ("https://api.openai.com/v1", True),
        ("https://llm.corp.example/v1", False),
        ("https://10.1.2.3/v1", False),
        ("https://11.1.2.3/v1", True),
        ("http://api.openai.com/v1", False),
    ],
)
def test_who_is_reached_without_it(name: str, url: str, through: bool) -> None:
    environ = {"HTTPS_PROXY": "http://proxy:3128", name: "localhost, .corp.example,10.0.0.0/8"}
    assert proxied(environ, url) is through


@pytest.mark.parametrize(
    "text", ["socks5://proxy:1080", "https://proxy:443", "proxy:3128", "http://", "http://proxy:x"]
)
def test_a_proxy_that_is_not_spoken_to_is_told_with_its_variable(text: str) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        with pytest.raises(SettingsError, match="HTTPS_PROXY"):
            read({name: text})


def test_a_proxys_password_is_not_repeated_in_the_message() -> None:
    with pytest.raises(SettingsError) as refused:
        read({"HTTPS_PROXY": "socks5://user:hidden@proxy:1080"})
    assert "hidden" not in str(refused.value)


# the translator


def test_the_translators_python_is_the_one_that_is_named() -> None:
    assert read({"HOUSESTYLE_TRANSLATOR_PYTHON": sys.executable}).translator_python == Path(sys.executable)


def test_a_translators_python_that_is_not_there_is_said(tmp_path: Path) -> None:
    for named in (tmp_path, tmp_path / "python"):
        with pytest.raises(SettingsError, match="HOUSESTYLE_TRANSLATOR_PYTHON"):
            read({"HOUSESTYLE_TRANSLATOR_PYTHON": str(named)})


def test_else_it_is_the_one_beside_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    assert read({}).translator_python is None
    python = tmp_path / ".venv-translator" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert read({}).translator_python == python


def test_its_variable_is_a_known_one() -> None:
    assert unknown({"HOUSESTYLE_TRANSLATOR_PYTHON": "x", "HTTPS_PROXY": "y"}) == []
