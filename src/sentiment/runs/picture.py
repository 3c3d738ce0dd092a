"""A picture as a file and in a page. Colours are Okabe and Ito's, for colour-blind readers too."""

import base64
import io
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from sentiment.base import lettering
from sentiment.data import fonts
from sentiment.runs.accuracy import Commonest

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Colours of lines and marks, in the order in which they are taken."""

INK, PAPER = "#1a1a2e", "#fefefe"
"""Colours of text and background, which a page may change; see `Picture.svg`."""

WIDEST_NAME = 40
"""Columns up to which a class is called by its whole name."""


@dataclass(frozen=True)
class Picture:
    """A drawing and what it shows."""

    name: str
    """Name of the picture's files."""
    caption: str
    alternative: str
    """The picture in words and figures, for readers who cannot see it."""
    figure: Figure

    def save(self, folder: Path) -> None:
        """Write the picture as PNG and SVG."""
        (folder / f"{self.name}.svg").write_text(self._drawn, encoding="utf-8")
        (folder / f"{self.name}.png").write_bytes(self.png())

    def png(self) -> bytes:
        """The picture as PNG, laid out as the SVG, in letters that this machine's fonts have."""
        _ = self._drawn  # lays the figure out
        box = io.BytesIO()
        with style():
            if not _in_drawable_letters(self.figure):
                self.figure.set_layout_engine(None)  # keep the layout that was just computed
            self.figure.savefig(box, format="png", dpi=150)
        return box.getvalue()

    @cached_property
    def _drawn(self) -> str:
        """The picture as SVG in INK on PAPER."""
        box = io.StringIO()
        with style(), warnings.catch_warnings():
            # An SVG's letters are drawn by who shows it, with fonts that need not be here.
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            self.figure.savefig(box, format="svg", metadata={"Date": None})
        return box.getvalue()

    def svg(self) -> str:
        """The picture as SVG whose ink and paper follow the reader's choice of light or dark."""
        text = self._drawn.replace(INK, "var(--ink)").replace(PAPER, "var(--paper)")
        style = (
            f"<style>:root{{--ink:{INK};--paper:none}}"
            "@media screen and (prefers-color-scheme:dark){:root{--ink:#e4e6eb}}</style>"
        )
        head, body = text.split("<defs>", 1)
        return f"{head}{style}<defs>{body}"

    @property
    def width(self) -> int:
        """Width in CSS pixels."""
        return round(96 * self.figure.get_figwidth())

    @property
    def legible_width(self) -> int:
        """The least width in CSS pixels at which the smallest letters can be read."""
        return round(0.8 * self.width)

    def uri(self) -> str:
        """The SVG as a data URI."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg().encode()).decode()


@contextmanager
def style(words: Iterable[str] = ()) -> Iterator[None]:
    """Draw in the report's colours and letters during the block.

    Args:
        words: names of classes that will be drawn, in any letters.
    """
    settings = matplotlib.rc_context(
        {
            "text.color": INK,
            "axes.labelcolor": INK,
            "axes.edgecolor": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "figure.facecolor": PAPER,
            "axes.facecolor": PAPER,
            "savefig.facecolor": PAPER,
            "font.size": 10,
            "font.family": fonts.families(words),
            "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
            "axes.titlesize": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
            "text.parse_math": False,  # a name may hold dollars
            "svg.fonttype": "none",
            "svg.hashsalt": "report",
        }
    )
    with settings:
        yield


def _in_drawable_letters(figure: Figure) -> bool:
    """Put Latin letters in place of those that no installed font has, and would become boxes.

    Returns:
        Whether there were any.
    """
    texts = [text for text in figure.findobj(Text) if not fonts.are_drawable(text.get_text())]
    for axis in (axis for panel in figure.axes for axis in (panel.xaxis, panel.yaxis)):
        names = [label.get_text() for label in axis.get_ticklabels()]
        if not fonts.are_drawable("".join(names)):  # ticks take their texts anew when drawn
            axis.set_ticks(axis.get_ticklocs(), [fonts.drawable(name) for name in names])
    for text in texts:
        text.set_text(fonts.drawable(text.get_text()))
    return bool(texts)


def interval_mark(value: float, interval: tuple[float, float]) -> list[list[float]]:
    """Distances of an interval's low and high end from the value, as `Axes.errorbar` takes them.

    An end may be rounded to the wrong side of the value by a hair: its distance is 0.
    """
    low, high = interval
    return [[max(0, value - low)], [max(0, high - value)]]


def draw_commonest(draw_line: Callable[..., Line2D], commonest: Commonest) -> None:
    """Draw a dotted line at the accuracy that always naming the commonest class would reach.

    Args:
        draw_line: a panel's `axvline` where accuracy goes from left to right, else its `axhline`.
    """
    name = lettering.shortened(commonest.class_name, WIDEST_NAME)
    label = f"always saying {lettering.isolated(name)}"
    draw_line(commonest.share, color=INK, linestyle=":", linewidth=1, label=label)


def draw_ceiling(draw_line: Callable[..., Line2D], share: float, label: str) -> None:
    """Draw a dashed line at the accuracy that labels with noise allow, as `draw_commonest` does."""
    name = lettering.shortened(label, WIDEST_NAME)
    draw_line(share, color=INK, linestyle="--", linewidth=1, label=lettering.isolated(name))


def name_rows(panel: Axes, names: Sequence[str]) -> None:
    """Name the rows of a panel, the first one at the top."""
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.4, -0.6)
    panel.grid(axis="x", alpha=0.3)
