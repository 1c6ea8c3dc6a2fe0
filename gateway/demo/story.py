"""The demo's story, in the order in which it is told. What it prints is for somebody who has never seen the product."""

import json
import re
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx2
import openai
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gateway import watching
from gateway.admin.page.tabs import BASE
from gateway.demo import vocabulary
from gateway.demo.programs import DidNotStart, program

_SHIPPED_VAULT = "harrow-and-pell.jsonl"
_MODEL = "gpt-4o-mini"
_BASE_MODEL = "gpt-4o-mini-2024-07-18"
_QUESTION = "Draft a short clause on the notice that ends this agreement, in the house style of our firm."
_JOB_SECONDS = 300
_LEAST_CHUNKS = 10


class DemoFailed(Exception):
    """The demo cannot go on; the message says why."""


def run(console: Console, environ: Mapping[str, str], *, vault: Path | None, keep: bool) -> dict[str, Any]:
    """Runs the demo; the object that `--json` prints. Raises DemoFailed."""
    shipped = Path(str(files("gateway.demo") / "vaults"))
    vault = (vault or shipped / _SHIPPED_VAULT).resolve()
    if vault.is_dir():
        raise DemoFailed(f"{vault} is a directory; name a file of JSON lines.")
    if not vault.is_file():
        raise DemoFailed(f"There is no Vault at {vault}.")
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="housestyle-demo-")))
        console.print(Panel("Housestyle: a firm's own model behind every call, and one call to go back.", style="bold"))
        try:
            sandbox = stack.enter_context(program(_SANDBOX, environ, data / "sandbox.log"))
            gateway = stack.enter_context(program(_SERVE, _environ(environ, data, vault), data / "gateway.log"))
        except DidNotStart as error:
            raise DemoFailed(str(error)) from None
        console.print(f"  gateway   {gateway}  with a Redis of its own", highlight=False)
        console.print(f"  provider  {sandbox}  the sandbox that ships with Housestyle", highlight=False)
        console.print(Padding(Text(_ABOUT_THE_SANDBOX, style="dim"), (1, 2, 0, 2)))
        admin_key = (data / "admin-key").read_text()
        story = _Story(console, gateway, admin_key, _tenant_name(vault), _firm_words(vault, shipped))
        stack.callback(story.close)
        told = story.tell(sandbox, vault)
        if keep:
            _wait(console, story, admin_key)
        return told


_ABOUT_THE_SANDBOX = (
    "Its models are toys that string words together in the manner of the text that they were trained on. "
    "Do not look for sense in their answers: look at whose words they are."
)
_SANDBOX = ["sandbox", "--port", "0", "--step-seconds", "1"]
_SERVE = ["serve", "--port", "0"]


def _environ(environ: Mapping[str, str], data: Path, vault: Path) -> dict[str, str]:
    """The gateway's settings: embedded defaults, and leave to reach the sandbox and the Vault on this machine."""
    kept = {name: value for name, value in environ.items() if not name.startswith("HOUSESTYLE_")}
    return {
        "OTEL_TRACES_EXPORTER": "none",
        **kept,
        "HOUSESTYLE_DATA_DIR": str(data),
        "HOUSESTYLE_UPSTREAM_ALLOW": "127.0.0.0/8",
        "HOUSESTYLE_VAULT_ROOTS": vault.parent.as_uri() + "/",
        "HOUSESTYLE_POLL_SECONDS": "0.5",
    }


def _firm_words(vault: Path, shipped: Path) -> frozenset[str]:
    """The firm's distinctive words, against the stock model's own text and the other firms that ship with the demo."""
    others = [path for path in sorted(shipped.glob("*.jsonl")) if path != vault]
    reference = [text for path in others for text in _texts(path)]
    reference.append((files("finetune.sandbox") / "corpus.txt").read_text())
    return vocabulary.distinctive(_texts(vault), reference)


def _texts(vault: Path) -> list[str]:
    """The ready chunks' texts; a line that is none is the job manager's to report."""
    texts: list[str] = []
    for line in vault.read_text(errors="replace").splitlines():
        try:
            chunk = json.loads(line)
            if chunk["status"] == "ready":
                texts.append(str(chunk["text"]))
        except (ValueError, KeyError, TypeError):
            continue
    return texts


class _Story:
    """The demo's two clients, and what they do in turn."""

    def __init__(
        self,
        console: Console,
        gateway: str,
        admin_key: str,
        tenant: str,
        firm_words: frozenset[str],
    ) -> None:
        self.key = ""
        self.gateway = gateway
        self.path = f"/tenants/{tenant}"
        self._console = console
        self._firm_words = firm_words
        headers = {"authorization": f"Bearer {admin_key}"}
        self._admin = httpx2.Client(base_url=f"{gateway}/admin/api", headers=headers, timeout=60)

    def close(self) -> None:
        """Closes the admin's client."""
        self._admin.close()

    def tell(self, sandbox: str, vault: Path) -> dict[str, Any]:
        """The whole story; the object that `--json` prints."""
        self._set_up(sandbox, vault)
        records = [self._call("2. The Assistant asks; nothing is active, so the stock model answers")]
        job = self._train()
        self._step("4. An admin activates it")
        activation = self._ask("POST", f"{self.path}/jobs/{job['id']}/activate", {})
        self._say_propagation(activation)
        records.append(self._call("5. The Assistant asks again, exactly as before; the firm's own model answers"))
        self._step("6. Use stock model")
        self._say_propagation(self._ask("POST", f"{self.path}/stock", {}))
        records.append(self._call("7. The same question once more"))
        self._summary(records)
        job = self._ask("GET", f"{self.path}/jobs/{job['id']}")
        return {"job": job, "activation": activation, "calls": [record for record, _ in records]}

    def _set_up(self, sandbox: str, vault: Path) -> None:
        self._step("1. A firm is set up: a tenant, its provider, a key for its Assistant, its Vault")
        self._ask("PUT", self.path, {"name": vault.stem})
        provider = {
            "kind": "openai_compatible",
            "base_url": f"{sandbox}/v1",
            "api_key": "sk-the-firms-own-provider-key",
            "default_model": _MODEL,
        }
        self._ask("PUT", f"{self.path}/providers/main", provider)
        made = self._ask("POST", f"{self.path}/keys", {"role": "caller", "label": "Assistant"})
        self.key = made["key"]
        counted = self._ask("PUT", f"{self.path}/vault", {"url": vault.as_uri()})
        self._say(f"{vault.name}: {counted['ready_chunks']} ready chunks, {counted['other_chunks']} others left out")
        if counted["ready_chunks"] < _LEAST_CHUNKS:
            raise DemoFailed(
                f"{vault.name} has {counted['ready_chunks']} ready chunks; at least {_LEAST_CHUNKS} are needed. "
                'A Vault is a file of JSON lines: {"chunk_id", "document_id", "title", "position", '
                '"status": "ready", "text"}.',
            )
        self._say(f"Every call below asks the same: “{_QUESTION}”")

    def _train(self) -> dict[str, Any]:
        """Makes a job and follows it; raises DemoFailed where it does not become ready."""
        self._step("3. A fine-tune job: the Vault becomes a training file, the training file a model")
        order = {"label": "Demo", "backend": "openai", "provider": "main", "base_model": _BASE_MODEL}
        job = self._ask("POST", f"{self.path}/jobs", order)
        path = f"{self.path}/jobs/{job['id']}"
        job = watching.follow(job, lambda: self._ask("GET", path), self._console, seconds=_JOB_SECONDS)
        if job["status"] in watching.STATES[:-1]:
            raise DemoFailed(f"The job is still `{job['status']}` after {_JOB_SECONDS} s.")
        if job["status"] != "ready":
            error = job["error"] or {"code": job["status"], "message": ""}
            raise DemoFailed(f"The job ended as `{job['status']}`: {error['code']}: {error['message']}")
        dataset = job["dataset"]
        self._say(f"{dataset['examples']} examples of {dataset['chunks']} chunks → {job['fine_tuned_model']}")
        for warning in job["warnings"]:
            self._say(f"note: {warning['message']}")
        return job

    def _call(self, title: str) -> tuple[dict[str, Any], str]:
        """One call through the official client; its Why record, and the answer."""
        self._step(title)
        with openai.OpenAI(base_url=f"{self.gateway}/v1", api_key=self.key) as client:
            raw = client.chat.completions.with_raw_response.create(
                model=_MODEL,
                messages=[{"role": "user", "content": _QUESTION}],
                extra_headers={"X-Workflow": "assistant"},
            )
            answer = raw.parse().choices[0].message.content or ""
        self._console.print(Panel(answer, width=min(100, self._console.width)))
        record = self._ask("GET", f"{self.path}/why/{raw.headers['x-call-id']}")
        self._why(record)
        return record, answer

    def _why(self, record: dict[str, Any]) -> None:
        table = Table("", "", "", box=None, show_header=False, padding=(0, 1))
        for name in ("requested_model", "routed_model", "served_model", "fine_tuned", "reason", "job_id", "trace_id"):
            value = record[name]
            shown = {True: "true", False: "false", None: "-"}.get(value, value) if not isinstance(value, str) else value
            table.add_row("Why" if name == "requested_model" else "", name, shown)
        self._console.print(table)

    def _say_propagation(self, activation: dict[str, Any]) -> None:
        self._say(
            f"{activation['model'] or 'stock'} answers from now on: {activation['acknowledged']} of "
            f"{activation['replicas']} replicas have it after {activation['propagation_ms']} ms, "
            f"{'on disk' if activation['durable'] else 'not yet on disk'}",
        )

    def _summary(self, records: list[tuple[dict[str, Any], str]]) -> None:
        self._step("What came of it")
        table = Table("call", "answered by", "fine_tuned", "reason", "the firm's own words")
        for number, (record, answer) in enumerate(records, 1):
            share = vocabulary.share(answer, self._firm_words)
            who = "the firm's model" if record["fine_tuned"] else "the stock model"
            row = (who, str(record["fine_tuned"]).lower(), record["reason"], f"{share:.0%}")
            table.add_row(str(number), *row)
        self._console.print(table)
        self._say(
            f"The firm's own words are the {len(self._firm_words)} that its Vault uses at least four times as often as "
            "the stock model's own text and the other firms of this demo do.",
        )

    def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """One admin call. Raises DemoFailed with the gateway's words."""
        response = (
            self._admin.request(method, path, json=body) if body is not None else self._admin.request(method, path)
        )
        answer: dict[str, Any] = response.json()
        if response.is_error:
            raise DemoFailed(f"{method} {path} was answered {response.status_code}: {answer['error']['message']}")
        return answer

    def _step(self, title: str) -> None:
        self._console.print(f"\n[bold]{title}[/bold]")

    def _say(self, text: str) -> None:
        self._console.print(Padding(Text(text), (0, 0, 0, 4)))


def _wait(console: Console, story: _Story, admin_key: str) -> None:
    console.print("\n[bold]The gateway goes on until you press Ctrl-C[/bold]")
    for name, value in (
        ("base_url", f"{story.gateway}/v1"),
        ("caller key", story.key),
        ("admin page", f"{story.gateway}{BASE}/{story.path.rpartition('/')[2]}"),
        ("admin API", f"{story.gateway}/admin/api{story.path}"),
        ("admin key", admin_key),
    ):
        console.print(f"    {name:<11} {value}", markup=False, highlight=False, soft_wrap=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("\nGoodbye.")


def _tenant_name(vault: Path) -> str:
    """The Vault's file name as a tenant's name."""
    return re.sub(r"[^a-z0-9]+", "-", vault.stem.lower()).strip("-")[:63] or "firm"
