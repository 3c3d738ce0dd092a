"""Command lines: flags from dataclasses, and one line for a person's mistake."""

import codecs
import contextlib
import errno
import gc
import io
import locale
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import tyro

from sentiment.base import signals
from sentiment.base.errors import UserError, first_line
from sentiment.base.printable import printable

Options = TypeVar("Options")

REMEDIES: dict[int | None, str] = {
    errno.ENOSPC: "; make room",
    errno.EDQUOT: "; make room",
    errno.EFBIG: "; allow larger files",
    errno.EACCES: "; change its permissions, or choose another place",
    errno.EROFS: "; choose another folder",
    errno.EIO: "; is its drive still there?",
    errno.ESTALE: "; is its drive still there?",
}
"""Advice for errors of the system, by their number, as it ends their message."""


@contextlib.contextmanager
def command() -> Iterator[None]:
    """Run a command's body; also a decorator for its `main`.

    Its log goes to standard output. A UserError, or an OSError, is printed as one line and ends
    the process with status 2; Ctrl-C ends it with 130, SIGTERM with 143. Names and texts of files
    are UTF-8, whatever the locale.
    """
    signals.raise_on_termination()
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding.lower() != "utf-8":
        sys.stdout.reconfigure(errors="backslashreplace")  # it lacks the letters of many names
    logging.raiseExceptions = False  # a pipe or terminal that closes must not end a long run
    screen = logging.StreamHandler(sys.stdout)
    screen.setFormatter(_Formatter("%(message)s"))
    logging.basicConfig(handlers=[screen])
    logging.getLogger("sentiment").setLevel(logging.INFO)  # other libraries log warnings alone
    try:
        _be_in_utf8()
        yield
        if place_of_script() is not None:
            gc.freeze()  # Python's last search for garbage takes a second where Keras is loaded
    except UserError as error:
        print("error:", printable(" ".join(str(error).split())), file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # a full disk, a folder that may not be written
        remedy = REMEDIES.get(error.errno, "")
        # An error that a library raises may hold nothing but a text.
        reason = error.strerror or first_line(error)
        line = f"error: {error.filename or 'output'}: {reason}{remedy}"
        print(printable(line), file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)
    except signals.Terminated as ended:
        print(f"terminated by {ended}", file=sys.stderr)
        sys.exit(ended.exit_code)


@contextlib.contextmanager
def log_to(file: Path, append: bool = False, screen: bool = True) -> Iterator[None]:
    """Write what is logged in the block to a file, with the time of each line.

    Args:
        append: keep what is in the file, and write behind it.
        screen: show the lines on the screen as well.
    """

    file.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(file, mode="a" if append else "w", encoding="utf-8")
    handler.setFormatter(_Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    root = logging.getLogger()
    before = root.handlers
    root.handlers = [*(before if screen else ()), handler]
    try:
        yield
    finally:
        root.handlers = before
        handler.close()


def parse(kind: type[Options], default: Options | None = None) -> Options:
    """Read the command line into a dataclass; its fields are the flags, their texts the help.

    Raises:
        UserError: a flag is unknown or its value has the wrong form.
        SystemExit: --help was asked for and has been printed.
    """
    return parse_words(kind, default, _words())


def parse_words(kind: type[Options], default: Options | None, words: list[str]) -> Options:
    """Read words into a dataclass, such as those that another script is to be started with.

    Raises:
        UserError: a flag is unknown or its value has the wrong form.
        SystemExit: --help was asked for and has been printed.
    """
    box = io.StringIO()  # where tyro draws a wrong flag's box
    try:
        with contextlib.redirect_stderr(box):
            return tyro.cli(
                kind,
                default=default if default is not None else tyro.MISSING_NONPROP,
                description=sys.modules["__main__"].__doc__,
                args=words,
                config=(tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes),
            )
    except SystemExit as stop:
        if not stop.code:
            raise
        _, *lines = (line.strip("╭╮╰╯─│ ") for line in box.getvalue().splitlines())
        parts = " ".join(line or "\n" for line in lines).splitlines()  # a rule is an empty line
        raise UserError("; ".join(filter(None, map(str.strip, parts)))) from None


def _words() -> list[str]:
    """The command's words: `ipython SCRIPT --percent 10` leaves them out of sys.argv."""
    ipython, place = sys.modules.get("IPython"), place_of_script()
    if not ipython or not ipython.get_ipython() or not place:
        return sys.argv[1:]
    return [word for word in sys.orig_argv[place + 1 :] if word != "--"]


def place_of_script() -> int | None:
    """The script's place in the words that started this process; None in a notebook."""
    script = os.path.realpath(sys.argv[0])
    same = (i for i, word in enumerate(sys.orig_argv) if os.path.realpath(word) == script)
    return next(same, None)


def _be_in_utf8() -> None:
    """Start this process anew in Python's UTF-8 mode if files would be read in another encoding.

    Names of files would be other texts, and so the data's fingerprint. The mode cannot be changed
    later.

    Raises:
        UserError: a notebook's process, or one that refuses the mode, cannot be started anew.
    """
    of_text = codecs.lookup(locale.getpreferredencoding(do_setlocale=False)).name
    if sys.getfilesystemencoding() == of_text == "utf-8":
        return
    if os.environ.get("PYTHONUTF8") == "1" or not place_of_script():
        raise UserError(f"Python reads files as {of_text}; start it with PYTHONUTF8=1")
    os.environ["PYTHONUTF8"] = "1"
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


class _Formatter(logging.Formatter):
    """Formats log messages so that no name in them steers the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))
