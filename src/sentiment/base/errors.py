"""The two errors that are answers, not faults of the program, and any error's first line."""

from typing import Literal


class UserError(Exception):
    """A mistake the user can mend; its text is one line: what, where, what to do."""


ImageFault = Literal["missing", "empty", "not-an-image", "damaged", "beyond-limits"]
"""What can be wrong with a photo's file, as a code for programs."""


class BadImage(Exception):
    """A file that does not decode to a picture; its text is the reason, its code the kind.

    Args:
        code: for programs; it stays when the reason is worded anew.
        reason: for people, as the end of a sentence.
    """

    def __init__(self, code: ImageFault, reason: str) -> None:
        super().__init__(code, reason)  # an error comes from another process by all its arguments
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


def first_line(error: Exception) -> str:
    """First line of an error's text, at most 200 characters; its class's name if it has none."""
    return str(error).split("\n", 1)[0][:200] or type(error).__name__
