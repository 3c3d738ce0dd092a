"""What `scripts/serve.py` runs: load the model, say where it can be reached, serve."""

import logging
import math
import os
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path

from sentiment.base import cli, memory
from sentiment.base.errors import UserError, first_line
from sentiment.inference import chosen_export
from sentiment.service.limits import Limits

log = logging.getLogger(__name__)

OWN = ("/docs", "/healthz", "/metrics", "/page", "/readyz", "/v1")
"""Beginnings of the service's own addresses: as a root path, no one could say which is meant."""


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/serve.py`."""

    model: Path = chosen_export.CHOSEN_MODEL
    """An exported model, a .tflite file. Where none is given and the default is not there, the
    first imported model that is exported."""
    host: str = "127.0.0.1"
    """Address to listen on; any but loopback lets other machines reach the service."""
    port: int = 8000
    """Port to listen on; 0 takes a free one."""
    threads: int = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4
    """Number of photos decoded and predicted at a time; by default one a CPU core."""
    api_key_file: Path | None = None
    """File with a key that /v1 and /metrics then want; SENTIMENT_API_KEY may hold it instead."""
    allowed_origins: tuple[str, ...] = ()
    """Pages of other sites that may use the API, such as https://example.org."""
    allowed_hosts: tuple[str, ...] = ()
    """Names beside loopback's that lead here, such as photos.example.org, which a proxy hands on;
    without any, a service on loopback answers to loopback's names alone, another to every name."""
    root_path: str = ""
    """Path under which a proxy shows the service, such as /sentiment; it may take it off or not."""
    limits: Limits = field(default_factory=Limits)


@cli.command()
def main() -> None:
    """Run `scripts/serve.py`."""
    serve(cli.parse(Options))


def serve(options: Options) -> None:
    """Serve until a signal ends it; what is under way is then finished.

    Raises:
        UserError: a flag is wrong, the model or the key cannot be read, or the port is taken.
    """
    _check(options)
    model_path = chosen_export.found(options.model)
    key = _api_key(options.api_key_file)
    # Slow to import, so that --help and a wrong flag are answered without them.
    import uvicorn

    from sentiment.service import app, connections, security

    listening = _listen(options.host, options.port)
    memory.give_back()
    service = app.Service(model_path, options.threads, options.limits)
    loopback = security.is_loopback(options.host)
    hosts = options.allowed_hosts if loopback or options.allowed_hosts else None
    config = uvicorn.Config(
        app.build(service, key, options.allowed_origins, hosts),
        root_path=options.root_path,
        http=connections.protocol(options.limits),
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=math.ceil(options.limits.max_seconds),
    )
    model = service.model
    named = f"{model.name} ({model.dataset}, version {model.version})"
    log.info("Serving %s with %d threads", named, options.threads)
    if not loopback:
        who = "everyone who has the key" if key else "EVERYONE, for there is no API key"
        log.warning("WARNING: reachable from other machines, by %s", who)
    root = options.root_path
    log.info("  %s%s/ the page, %s/docs the API; Ctrl-C stops", _url(listening), root, root)
    uvicorn.Server(config).run(sockets=[listening])


def _check(options: Options) -> None:
    if options.threads < 1:
        raise UserError(f"--threads {options.threads}: expected 1 or more")
    for origin in options.allowed_origins:
        if not re.fullmatch(r"https?://[^/]+", origin):
            raise UserError(f"--allowed-origins {origin}: expected such as https://example.org")
    for host in options.allowed_hosts:
        if not re.fullmatch(r"[\w.-]+|\[[\da-fA-F:.]+\]", host, re.ASCII):
            raise UserError(
                f"--allowed-hosts {host}: expected a name without scheme and port, such as "
                "photos.example.org"
            )
    if not re.fullmatch(r"(/[\w.~-]+)*", options.root_path, re.ASCII):
        raise UserError(f"--root-path {options.root_path}: expected such as /sentiment")
    if options.root_path in OWN:
        raise UserError(f"--root-path {options.root_path}: the service's own address; take another")


def _api_key(file: Path | None) -> str | None:
    key = file.read_text("ascii", "replace") if file else os.environ.get("SENTIMENT_API_KEY")
    if key is None:
        return None
    key = key.strip()
    if len(key) < 16 or not key.isascii() or not key.isprintable() or " " in key:
        where = file or "SENTIMENT_API_KEY"
        raise UserError(f"{where}: expected a key of 16 or more printable characters")
    return key


def _listen(host: str, port: int) -> socket.socket:
    where = f"--host {host} --port {port}"
    if not 0 <= port < 2**16:
        raise UserError(f"{where}: expected a port from 0 to 65535")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()  # :: is IPv4 too
        return socket.create_server((host, port), family=family, backlog=2048, dualstack_ipv6=both)
    except OSError as error:
        reason = (error.strerror or first_line(error)).partition(" (while")[0]
        raise UserError(f"{where}: {reason}") from None
    except UnicodeError:  # of a part of the name that is empty or too long
        raise UserError(f"{where}: no name of a host") from None


def _url(listening: socket.socket) -> str:
    """The address of a listening socket, for a browser on this machine."""
    address, port = listening.getsockname()[:2]
    address = {"0.0.0.0": "127.0.0.1", "::": "localhost"}.get(address, address)
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
