"""nginx as operators put it before several gateways: each request goes to the next of them, connections are kept."""

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support import debian
from tests.support.processes import wait_until

_CONFIGURATION = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  client_max_body_size 32m;
  keepalive_requests 1000000000;
  upstream gateways {{
    {servers}
    keepalive 64;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{
      proxy_pass http://gateways;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""


@contextlib.contextmanager
def balancing(folder: Path, port: int, gateways: Sequence[str]) -> Iterator[str]:
    """A load balancer on `port` before `gateways`, which are URLs: its own URL. Raises debian.Missing."""
    program = debian.program("nginx")
    folder.mkdir(parents=True, exist_ok=True)
    servers = "\n    ".join(f"server {url.removeprefix('http://')} max_fails=0;" for url in gateways)
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port, servers=servers, user=user))
    command = [program, "-c", str(configuration), "-p", str(folder), "-e", str(folder / "error.log")]
    with subprocess.Popen(command, env=debian.debian_environ(), stdin=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: process.poll() is not None or _listens(port), 20, "nginx")
            assert process.poll() is None, (folder / "error.log").read_text()[-1500:]
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
