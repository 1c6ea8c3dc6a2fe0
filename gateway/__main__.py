"""The `housestyle` command. Each command reads the settings, completes them, and runs one thing."""

import contextlib
import json
import os
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from gateway.masked import SecretEnviron

main = typer.Typer(
    help="An LLM gateway that puts a firm's own fine-tuned model behind every call.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # a traceback must never show a secret
)

_SPAN_ATTRIBUTES = "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(help="The port to listen on; 0 takes a free one.", min=0, max=65535)]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"housestyle {version('housestyle')}")
        raise typer.Exit


@main.callback()
def _options(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Says which one.")] = False,
) -> None:
    """An LLM gateway that puts a firm's own fine-tuned model behind every call."""
    _spare_the_sdk()


@main.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8080,
    workers: Annotated[int, typer.Option(help="How many processes serve; each is a replica.", min=1, max=64)] = 1,
) -> None:
    """Runs the gateway: data plane and admin API. With an embedded Redis, the job worker too."""
    from gateway import serving

    with _plainly():
        serving.serve(host, port, workers, SecretEnviron(os.environ))


@main.command(hidden=True)
def replica(ready: int, listeners: list[int]) -> None:
    """One process of `serve --workers`, by the numbers of the pipe that it says so on and of its listening sockets."""
    from gateway import serving

    with _plainly():
        serving.replicate(ready, listeners, SecretEnviron(os.environ))


@main.command()
def worker(
    host: Host = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(help="Where /healthz and /readyz are answered; nowhere unless given.", min=0, max=65535),
    ] = None,
) -> None:
    """Runs a fine-tune job worker; any number of them work on one Redis."""
    from gateway import working

    with _plainly():
        working.work(SecretEnviron(os.environ), host, port)


@main.command()
def translator(host: Host = "127.0.0.1", port: Port = 8082) -> None:
    """Runs the translator by itself, for gateways whose HOUSESTYLE_TRANSLATOR_URL leads to it."""
    from gateway import translator_root

    with _plainly():
        translator_root.run(host, port, SecretEnviron(os.environ))


@main.command()
def sandbox(
    host: Host = "127.0.0.1",
    port: Port = 8090,
    step_seconds: Annotated[float, typer.Option(help="How long a job stays in each of its states.", min=0)] = 1.0,
    usable_after: Annotated[
        float | None, typer.Option(help="Seconds from `succeeded` to a model that answers.")
    ] = None,
    chunk_seconds: Annotated[float, typer.Option(help="The pause between two chunks of a stream.", min=0)] = 0.0,
    seed: Annotated[int, typer.Option(help="Makes the models' texts repeatable.")] = 7,
) -> None:
    """Runs the sandbox provider: a small OpenAI-compatible server for trials and tests."""
    from finetune import sandbox as provider
    from gateway.listening import bound

    settings = provider.SandboxSettings(
        step_seconds=step_seconds,
        usable_after_seconds=usable_after,
        chunk_seconds=chunk_seconds,
        seed=seed,
    )
    with _plainly(), bound(host, port, None) as listeners:
        provider.serve(listeners.data, settings)


@main.command()
def watch(
    tenant: Annotated[str, typer.Argument(help="Whose job.")],
    job: Annotated[str | None, typer.Argument(help="Which one; the newest unless it is named.")] = None,
    url: Annotated[str, typer.Option(help="Where the gateway's admin API is.")] = "http://127.0.0.1:8080",
    key: Annotated[str, typer.Option(envvar="HOUSESTYLE_ADMIN_KEY", help="An admin's key.", show_envvar=True)] = "",
) -> None:
    """Follows a fine-tune job until it is over; ends 0 where it is ready."""
    from rich.console import Console

    from gateway import watching

    try:
        over = watching.watch(url, key, tenant, job, Console())
    except watching.CannotWatch as error:
        typer.echo(f"housestyle: {error}", err=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    why = over["error"]
    told = f"{over['status']}: {why['code']}: {why['message']}" if why else over["fine_tuned_model"]
    typer.echo(told or over["status"])
    if over["status"] != "ready":
        raise typer.Exit(1)


@main.command()
def dataset(
    vault: Annotated[Path, typer.Argument(help="A Vault: JSON lines, one file.", exists=True, dir_okay=False)],
    out: Annotated[Path, typer.Argument(help="The folder to write to.")],
    redact: Annotated[str, typer.Option(help="rules, presidio or off")] = "rules",
    model: Annotated[str, typer.Option(help="Whose tokens are counted.")] = "gpt-4.1-mini",
) -> None:
    """Makes the training files of a Vault, as a job would, and says what is in them. Nothing leaves the machine."""
    from rich.console import Console

    from finetune import preview
    from finetune.vaults import VaultNotAllowed, VaultUnreadable

    try:
        preview.run(vault, out, redact, model, Console())
    except (VaultUnreadable, VaultNotAllowed, ValueError, OSError) as error:
        typer.echo(f"housestyle: {_words(error)}", err=True)
        raise typer.Exit(2) from None


@main.command(hidden=True)
def preview() -> None:
    """Makes one preview for a gateway: an order on standard input, an answer on standard output."""
    import sys

    from gateway import preview_root

    with _plainly():
        sys.stdout.buffer.write(preview_root.run(sys.stdin.buffer.read(), SecretEnviron(os.environ)))


@main.command()
def rotate_keys() -> None:
    """Seals every stored credential anew with the first encryption key; gateways go on serving meanwhile."""
    from gateway import rotation
    from gateway.store.connection import StoreUnavailable

    with _plainly():
        try:
            done = rotation.run(SecretEnviron(os.environ), lambda line: typer.echo(line, err=True))
        except StoreUnavailable as error:
            why = str(error).rstrip(".")
            typer.echo(f"housestyle: Redis is away ({why}). Run this again: it goes on where it was.", err=True)
            raise typer.Exit(2) from None
    typer.echo("\n".join(rotation.summary(done)))
    if not done.complete:
        raise typer.Exit(1)


@main.command()
def check(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array on standard output.")] = False,
) -> None:
    """Looks at the settings and at everything that a gateway depends on; non-zero if anything is wrong."""
    import msgspec

    from gateway import check as checking

    with _plainly():
        found = checking.run(SecretEnviron(os.environ))
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        typer.echo("\n".join(f"{one.state:5}  {one.check}: {one.message}" for one in found))
    if any(one.state == "wrong" for one in found):
        raise typer.Exit(1)


@main.command()
def demo(
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object on standard output.")] = False,
    vault: Annotated[Path | None, typer.Option(help="A JSONL Vault of your own.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the gateway running, and say how to reach it.")] = False,
) -> None:
    """Shows the whole job in under a minute: train a firm's model, activate it, go back to stock."""
    from rich.console import Console

    from gateway.demo import story

    try:
        told = story.run(Console(stderr=as_json), os.environ, vault=vault, keep=keep)
    except story.DemoFailed as error:
        typer.echo(f"housestyle demo: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("housestyle demo: stopped; everything that it started has ended.", err=True)
        raise typer.Exit(130) from None
    if as_json:
        typer.echo(json.dumps(told))


def _spare_the_sdk() -> None:
    """OpenTelemetry's SDK reads this variable when it is imported, and raises where it is no number: for the sake of
    spans nothing would start."""
    said = os.environ.get(_SPAN_ATTRIBUTES, "").strip().lower()
    if not said.isdecimal() and said not in ("", "unset"):
        typer.echo(f"housestyle: {_SPAN_ATTRIBUTES}: {said!r} is no number; the default is used", err=True)
        del os.environ[_SPAN_ATTRIBUTES]


@contextlib.contextmanager
def _plainly() -> Iterator[None]:
    """What a person can do something about is said in a line, not in a traceback."""
    from gateway.listening import CannotListen
    from gateway.settings import SettingsError
    from gateway.store.embedded import EmbeddedError

    try:
        yield
    except (SettingsError, EmbeddedError, CannotListen, OSError) as error:
        typer.echo(f"housestyle: {_words(error)}", err=True)
        raise typer.Exit(2) from None


def _words(error: Exception) -> str:
    """What to say of it; of a file, its name and what is wrong with it, without a number."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}."
    return str(error)


if __name__ == "__main__":
    main()
