"""`housestyle translator`: looks at the settings of a translator that runs by itself, and becomes it.

The program takes this process's place, so that signals and exit codes are its own. It is handed a bound socket, and the
tokens on its standard input: they stand in no command line, and not in the environment that litellm runs in.
"""

import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import structlog

from gateway import logs, translator_program
from gateway import translator_values as values
from gateway.datadir import UMASK
from gateway.listening import bound_alone
from gateway.settings import Settings, SettingsError, read, unknown

log = structlog.get_logger(__name__)


def run(host: str, port: int, environ: Mapping[str, str]) -> NoReturn:
    """Does not return. Raises SettingsError, CannotListen, OSError."""
    logs.configure()
    os.umask(UMASK)
    settings = read(environ)
    for name in unknown(environ):
        log.warning("unknown_variable", variable=name)
    python = _judged(host, settings)
    listener = bound_alone(host, port)
    listener.set_inheritable(True)
    options = ["--listener", str(listener.fileno()), "--drain", str(math.ceil(settings.drain_seconds))]
    if settings.translator_certificate is not None:
        chain, key = settings.translator_certificate
        options += ["--certificate", str(chain), "--key", str(key)]
    directory = Path(tempfile.mkdtemp(prefix="housestyle-"))
    program = translator_program.prepare(python, directory, settings.upstream_allow, environ, options)
    _on_standard_input("\n".join(settings.translator_tokens))
    os.chdir(program.home)
    os.execve(program.command[0], program.command, program.environ)  # noqa: S606 - without a shell, as it must be


def _judged(host: str, settings: Settings) -> Path:
    """The Python to run, where the settings allow it. Raises SettingsError."""
    if not settings.translator_tokens:
        raise SettingsError(f"A translator that listens on a network needs {values.TOKEN} (`openssl rand -hex 32`).")
    tls = settings.translator_certificate
    values.check_listening(host, tls, plain=settings.translator_plaintext)
    if tls is None:
        log.warning("translator_in_plain_text", host=host, meaning="prompts and credentials come here without TLS")
    if settings.translator_python is None:
        raise SettingsError(translator_program.HOW)
    return settings.translator_python


def _on_standard_input(text: str) -> None:
    """What the program reads there, to its end."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="ascii") as pipe:
        pipe.write(text)
    os.dup2(reading, 0)
    os.close(reading)
