"""What a program of ours writes to standard error."""

import json
import subprocess
import sys


def said_by(code: str) -> list[str]:
    """The lines of a program whose logs are configured."""
    whole = f"from gateway import logs\nlogs.configure()\n{code}"
    return subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=True).stderr.splitlines()


def test_a_library_that_warns_is_heard_in_json() -> None:
    (line,) = said_by("import logging\nlogging.getLogger('opentelemetry.sdk').warning('look')")
    assert (json.loads(line)["event"], json.loads(line)["level"]) == ("look", "warning")


def test_the_limits_of_a_span_are_no_news_of_every_call() -> None:
    code = "from opentelemetry.attributes import BoundedAttributes\n"
    assert said_by(code + "BoundedAttributes(1, {'a': 'long', 'b': 'long'}, max_value_len=1)") == []
