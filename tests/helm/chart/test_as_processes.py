"""The chart's pods, run: the rendered commands, variables, volumes and probes as local processes, against a real Redis
and the sandbox provider. What the chart says and the program does not know, or the other way round, shows here."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from tests.support import confined, helm
from tests.support.admin import NO_TLS, STOCK, Admin
from tests.support.helm import VALUES, Document
from tests.support.pods import CONFINED, PLAIN, Pods, Running
from tests.support.processes import Program, wait_until
from tests.support.raw import Cut, Raw, request
from tests.support.redis import Server, free_port, serving
from tests.support.servers import Signal, in_thread
from tests.support.upstream import Peer, Received, Upstream, upstream
from tests.support.vaults import write_vault

KEY = "hs_the_key_of_the_assistant"
FIRST, LAST = b'data: {"id":"c1","model":"m-1","choices":[]}\n\n', b"data: [DONE]\n\n"


@pytest.fixture(params=[PLAIN, CONFINED])
def way(request: pytest.FixtureRequest) -> str:
    """How the pods are run."""
    if request.param == CONFINED and confined.impossible():
        pytest.skip(f"no process can be confined here: {confined.impossible()}")
    return str(request.param)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Redis as docs/redis.md wants it."""
    settings = ("appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction")
    with serving(tmp_path_factory.mktemp("redis"), *settings) as server:
        yield server


@pytest.fixture
def go_on() -> Signal:
    """What the scripted provider's streams wait for."""
    return Signal()


@pytest.fixture
def scripted(go_on: Signal) -> Iterator[Upstream]:
    """A provider whose streams wait in their middle."""

    async def answer(_: Received, peer: Peer) -> None:
        await peer.begin_stream()
        await peer.chunk(FIRST)
        await go_on.reached()
        await peer.chunk(LAST)
        await peer.chunk(b"")

    with in_thread(upstream(answer)) as made:
        yield made
        go_on.set()


class Installed:
    """A release: its manifests, and where its ports are."""

    def __init__(self, redis_url: str, providers: dict[str, str], **config: Any) -> None:
        self.port, self.admin_port = free_port(), free_port()
        values = {
            "gateway": {"port": self.port, "adminPort": self.admin_port},
            "worker": {"port": free_port()},
            "service": {"port": self.port},
            "admin": {"service": {"port": self.admin_port}},
            "redis": {"url": redis_url, "evaluation": {"enabled": False}},
            "config": {
                "upstreamAllow": ["127.0.0.0/8"],
                "vaultRoots": ["file:///srv/vaults/"],
                "pollSeconds": 0.1,
                **config,
            },
            "prices": {"ft:*": {"input": 1000, "output": 0}},
            "bootstrap": {"document": {"tenants": {"fairfax": tenant(providers)}}},
            "extraVolumes": [{"name": "vaults", "nfs": {"server": "files.internal", "path": "/"}}],
            "extraVolumeMounts": [{"name": "vaults", "mountPath": "/srv/vaults", "readOnly": True}],
        }
        self.documents: list[Document] = helm.render(VALUES["evaluation"], values)
        self.grace: int = helm.pod(self.documents, "-gateway")["terminationGracePeriodSeconds"]
        gateway = helm.container(self.documents, "-gateway")
        self.pre_stop: int = gateway["lifecycle"]["preStop"]["sleep"]["seconds"]

    @property
    def url(self) -> str:
        """The data plane."""
        return f"http://127.0.0.1:{self.port}"

    def admin(self) -> Admin:
        """The platform's admin, with the key of the chart's Secret."""
        secret = helm.find(self.documents, "Secret", "")["stringData"]
        return Admin(f"http://127.0.0.1:{self.admin_port}", secret["admin-key"])


def tenant(providers: dict[str, str]) -> dict[str, Any]:
    """A firm, as a bootstrap file has it; the first provider is its default one."""
    made = {
        name: {"kind": "openai_compatible", "base_url": f"{url}/v1", "default_model": STOCK, "api_key": f"sk-{name}"}
        for name, url in providers.items()
    }
    key = {"role": "caller", "label": "Assistant", "sha256": hashlib.sha256(KEY.encode()).hexdigest()}
    return {"providers": made, "vault": {"url": "file:///srv/vaults/fairfax.jsonl"}, "keys": [key]}


def install(tmp_path: Path, installed: Installed, way: str) -> Pods:
    """The release's pods, with a Vault on the volume."""
    made = Pods(installed.documents, tmp_path, way)
    vault = write_vault(made.volume("vaults") / "fairfax.jsonl", 12)
    vault.chmod(0o644)
    return made


def passes(made: Pods, name: str) -> str:
    """Runs a pod of `helm test` to its end, which must be a good one."""
    running = made.start("Pod", f"-test-{name}")
    code = running.wait(180)
    said = running.log.read_text()
    assert code == 0, said
    return said


def test_gateway_and_worker_do_their_work_as_the_chart_starts_them(
    tmp_path: Path, redis: Server, sandbox: Program, way: str
) -> None:
    redis.ask("FLUSHALL")
    installed = Installed(redis.url, {"main": sandbox.url})
    with install(tmp_path, installed, way) as made, installed.admin() as admin:
        gateway = made.start("Deployment", "-gateway")
        gateway.comes_up()
        worker = made.start("Deployment", "-worker")
        worker.comes_up()
        for one in (gateway, worker):
            assert all(one.probe(name) for name in ("startup", "liveness", "readiness"))

        job = admin.post("/tenants/fairfax/jobs", {"label": "Spring", "backend": "openai"})
        path = f"/tenants/fairfax/jobs/{job['id']}"
        over = admin.job(path, seconds=180)
        assert over["status"] == "ready", over
        admin.post(f"{path}/activate")
        client = openai.OpenAI(
            base_url=f"{installed.url}/v1", api_key=KEY, max_retries=0, http_client=httpx2.Client(verify=NO_TLS)
        )
        with client:
            raw = client.chat.completions.with_raw_response.create(
                model=STOCK, messages=[{"role": "user", "content": "Draft a clause."}]
            )
        assert raw.headers["x-fine-tuned"] == "true"
        why = admin.get(f"/tenants/fairfax/why/{raw.headers['x-call-id']}")
        assert why["cost_usd"] == pytest.approx(why["input_tokens"] / 1000), "the chart's own prices are in force"
        assert admin.get(f"{path}/manifest"), "the gateway reads what the worker wrote"

        said = passes(made, "check")
        assert "wrong" not in said
        said = passes(made, "reach")
        assert said.count(" 200\n") == 3

        worker.ask_to_stop()
        grace = helm.pod(installed.documents, "-worker")["terminationGracePeriodSeconds"]
        assert worker.wait(grace) == 0
        gateway.ask_to_stop()
        assert gateway.wait(installed.grace - installed.pre_stop) == 0


def streaming(caller: Raw) -> None:
    """Begins a stream that waits in its middle."""
    body = b'{"model":"m-1","stream":true,"messages":[],"stream_options":{"include_usage":true}}'
    caller.send(request("POST", "/v1/chat/completions", f"authorization: Bearer {KEY}", body=body))
    assert caller.head().status == 200
    assert caller.chunk() == FIRST


@pytest.mark.parametrize("processes", [1, 2])
def test_a_stream_ends_whole_within_the_drain_and_the_pod_within_its_grace(
    tmp_path: Path, redis: Server, scripted: Upstream, go_on: Signal, processes: int
) -> None:
    redis.ask("FLUSHALL")
    installed = Installed(redis.url, {"main": scripted.url})
    helm.container(installed.documents, "-gateway")["args"][-1] = str(processes)
    with install(tmp_path, installed, PLAIN) as made:
        gateway = made.start("Deployment", "-gateway")
        gateway.comes_up()
        with Raw(installed.url) as caller:
            streaming(caller)
            gateway.ask_to_stop()
            wait_until(lambda: not gateway.probe("readiness"), 10, "the end of readiness")
            assert gateway.process.poll() is None
            go_on.set()
            assert [caller.chunk(), caller.chunk()] == [LAST, b""]
        assert gateway.wait(installed.grace - installed.pre_stop) == 0


def test_a_stream_that_does_not_end_holds_up_nothing_beyond_the_grace(
    tmp_path: Path, redis: Server, scripted: Upstream
) -> None:
    redis.ask("FLUSHALL")
    installed = Installed(redis.url, {"main": scripted.url}, drainSeconds=0.5)
    with install(tmp_path, installed, PLAIN) as made:
        gateway = made.start("Deployment", "-gateway")
        gateway.comes_up()
        with Raw(installed.url) as caller:
            streaming(caller)
            gateway.ask_to_stop()
            assert b"upstream_disconnected" in caller.chunk()
            with pytest.raises(Cut):
                caller.chunk()
        assert gateway.wait(installed.grace - installed.pre_stop) == 0


def test_a_gateway_whose_redis_is_away_lives_and_is_not_ready(tmp_path: Path) -> None:
    installed = Installed(f"redis://127.0.0.1:{free_port()}", {})
    with install(tmp_path, installed, PLAIN) as made:
        gateway = made.start("Deployment", "-gateway")
        wait_until(lambda: gateway.probe("startup"), 60, "the startup probe")
        assert gateway.probe("liveness")
        assert not gateway.probe("readiness")


def test_what_cannot_be_reached_is_said_in_a_line(tmp_path: Path) -> None:
    """No gateway runs."""
    installed = Installed(f"redis://127.0.0.1:{free_port()}", {})
    with install(tmp_path, installed, PLAIN) as made:
        running = made.start("Pod", "-test-reach")
        assert running.wait(60) == 1
        said = running.log.read_text().splitlines()
    assert len(said) == 3
    assert all(line.startswith("wrong http://") and "Connection refused" in line for line in said)


def test_a_worker_whose_redis_is_away_lives_and_is_not_ready(tmp_path: Path) -> None:
    installed = Installed(f"redis://127.0.0.1:{free_port()}", {})
    with install(tmp_path, installed, PLAIN) as made:
        worker = made.start("Deployment", "-worker")
        wait_until(lambda: worker.probe("startup"), 60, "the startup probe")
        assert worker.probe("liveness")
        assert not worker.probe("readiness")


def test_the_redis_of_an_evaluation_is_one_that_the_program_is_content_with(tmp_path: Path, way: str) -> None:
    """Its port is the one that is free here."""
    documents = helm.render(VALUES["evaluation"])
    port = str(free_port())
    box = helm.container(documents, "-redis")
    box["args"] = [port if word == "6379" else word for word in box["args"]]
    secret = helm.find(documents, "Secret", "-redis")["stringData"]
    secret["redis-url"] = secret["redis-url"].replace("6379", port)
    with Pods(documents, tmp_path, way) as made:
        server = made.start("Deployment", "-redis")
        wait_until(lambda: listens(int(port), server), 20, "the server")
        said = passes(made, "check")
        assert "noeviction" in said
        assert "of 192 MiB used" in said


def listens(port: int, server: Running) -> bool:
    assert server.process.poll() is None, server.log.read_text()
    try:
        Raw(f"http://127.0.0.1:{port}").leave()
    except ConnectionError:
        return False
    return True


def test_confined_is_confined(tmp_path: Path) -> None:
    """What the other tests rely on: nobody's user, no root to write to, /tmp alone."""
    if confined.impossible():
        pytest.skip(f"no process can be confined here: {confined.impossible()}")
    documents = helm.render(VALUES["evaluation"])
    box = helm.container(documents, "-worker")
    script = "id -u; touch /x /usr/x /app/x 2>&1; touch /tmp/x; grep CapEff /proc/self/status"
    box["command"] = ["/bin/sh", "-c", script]
    with Pods(documents, tmp_path, CONFINED) as made:
        running = made.start("Deployment", "-worker")
        running.wait(20)
        said = running.log.read_text()
    assert said.splitlines()[0] == "10001"
    assert said.count("Read-only file system") == 3
    assert "CapEff:\t0000000000000000" in said
    assert list(tmp_path.rglob("x")), "what was written to /tmp lies in its volume"
