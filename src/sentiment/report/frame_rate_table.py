"""The report's Table 9: how fast devices look at what their cameras see."""

import pandas as pd

from sentiment.base.project import Folders
from sentiment.report.table import COUNT, ONE_DIGIT, Table
from sentiment.runs import frame_rate
from sentiment.runs.collect import noting
from sentiment.runs.frame_rate import FrameRate

FORMATS = {
    "results/s": ONE_DIGIT,
    "median ms": ONE_DIGIT,
    "p95 ms": ONE_DIGIT,
    "inference ms": ONE_DIGIT,
    "first result ms": COUNT,
    "camera frames/s": ONE_DIGIT,
    "dropped %": ONE_DIGIT,
    "frames": COUNT,
    "threads": COUNT,
}

NOTES = [
    "A device looks at its camera's frames one after the other, in a browser: after some to warm "
    "up, as many as the column frames says. The median and the 95th percentile are of a frame's "
    "capture, squish, inference and drawing together, without the browser's own painting.",
    "A camera's frame is dropped if the device is busy when it comes; no device gives more results "
    "than its camera gives frames.",
]


def frame_rates(folders: Folders, dataset: str, problems: list[str]) -> Table:
    """Table 9, a row a measurement, by device and model; no rows where nothing was measured.

    Args:
        problems: a line is added for each file that cannot be read.
    """
    measured: list[FrameRate] = []
    for file in sorted(frame_rate.folder(folders, dataset).glob("*.json")):
        with noting(problems):
            measured.append(frame_rate.read(file))
    measured.sort(key=lambda m: (m.browser.user_agent, m.model.name, m.measured_at))
    title = "Table 9: frame rates by device and model"
    frame = pd.DataFrame([_row(m) for m in measured])
    return Table("table_9_frame_rates", title, frame, FORMATS, NOTES)


def _row(measured: FrameRate) -> dict[str, float | str | None]:
    browser, seconds = measured.browser, measured.seconds
    delivered, dropped = measured.delivered, measured.dropped
    return {
        "device": browser.user_agent,
        "model": f"{measured.model.name} {measured.model.version}",
        "results/s": measured.results_per_second,
        "median ms": measured.whole.median,
        "p95 ms": measured.whole.p95,
        "inference ms": measured.inference.median,
        "first result ms": measured.first_result_ms,
        "camera frames/s": None if delivered is None else delivered / seconds,
        "dropped %": 100 * dropped / delivered if delivered and dropped is not None else None,
        "frames": measured.frames,
        "picture": measured.picture,
        "backend": browser.backend,
        "threads": browser.threads,
        "isolated": "yes" if browser.isolated else "no",
        "measured": measured.measured_at,
    }
