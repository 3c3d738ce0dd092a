"""Thousands of damaged uploads: no fault, no growth. SENTIMENT_FUZZ says how many."""

import io
import itertools
import os
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from helpers import icc_profiles
from PIL import Image

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("service")]  # they share an exported model

COUNT = int(os.environ.get("SENTIMENT_FUZZ", 500))
ANSWERS = {200, 400, 413, 415, 422}


def seeds(photos: list) -> list[bytes]:
    """Good pictures of every format, and a form of two of them."""
    pictures = []
    for form in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF"):
        for photo in photos[::4]:
            content = io.BytesIO()
            with Image.open(photo) as image:
                image.convert("RGB").resize((90, 70)).save(content, form)
            pictures.append(content.getvalue())
    for options in ({"progressive": True}, {"exif": b"Exif\0\0II*\0\x08\0\0\0" + b"\1" * 40}):
        content = io.BytesIO()
        Image.effect_noise((80, 60), 80).save(content, "JPEG", **options)
        pictures.append(content.getvalue())
    frames = [Image.effect_noise((20, 20), 80) for _ in range(5)]
    for form in ("GIF", "PNG", "WEBP", "AVIF"):
        content = io.BytesIO()
        frames[0].save(content, form, save_all=True, append_images=frames[1:])
        pictures.append(content.getvalue())
    return [*pictures, icc_profiles.HEIC.read_bytes()]


def form_of(*photos: bytes) -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="p"; filename="p.jpg"\r\n\r\n'
    return b"".join(head + photo + b"\r\n" for photo in photos) + b"--b--\r\n"


def damaged(content: bytes, another: bytes, random: np.random.Generator) -> bytes:
    """A few bytes changed, cut out, repeated, or taken from another file."""
    changed = bytearray(content)
    for _ in range(random.integers(1, 6)):
        # Half of the damage goes into the headers, where it does most.
        reach = len(changed) if random.random() < 0.5 else min(len(changed), 200)
        place = int(random.integers(0, reach + 1))
        length = int(random.integers(1, 40))
        match random.integers(0, 6):
            case 0 | 1:
                changed[place : place + 1] = random.bytes(1)
            case 2:
                del changed[place:]
            case 3:
                del changed[place : place + length]
            case 4:
                changed[place:place] = changed[place : place + length] * int(random.integers(1, 9))
            case 5:
                changed[place : place + length] = another[place : place + length]
        if not changed:
            break
    return bytes(changed)


def test_damaged_uploads_do_no_harm(server, photos):
    pictures = seeds(photos)
    forms = [form_of(*two) for two in itertools.pairwise(pictures)]

    def send(numbers: range) -> list[int]:
        statuses = []
        with httpx.Client(base_url=server.url, timeout=60) as client:
            for number in numbers:
                random = np.random.default_rng(number)
                kind = "multipart/form-data; boundary=b" if number % 4 == 0 else "image/jpeg"
                pool = forms if number % 4 == 0 else pictures
                content, another = (pool[i] for i in random.integers(0, len(pool), 2))
                content = damaged(content, another, random)
                path = "/v1/explain" if number % 100 == 1 else "/v1/predict"
                answer = client.post(path, content=content, headers={"Content-Type": kind})
                statuses.append(answer.status_code)
                if answer.status_code >= 400:
                    assert answer.headers["content-type"] == "application/problem+json"
        return statuses

    threads = 4
    with ThreadPoolExecutor(threads) as pool:
        warm = list(pool.map(send, (range(i, 100, threads) for i in range(threads))))
        before = server.memory
        statuses = list(pool.map(send, (range(i, COUNT, threads) for i in range(threads))))
    counted = np.unique(np.concatenate(warm + statuses), return_counts=True)
    print(dict(zip(*map(np.ndarray.tolist, counted), strict=True)))
    print(f"memory {before:.0f} MB before, {server.memory:.0f} MB after {COUNT} uploads")
    assert set(counted[0].tolist()) <= ANSWERS
    assert {200, 422} <= set(counted[0].tolist())
    assert server.memory < before + 20
    assert server.process.poll() is None
