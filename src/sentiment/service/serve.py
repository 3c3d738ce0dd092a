"""What `scripts/serve.py` runs: load the model, say where it can be reached, serve."""

import logging
import math
import os
import re
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

from sentiment.base import cli, memory
from sentiment.base.errors import UserError, first_line
from sentiment.inference import chosen_export
from sentiment.service import address
from sentiment.service.limits import Limits

log = logging.getLogger(__name__)

OWN = ("/docs", "/healthz", "/metrics", "/page", "/readyz", "/runtime", "/v1")
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
    tls_cert: Path | None = None
    """File with a certificate and those up to its root (PEM): the service then speaks https, which
    a phone's camera needs."""
    tls_key: Path | None = None
    """File with the certificate's private key (PEM); without it, it stands in --tls-cert."""
    keep_measurements: Path | None = None
    """Folder for the frame rates that devices measure and their people send; report.py reads
    logs/DATASET/frame_rates. Nothing else is kept."""
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
    service = app.Service(model_path, options.threads, options.limits, options.keep_measurements)
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
        ssl_certfile=options.tls_cert,
        ssl_keyfile=options.tls_key,
        timeout_graceful_shutdown=math.ceil(options.limits.max_seconds),
    )
    model = service.model
    named = f"{model.name} ({model.dataset}, version {model.version})"
    log.info("Serving %s with %d threads", named, options.threads)
    if not loopback:
        who = "everyone who has the key" if key else "EVERYONE, for there is no API key"
        log.warning("WARNING: reachable from other machines, by %s", who)
    root = options.root_path
    scheme = "https" if options.tls_cert else "http"
    port = listening.getsockname()[1]
    own = address.url(scheme, address.own(listening), port)
    if service.no_device:
        log.info("  photos go to this server, for %s", service.no_device)
    log.info("  %s%s/ the page, %s/docs the API; Ctrl-C stops", own, root, root)
    if not loopback:
        host = next(iter(options.allowed_hosts), None) or address.outer(listening)
        _show_to_phones(address.url(scheme, host, port) + root + "/" if host else None, scheme)
    uvicorn.Server(config).run(sockets=[listening])


def _show_to_phones(page: str | None, scheme: str) -> None:
    """Say how a phone on the same network opens the page."""
    if page is None:
        return
    log.info("  %s on other machines of this network", page)
    if scheme == "http":
        log.info("  there without live camera, which needs https: --tls-cert and --tls-key")
    if sys.stdout.isatty():
        log.info("%s", address.qr_code(page))


def _check(options: Options) -> None:
    if options.threads < 1:
        raise UserError(f"--threads {options.threads}: expected 1 or more")
    _check_tls(options.tls_cert, options.tls_key)
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


def _check_tls(certificate: Path | None, key: Path | None) -> None:
    if key and not certificate:
        raise UserError(f"--tls-key {key}: expected --tls-cert too")
    if certificate:
        import ssl

        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
        except ssl.SSLError as error:
            files = f"--tls-cert {certificate}" + (f" --tls-key {key}" if key else "")
            raise UserError(
                f"{files}: no certificate with its private key, without a password, in PEM "
                f"({error.reason or error})"
            ) from None


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
