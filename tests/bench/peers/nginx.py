"""nginx as a gateway: a plain proxy, and one whose Lua decodes the body, sets the model and encodes it again.

Best configuration: one worker, no access log, connections upstream kept, bodies never on disk; answers unbuffered where
they are streams.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tests.bench import tools
from tests.bench.running import Running, free_port, started
from tests.bench.upstream import TUNED

_CONFIGURATION = """
{modules}
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  client_body_buffer_size 1m;
  client_max_body_size 32m;
  keepalive_requests 1000000000;
  tcp_nodelay on;
  {paths}
  upstream provider {{ server {upstream}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      {lua}
      proxy_pass {scheme}://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Authorization "Bearer sk-t0";
      proxy_buffering {buffering};
      {tls}
    }}
  }}
}}
"""
_LUA = """access_by_lua_block {
        local cjson = require "cjson"
        ngx.req.read_body()
        local body = cjson.decode(ngx.req.get_body_data())
        body.model = "MODEL"
        ngx.req.set_body_data(cjson.encode(body))
      }"""


@contextlib.contextmanager
def nginx(
    folder: Path, upstream: str, *, lua: bool = False, streams: bool = False, authority: Path | None = None
) -> Iterator[Running]:
    """It, before `upstream`; with `authority`, over TLS that is verified against this certificate. Raises Missing."""
    program, port = tools.program("nginx"), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    scheme, _, place = upstream.partition("://")
    modules, paths = _lua_places() if lua else ("", "")
    text = _CONFIGURATION.format(
        modules=modules,
        user="user root;" if os.geteuid() == 0 else "",
        folder=folder,
        paths=paths,
        upstream=place,
        port=port,
        lua=_LUA.replace("MODEL", TUNED % "t0") if lua else "",
        scheme=scheme,
        buffering="off" if streams else "on",
        tls=_tls(authority) if authority else "",
    )
    configuration = folder / "nginx.conf"
    configuration.write_text(text)
    command = [program, "-c", str(configuration), "-p", str(folder), "-e", str(folder / "error.log")]
    with started(command, tools.debian_environ(), folder / "log", port) as pid:
        name, model = ("nginx-lua", "gpt-4o-mini") if lua else ("nginx", TUNED % "t0")
        yield Running(name, f"http://127.0.0.1:{port}", pid, model=model)


def _tls(authority: Path) -> str:
    return f"proxy_ssl_trusted_certificate {authority}; proxy_ssl_verify on; proxy_ssl_name localhost;"


def _lua_places() -> tuple[str, str]:
    """The lines that load Lua, and those that say where its libraries are. Raises Missing."""
    for root in tools.debian_roots():
        folder = root / "usr/lib/nginx/modules"
        if (folder / "ngx_http_lua_module.so").exists():
            modules = "\n".join(f"load_module {folder}/{name}_module.so;" for name in ("ndk_http", "ngx_http_lua"))
            shared = next(iter(sorted(root.glob("usr/lib/*/lua/5.1"))), root / "usr/lib/lua/5.1")
            paths = f'lua_package_path "{root}/usr/share/lua/5.1/?.lua;;"; lua_package_cpath "{shared}/?.so;;";'
            return modules, paths
    raise tools.Missing("nginx has no Lua module here")
