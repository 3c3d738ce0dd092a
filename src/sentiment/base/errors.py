"""The two errors that are answers, not faults of the program."""


class UserError(Exception):
    """A mistake the user can mend; its text is one line: what, where, what to do."""


class BadImage(Exception):
    """A file that does not decode to a picture; its text is the reason."""
