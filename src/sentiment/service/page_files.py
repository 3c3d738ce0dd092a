"""The page's own files, and the service worker that keeps them for when the server is away."""

import hashlib
import json
from pathlib import Path

PAGE = Path(__file__).parent / "page"

KEPT = [
    "./",
    *sorted(f"page/{file.name}" for file in PAGE.iterdir() if not file.name.startswith("docs.")),
]
"""Addresses of what the page is made of, relative to it."""


def service_worker() -> str:
    """The service worker's script.

    It names the files and their version, so that a browser that compares it with the one it has
    finds any change.
    """
    digest = hashlib.sha256()
    for file in sorted(PAGE.iterdir()):
        digest.update(file.read_bytes())
    script = (PAGE / "offline.js").read_text(encoding="utf-8")
    version = digest.hexdigest()[:12]
    return f"const VERSION = {json.dumps(version)};\nconst KEPT = {json.dumps(KEPT)};\n{script}"
