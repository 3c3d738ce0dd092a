"""The two errors that are answers, not faults of the program, and any error's first line."""


class UserError(Exception):
    """A mistake the user can mend; its text is one line: what, where, what to do."""


class BadImage(Exception):
    """A file that does not decode to a picture; its text is the reason."""


def first_line(error: Exception) -> str:
    """First line of an error's text, at most 200 characters; its class's name if it has none."""
    return str(error).split("\n", 1)[0][:200] or type(error).__name__
