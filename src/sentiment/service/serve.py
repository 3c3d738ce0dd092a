"""What `scripts/serve.py` runs: load the model, say where it can be reached, serve."""

import contextlib
import ctypes
import logging
import math
import os
import re
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sentiment.base import cli
from sentiment.base.errors import UserError, first_line
from sentiment.base.project import Folders
from sentiment.model import model_file, model_origin
from sentiment.model.networks import DEFAULT
from sentiment.runs.run_files import Ending, Run, TrainingData
from sentiment.service.limits import Limits

log = logging.getLogger(__name__)

CHOSEN = Run(DEFAULT, "all", TrainingData(), Folders())
"""The run whose model the report chose for its application: MobileNetV2, FT-A."""

CHOSEN_MODEL = CHOSEN.exported(Ending.LITERT)

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of two parameters of mallopt(3), from glibc's malloc.h."""

LARGE = 4 * 2**20
"""Least bytes of a block that is given back at once: a picture of a million pixels."""


@dataclass(frozen=True)
class Options:
    """Flags of `scripts/serve.py`."""

    model: Path = CHOSEN_MODEL
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
    model_path = _model(options.model)
    key = _api_key(options.api_key_file)
    # Slow to import, so that --help and a wrong flag are answered without them.
    import uvicorn

    from sentiment.service import app, connections, security

    listening = _listen(options.host, options.port)
    _give_memory_back()
    service = app.Service(model_path, options.threads, options.limits)
    loopback = security.is_loopback(options.host)
    config = uvicorn.Config(
        app.build(service, key, options.allowed_origins, loopback),
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
    log.info("  %s/ the page, /docs the API; Ctrl-C stops", _url(listening))
    uvicorn.Server(config).run(sockets=[listening])


def _check(options: Options) -> None:
    if options.threads < 1:
        raise UserError(f"--threads {options.threads}: expected 1 or more")
    for origin in options.allowed_origins:
        if not re.fullmatch(r"https?://[^/]+", origin):
            raise UserError(f"--allowed-origins {origin}: expected such as https://example.org")


def _model(wanted: Path) -> Path:
    """The exported model to serve: the one wanted, or an imported one if that is the default and
    nothing was trained here.

    Raises:
        UserError: there is none.
    """
    if wanted.suffix == ".tflite" and wanted.is_file():
        return wanted
    default = wanted == CHOSEN_MODEL
    if default and (imported := next(_imported(".tflite"), None)):
        return imported
    made_from = next(_imported(".keras"), CHOSEN.model) if default else "MODEL.keras"
    raise UserError(
        f"{wanted}: no exported model, a .tflite file; make one with "
        f"python scripts/export_model.py {made_from}"
    )


def _imported(ending: str) -> Iterator[Path]:
    """The imported models with this ending that lie beside those trained here, in order."""
    for file in sorted(CHOSEN.folders.models_dir.glob(f"*/*{ending}")):
        with contextlib.suppress(UserError):  # no model of this project
            if model_origin.is_imported(model_file.read_card(file)):
                yield file


def _give_memory_back() -> None:
    """Let the memory of a large picture go back to the system once the picture is done with.

    glibc keeps more of it for reuse with every larger block that it has seen, up to 64 MB in each
    thread's part, unless it is told where large begins (mallopt(3)).
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):  # libraries other than glibc may lack it
            libc.mallopt(M_MMAP_THRESHOLD, LARGE)
            libc.mallopt(M_TRIM_THRESHOLD, 2 * LARGE)


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
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = (error.strerror or first_line(error)).partition(" (while")[0]
        raise UserError(f"{where}: {reason}") from None
    except UnicodeError:  # of a part of the name that is empty or too long
        raise UserError(f"{where}: no name of a host") from None


def _url(listening: socket.socket) -> str:
    """The address of a listening socket, for a browser."""
    address, port = listening.getsockname()[:2]
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
