"""The pods of a release whose translator has pods of its own, run as processes: rendered commands, variables, volumes
and probes, TLS and token among them, between a caller and a Bedrock on this machine."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.gateway.translated.firms import KINDS, answering
from tests.gateway.translator.talking import MESSAGES, PYTHON
from tests.gateway.upstream.certificates import Authority
from tests.gateway.upstream.server import serving
from tests.support import confined, helm
from tests.support.admin import NO_TLS
from tests.support.helm import VALUES, Document
from tests.support.pods import CONFINED, PLAIN, Pods
from tests.support.processes import wait_until
from tests.support.redis import Server, free_port
from tests.support.redis import serving as redis_serving

BEDROCK = KINDS["bedrock"]
KEY, TOKEN = "hs_the_key_of_the_assistant", "of-the-translator-0123456789abcdef"


@pytest.fixture(params=[PLAIN, CONFINED])
def way(request: pytest.FixtureRequest) -> str:
    """How the pods are run."""
    if not PYTHON.exists():
        pytest.skip(f"there is no {PYTHON.parents[1].name}: scripts/test makes it")
    if request.param == CONFINED and confined.impossible():
        pytest.skip(f"no process can be confined here: {confined.impossible()}")
    return str(request.param)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Server]:
    """A Redis as docs/redis.md wants it."""
    folder = tmp_path / "redis"
    folder.mkdir()
    with redis_serving(folder, "appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction") as server:
        yield server


def release(redis_url: str, provider_port: int, way: str, authority: Authority) -> list[Document]:
    """The release's manifests, and the Secret with the certificate, which is not the chart's to make."""
    port, admin_port = free_port(), free_port()
    provider = {"kind": "bedrock", "default_model": BEDROCK.model, **BEDROCK.row(provider_port, 0)}
    key = {"role": "caller", "label": "Assistant", "sha256": hashlib.sha256(KEY.encode()).hexdigest()}
    values: dict[str, Any] = {
        "gateway": {"port": port, "adminPort": admin_port},
        "service": {"port": port},
        "admin": {"service": {"port": admin_port}},
        "redis": {"url": redis_url, "evaluation": {"enabled": False}},
        "secrets": {"translatorToken": TOKEN},
        "config": {"upstreamAllow": ["127.0.0.0/8"]},
        "bootstrap": {"document": {"tenants": {"fairfax": {"providers": {"cloud": provider}, "keys": [key]}}}},
        "translator": {
            "enabled": True,
            "mode": "deployment",
            "port": free_port(),
            "tls": {"existingSecret": "own-tls"},
            "python": str(PYTHON) if way == PLAIN else "/venv-translator/bin/python",
        },
    }
    certificate = authority.server_file("localhost").read_text()
    data = {"tls.crt": certificate, "tls.key": certificate, "ca.crt": authority.file.read_text()}
    secret = {"kind": "Secret", "metadata": {"name": "own-tls"}, "stringData": data}
    return [*helm.render(VALUES["evaluation"], values), secret]


async def test_gateway_and_translator_work_as_the_chart_starts_them(tmp_path: Path, redis: Server, way: str) -> None:
    async with serving(answering(BEDROCK.hello)) as provider:
        documents = release(redis.url, provider.port, way, Authority(tmp_path))
        await asyncio.to_thread(_works, documents, tmp_path, way)


def _works(documents: list[Document], tmp_path: Path, way: str) -> None:
    with Pods(documents, tmp_path / "pods", way) as made:
        gateway = made.start("Deployment", "-gateway")
        gateway.comes_up()
        port = gateway.box["ports"][0]["containerPort"]
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", verify=NO_TLS, timeout=60) as http:
            said = "could not be reached"  # ready without it, and says so, once it has looked
            wait_until(lambda: said in http.get("/readyz").json()["translator"], what="the gateway's first look")
            translator = made.start("Deployment", "-translator")
            assert not translator.probe("startup")
            translator.comes_up()
            assert all(translator.probe(name) for name in ("startup", "liveness", "readiness"))
            wait_until(lambda: http.get("/readyz").json()["translator"] == "reachable", what="the gateway's look")
            body = {"model": "default", "messages": MESSAGES}
            answer = http.post("/v1/chat/completions", json=body, headers={"authorization": f"Bearer {KEY}"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["choices"][0]["message"]["content"] == "Hello."
        check = made.start("Pod", "-test-check")
        assert check.wait(180) == 0, check.log.read_text()
        assert "answers and takes the token" in check.log.read_text()
        translator.ask_to_stop()
        spec = helm.pod(documents, "-translator")
        stop = translator.box["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert translator.wait(spec["terminationGracePeriodSeconds"] - stop) == 0
        logs = [path.read_text() for path in (tmp_path / "pods").glob("*.log")]
    assert len(logs) == 3
    assert not [log for log in logs if TOKEN in log]
