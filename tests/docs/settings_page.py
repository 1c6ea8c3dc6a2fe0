"""docs/configuration.md, made of the settings' own definitions and of the command's own options. Plain functions."""

from pathlib import Path
from typing import Any

import msgspec
import typer
from typer.core import TyperArgument, TyperOption

from gateway.__main__ import main
from gateway.settings import Variable, variables

HEAD = """\
# Configuration

<!-- Made by `scripts/reference` of gateway/settings.py and gateway/__main__.py: do not edit it here. -->

Everything is set by variables of the environment, read once when a process starts. Gateways and workers of one
installation take the same ones. A value that cannot be used ends the start with a line that names the variable; of a
variable that begins with `HOUSESTYLE_` and means nothing, `housestyle check` says so. In the chart: [Helm](helm.md).

## Variables

| variable | meaning | default |
|---|---|---|
"""
OTHERS = """
## Variables of others

| variable | meaning |
|---|---|
| `SSL_CERT_FILE` | a file of the certificate authorities that outgoing connections trust, in place of the system's |
| `OTEL_…` | OpenTelemetry's own; which of them are honoured: [The Why trace](why.md#sending-spans-somewhere) |

Vaults and artifacts in S3 and Cloud Storage take the variables of their own libraries, `AWS_…` and `GOOGLE_…`.

## Commands

`housestyle COMMAND --help` says the same.
"""


def page() -> str:
    """The page, as it must stand."""
    rows = "".join(_row(variable, default) for variable, _, default in variables())
    return HEAD + rows + OTHERS + "".join(_commands())


def _row(variable: Variable, default: Any) -> str:
    return f"| `{variable.name}` | {variable.words} | {variable.default or _told(default)} |\n"


def _told(default: Any) -> str:
    """A field's default in words."""
    if default is msgspec.NODEFAULT or default is None or default == ():
        return "unset"
    if isinstance(default, float) and default.is_integer():
        return str(int(default))
    return str(default)


def _commands() -> list[str]:
    group = typer.main.get_group(main)
    return [_command(name, command) for name, command in sorted(group.commands.items()) if not command.hidden]


def _command(name: str, command: Any) -> str:
    arguments = [one for one in command.params if isinstance(one, TyperArgument)]
    options = [one for one in command.params if isinstance(one, TyperOption)]
    usage = " ".join([f"housestyle {name}", *map(_argument, arguments), *(["[options]"] if options else [])])
    about = " ".join(command.help.split())
    lines = [f"\n### {name}\n\n`{usage}`\n\n{about}\n"]
    if arguments or options:
        lines.append("\n| | | default |\n|---|---|---|\n")
        lines += [f"| `{_argument(one)}` | {one.help} | |\n" for one in arguments]
        lines += [f"| `{one.opts[0]}` | {one.help} | {_default(one)} |\n" for one in options]
    return "".join(lines)


def _argument(argument: TyperArgument) -> str:
    name = (argument.name or "").upper()
    return name if argument.required else f"[{name}]"


def _default(option: TyperOption) -> str:
    if option.envvar:
        return f"`{option.envvar}`"
    if option.is_flag or option.default in (None, ""):
        return ""
    return str(option.default) if not isinstance(option.default, Path) else option.default.as_posix()
