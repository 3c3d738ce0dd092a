"""Where the service can be reached, and a QR code of it for a phone on the same network."""

import io
import socket

NOWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses of no machine (RFC 5737, RFC 3849): the way to them is the way to others."""


def url(scheme: str, host: str, port: int) -> str:
    """The address of a service, without a path; an IPv6 address may stand in brackets or not."""
    host = host.strip("[]")
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def own(listening: socket.socket) -> str:
    """The host by which a browser on this machine reaches a listening socket."""
    host: str = listening.getsockname()[0]
    return {"0.0.0.0": "127.0.0.1", "::": "localhost"}.get(host, host)


def outer(listening: socket.socket) -> str | None:
    """The host by which other machines of the network reach a listening socket, if any do."""
    host: str = listening.getsockname()[0]
    if host not in ("0.0.0.0", "::"):
        return host
    for family, nowhere in NOWHERE.items():
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as way:
                way.connect((nowhere, 9))  # sends nothing; the system only chooses its own address
                return str(way.getsockname()[0])
        except OSError:  # no such network
            continue
    return None


def qr_code(text: str) -> str:
    """A QR code in a terminal's letters, several lines."""
    import segno

    drawn = io.StringIO()
    segno.make(text, error="m").terminal(drawn, compact=True)
    return drawn.getvalue().rstrip("\n")
