"""Photos out of a request's body: in memory, within the limits, and nowhere else.

Starlette's own reader of forms writes files over 1 MB to the disk. This one neither writes
anything nor keeps the names of files.
"""

import asyncio
import contextlib
import functools
import logging
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from sentiment.data.decode import FORMATS
from sentiment.service import problems
from sentiment.service.limits import Limits
from sentiment.service.problems import Problem

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

PHOTO_TYPES = tuple(f"image/{form.lower()}" for form in FORMATS)
"""Content types to send photos as; the bytes decide which format it is."""

MAX_FIELDS = 1000
"""Parts of a form that are no photos, as many as Starlette's own reader takes."""

FILE_NAME = re.compile(rb';[ \t]*filename\*?="?([^";]*)', re.IGNORECASE)
"""A file's name in a part's Content-Disposition, in the form of RFC 8187 too."""

# Warnings of python_multipart quote what was sent.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


class Uploads:
    """Receives the photos of requests, and counts the bytes held for all of them."""

    def __init__(self, limits: Limits):
        self.limits = limits
        self.held = 0

    @contextlib.asynccontextmanager
    async def receive(self, request: Request, most: int) -> AsyncIterator[list[bytes]]:
        """Read a request's photos, at most `most`; they count as held until the block ends.

        Raises:
            Problem: 400, 408, 413, 415 or 503; the body cannot be read or is beyond a limit.
        """
        body = self._body(request, most)
        received = 0
        try:
            async with asyncio.timeout(self.limits.max_seconds):
                _check_size(int(request.headers.get("content-length", 0)), body.max_bytes)
                async for chunk in request.stream():
                    received += len(chunk)
                    self.held += len(chunk)
                    _check_size(received, body.max_bytes)
                    if self.held > self.limits.max_received_bytes:
                        raise problems.busy(1)
                    body.write(chunk)
            yield body.photos()
        except TimeoutError:
            seconds = f"{self.limits.max_seconds:g} s"
            raise Problem(408, "too-slow", f"The body did not arrive within {seconds}.") from None
        finally:
            self.held -= received

    def _body(self, request: Request, most: int) -> "_Photo | _Form":
        """The reader that fits the request's content type."""
        header = request.headers.get("content-type", "application/octet-stream")
        media_type, parameters = parse_options_header(header)
        kind = media_type.decode("latin-1")
        encoded = request.headers.get("content-encoding", "identity") != "identity"
        if not encoded and kind == "multipart/form-data":
            return _Form(parameters.get(b"boundary", b""), most, self.limits)
        if not encoded and (kind.startswith("image/") or kind == "application/octet-stream"):
            return _Photo(self.limits)
        raise Problem(
            415,
            "wrong-type",
            f"The body is {'encoded' if encoded else kind[:80]}; accepted are, without an "
            f"encoding, one photo as {', '.join(PHOTO_TYPES)} or application/octet-stream, or "
            "photos as the parts of multipart/form-data.",
        )


class _Photo:
    """A body that is one photo."""

    def __init__(self, limits: Limits):
        self.max_bytes = limits.max_bytes
        self._content = bytearray()
        self.write = self._content.extend

    def photos(self) -> list[bytes]:
        return [bytes(self._content)]


class _Form:
    """A body that is a form; each of its files is a photo, whatever it is called.

    Other fields are passed over, and so is what a browser sends where no file was chosen: a file
    without a name and without bytes.
    """

    def __init__(self, boundary: bytes, most: int, limits: Limits):
        self.max_bytes = limits.max_request_bytes
        self._most, self._limits = most, limits
        self._photos: list[bytes] = []
        self._parts = 0
        self._part = _Part()
        self._whole = False
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_begin": lambda: self._part.headers.append((bytearray(), bytearray())),
            "on_header_field": lambda data, start, end: self._part.add(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._part.add(1, data[start:end]),
            "on_part_data": self._add,
            "on_part_end": self._keep,
            "on_end": self._end,
        }
        try:
            if not boundary:
                raise FormParserError("its content type has no boundary")
            self._parser = MultipartParser(boundary, callbacks)
        except FormParserError as error:
            raise _bad_form(str(error)) from None
        # What stands before the first boundary is to be ignored (RFC 2046, section 5.1.1). The
        # parser does not know of it, so it is made a part without headers, which is no photo.
        self.write(b"--" + boundary + b"\r\n\r\n\r\n")

    def write(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _bad_form(str(error)) from None

    def photos(self) -> list[bytes]:
        if not self._whole:
            raise _bad_form("it ends before its last boundary")
        if not self._photos:
            detail = "The form has no photo; send one as a file, as curl -F photo=@photo.jpg does."
            raise Problem(400, "bad-request", detail)
        return self._photos

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > self._most + MAX_FIELDS:
            raise Problem(413, "too-large", f"At most {MAX_FIELDS:,} fields of a form are taken.")
        self._part = _Part()

    def _add(self, data: bytes, start: int, end: int) -> None:
        if self._part.is_file:
            _check_size(len(self._part.content) + end - start, self._limits.max_bytes)
            self._part.content += data[start:end]

    def _keep(self) -> None:
        if not self._part.is_file or not (self._part.file_name or self._part.content):
            return
        if len(self._photos) == self._most:
            photos = "photo is" if self._most == 1 else "photos are"
            raise Problem(413, "too-large", f"At most {self._most} {photos} taken at a time.")
        self._photos.append(bytes(self._part.content))

    def _end(self) -> None:
        self._whole = True


class _Part:
    """A part of a form: names and values of its headers, and its bytes if it is a file."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytearray, bytearray]] = []
        self.content = bytearray()

    def add(self, place: int, data: bytes) -> None:
        """Add to the name (0) or the value (1) of the newest header."""
        self.headers[-1][place].extend(data)

    @functools.cached_property
    def file_name(self) -> bytes | None:
        """The file's name, which may be empty; None: the part has none."""
        found = FILE_NAME.search(self._header(b"content-disposition"))
        return found[1] if found else None

    @functools.cached_property
    def is_file(self) -> bool:
        """Whether it has a file's name or a photo's type."""
        kind = self._header(b"content-type").lower()
        return self.file_name is not None or kind.startswith((b"image/", b"application/octet-"))

    def _header(self, name: bytes) -> bytes:
        return next((bytes(value) for given, value in self.headers if given.lower() == name), b"")


def _bad_form(reason: str) -> Problem:
    return Problem(400, "bad-request", f"The multipart form cannot be read: {reason}.")


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise Problem(413, "too-large", f"Too many bytes; at most {most:,} are taken.")
