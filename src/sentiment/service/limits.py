"""What one client, and all of them together, may ask of the service."""

from dataclasses import dataclass, fields

from sentiment.base.errors import UserError
from sentiment.data import decode

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """Flags of `scripts/serve.py` that bound memory, work and time.

    Raises:
        UserError: a limit is outside its range.
    """

    max_bytes: int = 16 * MIB
    """Bytes of a photo's file."""
    max_pixels: int = 50_000_000
    """Pixels of a photo, width times height."""
    max_frames: int = 1000
    """Frames of an animation, though only the first is looked at."""
    max_files: int = 16
    """Photos in a request."""
    max_request_bytes: int = 64 * MIB
    """Bytes of a request with several photos."""
    max_received_bytes: int = 512 * MIB
    """Bytes held in memory for all requests under way."""
    max_waiting: int = 64
    """Pieces of work in the queue (a photo is one, a heat map eight); beyond it: 503."""
    max_connections: int = 512
    """Connections open at a time."""
    max_seconds: float = 30.0
    """Seconds to send a request, and again to answer it."""
    max_header_seconds: float = 10.0
    """Seconds to send a request's headers; a connection without a request is closed."""

    def __post_init__(self) -> None:
        most = {"max_bytes": decode.MAX_BYTES, "max_pixels": decode.MAX_PIXELS}
        least = {
            "max_request_bytes": self.max_bytes,
            "max_received_bytes": self.max_request_bytes,
            "max_waiting": max(self.max_files, 8),
        }
        for field in fields(self):
            value, flag = getattr(self, field.name), "--" + field.name.replace("_", "-")
            low, high = least.get(field.name, 1), most.get(field.name, float("inf"))
            if not low <= value <= high:
                to = f" to {high:,}" if field.name in most else " or more"
                raise UserError(f"{flag} {value}: expected {low:,}{to}")
