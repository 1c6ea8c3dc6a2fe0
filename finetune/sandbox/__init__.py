"""The sandbox provider: a small, strict, OpenAI-compatible server for trials, the demo and tests.

Imports nothing else of ours. app.py shows what it is made of.
"""

from finetune.sandbox.app import create_app
from finetune.sandbox.server import running, serve
from finetune.sandbox.values import SandboxSettings

__all__ = ["SandboxSettings", "create_app", "running", "serve"]
