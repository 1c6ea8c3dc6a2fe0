"""The chart's pods as processes on this machine: rendered commands, variables, volumes and probes, with neither cluster
nor container.

Two ways to run one. `PLAIN`: as a process of this user, the pod's paths put under a test's folder. `CONFINED`: as the
pod's security context says, see confined.py. Hosts of the chart's Services are this machine; the
translator's is `localhost`, since a certificate is for a name.
"""

import os
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import httpx2

from tests.support import confined, dockerfile
from tests.support.debian import ROOT
from tests.support.helm import Document, find
from tests.support.processes import wait_until

PLAIN, CONFINED = "plain", "confined"
TMP = "/tmp"  # noqa: S108 - the pod's
_SERVICE = re.compile(r"trial-housestyle(?:-admin|-redis)?(?=:\d)")
_TRANSLATOR = re.compile(r"trial-housestyle-translator\.llm\.svc(?=:\d)")
_UNVERIFIED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # as the kubelet asks
_UNVERIFIED.check_hostname = False
_UNVERIFIED.verify_mode = ssl.CERT_NONE
_REFERENCE = re.compile(r"\$\((\w+)\)")


class Running:
    """A container's process. `log` is what it wrote."""

    def __init__(self, box: Document, process: "subprocess.Popen[bytes]", log: Path, output: IO[bytes]) -> None:
        self.box = box
        self.process = process
        self.log = log
        self._output = output

    def probe(self, name: str) -> bool:
        """What the kubelet would make of the probe now."""
        probe = self.box[f"{name}Probe"]
        [port] = [one["containerPort"] for one in self.box["ports"] if one["name"] == probe["httpGet"]["port"]]
        asked = probe["httpGet"]
        url = f"{asked.get('scheme', 'HTTP').lower()}://127.0.0.1:{port}{asked['path']}"
        try:
            return 200 <= httpx2.get(url, timeout=probe["timeoutSeconds"], verify=_UNVERIFIED).status_code < 400
        except httpx2.HTTPError:
            return False

    def comes_up(self) -> None:
        """Waits as long as the startup probe would have it, and then for it to be ready."""
        probe = self.box["startupProbe"]
        seconds = probe["periodSeconds"] * probe["failureThreshold"]
        try:
            wait_until(lambda: self.process.poll() is not None or self.probe("startup"), seconds, "the startup probe")
            assert self.process.poll() is None
            wait_until(lambda: self.probe("readiness"), seconds, "the readiness probe")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.log.read_text(errors='replace')[-2000:]}") from None

    def ask_to_stop(self) -> None:
        """What the kubelet says after preStop."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> int:
        """Its exit code; it must end in time."""
        code = self.process.wait(seconds)
        self._output.close()
        return code

    def end(self) -> None:
        """Ends it, however it stands."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self._output.close()


class Pods:
    """Of one rendering. A context manager that ends what it started."""

    def __init__(self, documents: Sequence[Document], folder: Path, way: str) -> None:
        self._documents = documents
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self._way = way
        self._running: list[Running] = []

    def __enter__(self) -> "Pods":
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._running:
            one.end()

    def volume(self, name: str) -> Path:
        """Where a volume lies that several pods mount: a claim's, or a server's."""
        return _open_to_all(self._folder / "volumes" / name)

    def start(self, kind: str, name: str, box: int = 0) -> Running:
        """One container of a Deployment's pod, or of a Pod."""
        found = find(self._documents, kind, name)
        spec = found["spec"] if kind == "Pod" else found["spec"]["template"]["spec"]
        container = spec["containers"][box]
        mounts = self._mounts(spec, container, self._folder / f"{kind}{name}")
        command = [*container["command"], *container.get("args", [])]
        environ = self._environ(container)
        log = self._folder / f"{kind}{name}-{box}.log"
        output = log.open("ab")
        command = [_SERVICE.sub("127.0.0.1", word) for word in command]
        environ = {**dockerfile.ours().environ("housestyle"), **environ}
        if self._way == PLAIN:
            words, variables = _plain(command, environ, mounts)
        else:
            words, variables = confined.command(command, environ, mounts, self._folder / "root"), dict(os.environ)
        process = subprocess.Popen(words, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self._running.append(Running(container, process, log, output))
        return self._running[-1]

    def _environ(self, container: Document) -> dict[str, str]:
        found: dict[str, str] = {}
        for one in container.get("env", []):
            value = one["value"] if "value" in one else self._value(one["valueFrom"])
            value = _REFERENCE.sub(lambda name: found.get(name[1], name[0]), value)
            found[one["name"]] = _TRANSLATOR.sub("localhost", _SERVICE.sub("127.0.0.1", value))
        return found

    def _value(self, source: Document) -> str:
        if "fieldRef" in source:
            return f"the-{source['fieldRef']['fieldPath'].rpartition('.')[2]}"
        reference = source["secretKeyRef"]
        return str(self._secret(reference["name"])[reference["key"]])

    def _secret(self, name: str) -> dict[str, str]:
        [found] = [one for one in self._documents if (one["kind"], one["metadata"]["name"]) == ("Secret", name)]
        data: dict[str, str] = found["stringData"]
        return data

    def _mounts(self, spec: Document, container: Document, folder: Path) -> dict[str, Path]:
        """What lies at each of the container's mount paths."""
        volumes = {one["name"]: one for one in spec.get("volumes", [])}
        found = {}
        for mount in container.get("volumeMounts", []):
            volume = volumes[mount["name"]]
            if "emptyDir" in volume:
                place = _open_to_all(folder / mount["name"])
            elif "secret" in volume:
                place = folder / mount["name"]
                place.mkdir(parents=True, exist_ok=True)
                data = self._secret(volume["secret"]["secretName"])
                for item in volume["secret"]["items"]:
                    (place / item["path"]).write_text(data[item["key"]])
            else:
                place = self.volume(mount["name"])
            found[mount["mountPath"]] = place
        return found


def _open_to_all(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o777)
    return path


def _plain(
    command: Sequence[str], environ: Mapping[str, str], mounts: Mapping[str, Path]
) -> tuple[list[str], dict[str, str]]:
    """The command's words and variables with every path of a volume put where the volume lies, but for what lies in
    this project, which may be in a folder of the same name."""
    paths = "|".join(re.escape(path) for path in sorted(mounts, key=len, reverse=True))
    place = re.compile(rf"(?:(?<=://)|(?<![^=\s]))(?!{re.escape(str(ROOT))}/)({paths})(?=/|$)")

    def moved(text: str) -> str:
        return place.sub(lambda found: str(mounts[found[1]]), text) if mounts else text

    for bootstrap in (path / "bootstrap.yaml" for path in mounts.values()):
        if bootstrap.exists():
            bootstrap.write_text(moved(bootstrap.read_text()))
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "", "TMPDIR": moved(TMP)}
    variables = {name: moved(value) for name, value in environ.items()} | own
    return confined.program([moved(word) for word in command], sys.executable), variables
