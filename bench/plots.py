"""Plots as data, so that a suite's JSON holds them, and as SVG, so that a page can.

Drawing needs matplotlib, which only the development environment has; everything else here does
not.
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

# colours that stay apart for colour-blind readers (Okabe and Ito)
COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555", "#000000",
)  # fmt: skip
KINDS = ("lines", "log-log", "log-x", "log-y", "bars", "log-bars", "steps")


@dataclass(frozen=True, slots=True)
class Series:
    """One line, or one group of bars, of a plot.

    Parameters
    ----------
    label : str
    x : tuple of float or str
        Names of the bars, where the plot has bars.
    y : tuple of float
    low, high : tuple of float
        The spread around ``y``, if it was measured.
    """

    label: str
    x: tuple[float | str, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Plot:
    """What a suite wants drawn.

    Parameters
    ----------
    name : str
        Short, for file names.
    title, x_label, y_label : str
    kind : str
        One of ``KINDS``.
    series : tuple of Series
    marks : tuple of float
        Values worth a dashed line: a goal, or equality.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    kind: str
    series: tuple[Series, ...]
    marks: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the plot as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, shape: Mapping[str, Any]) -> Self:
        """Return the plot that :meth:`to_json` described."""
        series = tuple(
            Series(s["label"], *(tuple(s[key]) for key in ("x", "y", "low", "high")))
            for s in shape["series"]
        )
        return cls(**{**shape, "series": series, "marks": tuple(shape["marks"])})


def draw(plot: Plot, kind: str = "svg") -> bytes:
    """Return the plot as a picture, the same for the same data.

    Parameters
    ----------
    plot : Plot
    kind : str
        ``svg`` for pages, or what else matplotlib writes.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure as Canvas

    style: Any = {
        "svg.hashsalt": plot.name, "svg.fonttype": "none", "font.size": 9,
        "font.family": "sans-serif", "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": True, "grid.color": "#dddddd", "axes.axisbelow": True,
    }  # fmt: skip
    with mpl.rc_context(style):
        bars = plot.kind.endswith("bars")
        names = list(dict.fromkeys(str(x) for series in plot.series for x in series.x))
        rows = len(names) * max(1, len(plot.series)) if bars else 0
        canvas = Canvas(figsize=(7.2, max(2.2, 0.9 + 0.21 * rows) if bars else 3.8))
        canvas.set_layout_engine("constrained")
        axes = canvas.add_subplot()
        (_bars if bars else _lines)(axes, plot, names)
        axes.set_title(plot.title, loc="left", fontsize=10, fontweight="bold")
        axes.set_xlabel(plot.x_label)
        if not bars:
            axes.set_ylabel(plot.y_label)
        if len(plot.series) > 1:
            canvas.legend(
                loc="outside lower center", ncols=min(4, len(plot.series)), frameon=False,
                fontsize=8,
            )  # fmt: skip
        buffer = io.BytesIO()
        options: Any = {"metadata": {"Date": None, "Creator": None}} if kind == "svg" else {}
        canvas.savefig(buffer, format=kind, dpi=110, **options)
    return buffer.getvalue()


@functools.cache
def svg(plot: Plot) -> str:
    """Return the plot as an SVG element to put into a page."""
    text = draw(plot).decode()
    return re.sub(r"[ \t]+$", "", text[text.index("<svg") :], flags=re.MULTILINE)


def _lines(axes: Any, plot: Plot, _: Sequence[str]) -> None:
    for series, colour in zip(plot.series, _colours(plot), strict=True):
        step = {"drawstyle": "steps-post"} if plot.kind == "steps" else {}
        marker = "" if len(series.x) > 40 or plot.kind == "steps" else "o"
        axes.plot(
            series.x, series.y, color=colour, label=series.label, lw=1.6, marker=marker, ms=3.5,
            **step,
        )  # fmt: skip
        if series.low:
            axes.fill_between(series.x, series.low, series.high, color=colour, alpha=0.15, lw=0)
    if plot.kind in ("log-log", "log-x"):
        axes.set_xscale("log")
    if plot.kind in ("log-log", "log-y"):
        axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        _plain_numbers(axis)
    for mark in plot.marks:
        axes.axhline(mark, color="#888888", ls="--", lw=1)


def _bars(axes: Any, plot: Plot, names: Sequence[str]) -> None:
    height = 0.8 / len(plot.series)
    for number, (series, colour) in enumerate(zip(plot.series, _colours(plot), strict=True)):
        at = [
            names.index(str(x)) + height * (number - (len(plot.series) - 1) / 2) for x in series.x
        ]
        errors = None
        if series.low:
            errors = [
                [y - low for y, low in zip(series.y, series.low, strict=True)],
                [high - y for y, high in zip(series.y, series.high, strict=True)],
            ]
        axes.barh(
            at, series.y, height * 0.92, color=colour, label=series.label, xerr=errors,
            error_kw={"ecolor": "#333333", "capsize": 2, "lw": 0.9},
        )  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    if plot.kind == "log-bars":
        axes.set_xscale("log")
        _plain_numbers(axes.xaxis)
    for mark in plot.marks:
        axes.axvline(mark, color="#888888", ls="--", lw=1)


def _plain_numbers(axis: Any) -> None:
    """Label a log axis with numbers as they are spoken, at 1, 2 and 5 of each power of ten."""
    if axis.get_scale() != "log":
        return

    def label(value: float, _: int) -> str:
        leading = f"{value:e}"[0]
        return f"{value:,.10g}" if leading in "125" else ""

    axis.set_major_formatter(label)
    low, high = axis.get_view_interval()
    axis.set_minor_formatter(label if high < 100 * low else lambda *_: "")


def _colours(plot: Plot) -> list[str]:
    return [COLOURS[number % len(COLOURS)] for number in range(len(plot.series))]
