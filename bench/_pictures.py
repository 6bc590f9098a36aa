"""The validation's pictures: SVG that is the same bytes for the same figures."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from matplotlib.typing import RcKeyType

from bench._judged import Judged, Result
from bench._scenarios import ALL, DRIFT, FEW, HEALTHY, JUMPS, NOISY, RESIDUE
from bench._scores import NOMINAL, JumpScore, coverage, score_at, score_jumps
from bench._simulated_fleet import AFTER_JUMP, JUMP_KINDS, KINDS, OVER_INFUSION
from interop.simulation import MODELS, SYNCHROMED_40

STYLE: dict[RcKeyType, object] = {
    "svg.hashsalt": "brim",
    "svg.fonttype": "path",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.labelcolor": "#222222",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
}
BLUE, GREY, DARK, PALE, ORANGE = "#2f6690", "#9a9a9a", "#333333", "#a9c6da", "#c8702a"
LINES = ("#2f6690", "#5b9f8b", "#8c6bb1", "#c8702a", "#9a9a9a", "#7a1f1f")
MARKS = ("o", "s", "^", "D", "v", "P")


def draw(folder: Path, results: dict[str, Result]) -> None:
    """Every picture the page shows, into a folder that is there."""
    healthy, jumps = results[HEALTHY.name].judged, results[JUMPS.name].judged
    shown = (HEALTHY, NOISY, FEW, DRIFT, RESIDUE, ALL)
    with mpl.rc_context(STYLE):
        _error(folder / "error.svg", healthy)
        _bound(folder / "bound.svg", [(each.name, results[each.name].judged) for each in shown])
        _jumped(folder / "jumped.svg", jumps)
        _delay(folder / "delay.svg", [(KINDS[kind], score_jumps(jumps, (kind,))) for kind in JUMP_KINDS])


def _error(file: Path, healthy: Judged) -> None:
    """Error of the low date by the refills behind it."""
    behind = range(healthy.is_there.shape[1])
    scores = [score for number in behind if (score := score_at(healthy, (number, number)))]
    figure, axes = _axes()
    axes.plot([each.programmed_rmse for each in scores], color=GREY, marker="s", label="low, as programmed")
    axes.plot([each.rmse for each in scores], color=BLUE, marker="o", label="low, expected (Brim)")
    axes.plot([each.best_rmse for each in scores], color=DARK, linestyle="--", label="information limit")
    axes.set_yscale("log")
    _ticks(axes, "y", (0.5, 1, 2, 5, 10), "g")
    axes.set_ylim(0.4, 12)
    axes.set_xticks(list(behind))
    axes.set_xlabel("refills behind the forecast")
    axes.set_ylabel("error of the low date (RMSE), days")
    axes.legend(loc="lower left")
    _save(figure, file)


def _bound(file: Path, fleets: Sequence[tuple[str, Judged]]) -> None:
    """Shares of pumps low before the bound meant for each share."""
    figure, axes = _axes(4.6)
    meant = np.array(NOMINAL) * 100
    axes.plot(meant, meant, color=DARK, linestyle="--", label="as meant")
    for (name, found), colour, mark in zip(fleets, LINES, MARKS, strict=False):
        seen = np.array(coverage(found)) * 100
        # None at all has no place on a logarithmic axis.
        axes.plot(meant, np.where(seen > 0, seen, np.nan), color=colour, marker=mark, label=name)
    axes.axvline(1, color=GREY, linewidth=1)
    axes.text(1.04, 60, "earliest date", color="#555555", va="center", fontsize=9)
    axes.set_xscale("log")
    axes.set_yscale("log")
    _ticks(axes, "x", tuple(meant), "g")
    _ticks(axes, "y", (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50), "g")
    axes.set_ylim(0.018, 80)
    axes.set_xlabel("pumps meant to be low before the bound, %")
    axes.set_ylabel("pumps truly low before it, %")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    _save(figure, file)


def _jumped(file: Path, found: Judged) -> None:
    """One pump's ratio over its refills: truth, estimate, range, and when the finding was there."""
    pump = _example(found)
    fills = np.arange(found.refills[pump] + 1)
    figure, axes = _axes()
    axes.fill_between(
        fills, found.ratio_low[pump, fills], found.ratio_high[pump, fills], color=PALE, alpha=0.6, linewidth=0,
        label="98 % range",
    )  # fmt: skip
    axes.plot(fills, found.ratio[pump, fills], color=BLUE, marker="o", label="estimate")
    jump, truth = found.jump[pump], found.true_ratio[pump]
    axes.plot([0, jump], [truth[jump]] * 2, color=DARK, label="truth")
    axes.plot([jump, jump + 1], truth[[jump, jump + 1]], color=DARK, linestyle=":")
    axes.plot([jump + 1, fills[-1]], [truth[jump + 1]] * 2, color=DARK)
    flagged = fills[found.deviates[pump, fills]]
    axes.plot(
        flagged, found.ratio[pump, flagged], color=ORANGE, marker="o", markersize=11, fillstyle="none",
        linestyle="none", markeredgewidth=2, label="finding: flow has changed",
    )  # fmt: skip
    axes.axvspan(jump, jump + 1, color="#f3f0ea", linewidth=0, zorder=0)
    axes.text(jump + 0.5, axes.get_ylim()[0], "jump in here", ha="center", va="bottom", fontsize=9, color=DARK)
    axes.set_xticks(fills)
    axes.set_xlabel("refills recorded")
    axes.set_ylabel("flow ratio, delivered / programmed")
    axes.legend(loc="upper left")
    _save(figure, file)


def _example(found: Judged) -> int:
    """The first SynchroMed II 40 mL that over-infuses late enough to be well known, and whose new flow is measured.

    Without such a one, any that over-infuses.
    """
    is_over = found.kind == OVER_INFUSION
    fits = is_over & (found.model == MODELS.index(SYNCHROMED_40))
    fits &= (found.jump >= 5) & (found.refills >= found.jump + 5)
    row = np.arange(len(found.jump))
    fits &= ~found.is_dry[row, found.jump + 1] & ~found.is_dry[row, np.minimum(found.jump + 2, found.refills)]
    return int(np.argmax(2 * fits + is_over))


def _delay(file: Path, kinds: Sequence[tuple[str, JumpScore]]) -> None:
    """Shares of jumps flagged by each refill after them."""
    figure, axes = _axes()
    shades = ("#8fb4cd", "#5a8db0", "#2f6690")
    for number in range(AFTER_JUMP):
        at = np.arange(len(kinds)) + (number - 1) * 0.31
        flagged = [100 * score.flagged[number] for _, score in kinds]
        either = [100 * score.with_dry[number] for _, score in kinds]
        axes.bar(at, either, 0.27, fill=False, edgecolor="#555555", hatch="////", linewidth=0.6, zorder=1)
        axes.bar(at, flagged, 0.27, color=shades[number], zorder=2)
        for place, share, top in zip(at, flagged, either, strict=True):
            told = f"{share:.0f}" if round(share) == round(top) else f"{share:.0f} ({top:.0f})"
            axes.text(place, top + 1, told, ha="center", va="bottom", fontsize=9)
    ordinals = ("first", "second", "third")
    handles = [Patch(color=shades[n], label=f"by the {ordinals[n]} refill") for n in range(AFTER_JUMP)]
    handles.append(Patch(fill=False, edgecolor="#555555", hatch="////", label="or aspirated 0 (finding)"))
    axes.set_xticks(np.arange(len(kinds)), [name for name, _ in kinds])
    axes.grid(visible=False, axis="x")
    axes.set_ylim(0, 109)
    axes.set_ylabel("jumps flagged as a change of flow, %")
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=4, fontsize=9, handlelength=1.4)
    _save(figure, file)


def _axes(height: float = 3.9) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.2, height), layout="constrained")
    return figure, figure.add_subplot()


def _ticks(axes: Axes, which: str, values: Sequence[float], form: str) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(list(values)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:{form}}"))


def _save(figure: Figure, file: Path) -> None:
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    # What is checked in ends its lines without spaces.
    file.write_text("\n".join(line.rstrip() for line in file.read_text().splitlines()) + "\n")
