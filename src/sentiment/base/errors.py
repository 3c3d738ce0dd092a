"""The two errors that are answers, not faults of the program, and what others say in a line."""


class UserError(Exception):
    """A mistake the user can mend; its text is one line: what, where, what to do."""


class BadImage(Exception):
    """A file that does not decode to a picture; its text is the reason."""


def first_line(error: Exception) -> str:
    """The beginning of what an error of some library says, or its name if it says nothing."""
    return str(error).split("\n", 1)[0][:200] or type(error).__name__
