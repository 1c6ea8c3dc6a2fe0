"""The environments of the clients: made once, by one, anew for other pins; skipped for want of an index alone."""

import contextlib
import json
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.clients.environments import Unreachable, environment, make_node, make_python

NOWHERE = "http://127.0.0.1:9/simple"  # the port of `discard`, where nobody listens
PINS = "attrs==25.3.0 --hash=sha256:" + "0" * 64 + "\n"


class Maker:
    """Makes a folder, and counts."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, place: Path) -> None:
        self.made += 1
        place.mkdir()


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No index, and nothing of it at hand."""
    for name, value in {
        "UV_DEFAULT_INDEX": NOWHERE,
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "UV_HTTP_RETRIES": "0",
        "npm_config_registry": NOWHERE,
        "npm_config_cache": str(tmp_path / "npm"),
        "npm_config_fetch_retries": "0",
    }.items():
        monkeypatch.setenv(name, value)


def test_it_is_made_once(tmp_path: Path) -> None:
    make = Maker()
    places = {environment(tmp_path, "client", b"pins", make) for _ in range(3)}
    assert places == {tmp_path / "client"}
    assert make.made == 1


def test_it_is_made_anew_for_other_pins(tmp_path: Path) -> None:
    make = Maker()
    (environment(tmp_path, "client", b"pins", make) / "old").touch()
    assert list(environment(tmp_path, "client", b"other pins", make).glob("old")) == []
    assert make.made == 2


def test_it_is_made_by_one_of_those_who_ask_at_once(tmp_path: Path) -> None:
    make = Maker()
    together = threading.Barrier(8)

    def ask() -> Path:
        together.wait(30)
        return environment(tmp_path, "client", b"pins", make)

    with ThreadPoolExecutor(8) as pool:
        places = {asked.result() for asked in [pool.submit(ask) for _ in range(8)]}
    assert places == {tmp_path / "client"}
    assert make.made == 1


def test_what_was_made_by_half_is_made_anew(tmp_path: Path) -> None:
    make = Maker()

    def fail(place: Path) -> None:
        place.mkdir()
        raise AssertionError("the disk is full")

    with pytest.raises(AssertionError, match="the disk is full"):
        environment(tmp_path, "client", b"pins", fail)
    environment(tmp_path, "client", b"pins", make)
    assert make.made == 1


def test_without_an_index_the_test_is_skipped_with_the_reason(tmp_path: Path) -> None:
    def fail(place: Path) -> None:
        raise Unreachable("no route to it")

    with pytest.raises(pytest.skip.Exception, match=r"environment of client cannot be made.*no route to it"):
        environment(tmp_path, "client", b"pins", fail)


@pytest.mark.usefixtures("offline")
def test_uv_without_its_index(tmp_path: Path) -> None:
    pins = tmp_path / "requirements.txt"
    pins.write_text(PINS)
    with pytest.raises(Unreachable):
        make_python(tmp_path / "made", pins)


@pytest.mark.usefixtures("offline")
def test_a_pin_that_is_gone_from_the_index_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pins = tmp_path / "requirements.txt"
    pins.write_text(PINS)
    with _index_without_files() as url:
        monkeypatch.setenv("UV_DEFAULT_INDEX", url)
        with pytest.raises(AssertionError, match="404 Not Found"):
            make_python(tmp_path / "made", pins)


@contextlib.contextmanager
def _index_without_files() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Listing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple"
        finally:
            server.shutdown()
            thread.join()


class _Listing(BaseHTTPRequestHandler):
    """An index that lists a file and does not have it."""

    def do_GET(self) -> None:
        wheel = "attrs-25.3.0-py3-none-any.whl"
        known = self.path == "/simple/attrs/"
        page = f'<a href="/{wheel}#sha256={"0" * 64}">{wheel}</a>'.encode() if known else b""
        self.send_response(200 if known else 404)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.mark.usefixtures("offline")
def test_pins_without_a_hash_are_a_failure(tmp_path: Path) -> None:
    pins = tmp_path / "requirements.txt"
    pins.write_text("attrs==25.3.0\n")
    with pytest.raises(AssertionError, match="--require-hashes"):
        make_python(tmp_path / "made", pins)


@pytest.mark.usefixtures("offline")
def test_npm_without_its_index(tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not on PATH.")
    wanted = {"name": "client", "version": "1.0.0", "dependencies": {"left-pad": "1.3.0"}}
    package = {"version": "1.3.0", "integrity": "sha512-" + "A" * 86 + "=="}
    lock = {**wanted, "lockfileVersion": 3, "requires": True}
    lock["packages"] = {"": wanted, "node_modules/left-pad": package}
    (tmp_path / "package.json").write_text(json.dumps(wanted))
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    with pytest.raises(Unreachable):
        make_node(tmp_path / "made", tmp_path, npm)
