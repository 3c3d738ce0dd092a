"""Text as it may be printed: a file's name must not steer the terminal, or turn the line around."""

import re

STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed; escapes begin here
    "\u2028-\u202e\u2066-\u2069"  # ends of lines and paragraphs, and changes of the direction
    "\ud800-\udfff]"  # bytes of a file's name that are not UTF-8
)


def printable(text: str) -> str:
    r"""Text with every character that steers a terminal written out, such as `\x1b` or `\r`."""
    return STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
