"""The page docs/validation.md, from results."""

from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean

from bench._judged import CATALOGUE_NOISE_ML, Judged, Result
from bench._scenarios import HEALTHY, JUMPS
from bench._scores import BEHIND, Score, score, score_at, score_jumps, score_of_model
from bench._simulated_fleet import JUMP_KINDS, KINDS
from bench._weak_points import weak_points
from interop.simulation import MODELS

PAGE = """\
# How well the forecast does

Written by `bin/bench calibration`, which simulates the fleets, scores the forecast and checks the bars below; the same
program gives the same figures. The truth is simulated: this says whether the arithmetic does what it promises on pumps
that behave as described here, not that pumps do.

{bars}

## What is simulated

{fleets} fleets of {pumps:,} pumps a scenario: SynchroMed II 20 mL (30 %) and 40 mL (45 %), Prometra II 20 mL (15 %),
and the constant-flow Codman 3000 and IsoMed (10 %). Each pump has a true flow ratio, drawn from N(1.00, 0.05)
(SynchroMed), N(0.97, 0.06) (Prometra) or N(1.00, 0.10) (constant flow). It is implanted and filled, titrated in steps
of 10 to 25 %, and changed a little at some refills; doses are constant over the day. It is refilled 3 to 10 days before
the *programmed* low date and at most 170 days after the last refill, 2 to 14 times. What is aspirated is what is truly
left, plus noise (0.5 mL), to 0.1 mL, and exactly 0 from a dry pump.

{scenarios}

Jumps are over-infusion (1.2 to 1.4 times from a moment on), stall or occlusion (0 to 0.5 times from a moment on), and a
pocket fill (of one fill nothing, or 10 to 60 %, enters the reservoir), a third each. Each has a measured interval
before it and three refills after it. All scenarios have the same lives, but for those with few refills, and the same
random draws.

The simulator (`bench/_simulated_lives.py`, `bench/_simulated_fleet.py`) has its own arithmetic and shares no code with
the kernel it judges.

## How it is scored

The forecast gets what a clinic records, and the catalogue's figures. Priors and noise are learned from the whole fleet
first, as they are every night; then each pump is forecast at every fill from the ledger cut off there. The truth is
when the volume really reaches the low level if nothing changes any more. Scores are of the last fill of pumps that do
not jump, where nothing else is said.

The *limit* is what a learner reaches who knows the true prior, noise, drift and residue, and reads the same syringes
(exact Bayes; without dry pumps it is the formula of [forecast.md](forecast.md)). It knows of no jumps and no wrong
readings.

## Dates

{dates}

Errors are root mean squares, in days. Bias is expected less true date: a negative one is early. *Low before earliest*
is meant to be 1 %. A false finding says that a pump's flow has changed (`calibrated_deviation`) when it has not,
counted once.

![Error of the low date by the refills behind it](validation/error.svg)

![Pumps low before bounds meant for 0.5 to 50 %](validation/bound.svg)

Healthy pumps at every fill, by the refills behind it:

{behind}

And by model, at the last fill:

{models}

## Changes of flow

Every third pump jumps. *Flagged* is the finding `calibrated_deviation` at one of the refills until then; in brackets
that or `aspirated_zero`, which asks about withdrawal but does not say that the flow has changed. *Low before earliest*
is of the forecast made at that refill, at the new flow; a pump that has jumped and not yet been refilled cannot be
known.

{jumps}

![Share of jumps flagged by each refill after them](validation/delay.svg)

![A pump's estimated flow ratio through a jump](validation/jumped.svg)

## What is learned of the fleet

{learned}

By model: true mean and standard deviation of the ratio, then as learned. The catalogue's noise is {catalogue_noise:g}
mL. The learned spread and noise are handed on a little above the most likely, on purpose (`clinical/learning.py`).

## Weak points

{weak}
"""


def page(results: dict[str, Result], bars: Sequence[str], *, pumps: int, fleets: int) -> str:
    healthy = results[HEALTHY.name].judged
    return PAGE.format(
        bars="\n".join(f"- {bar}" for bar in bars),
        fleets=fleets,
        pumps=pumps,
        scenarios=_scenarios(results),
        dates=_dates(results),
        behind=_behind(healthy),
        models=_models(healthy),
        jumps=_jumps(results[JUMPS.name].judged),
        learned=_learned(results),
        catalogue_noise=CATALOGUE_NOISE_ML,
        weak="\n".join(f"- {sentence}" for sentence in weak_points(results)),
    )


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """In Markdown, the first column to the left, the others to the right."""
    lines = [" | ".join(columns), "|".join(["---", *["--:"] * (len(columns) - 1)]), *map(" | ".join, rows)]
    return "\n".join(f"|{line}|" if line.startswith("---") else f"| {line} |" for line in lines)


def _scenarios(results: dict[str, Result]) -> str:
    lines = ["| scenario | what differs from healthy |", "|---|---|"]
    lines += [f"| {name} | {result.scenario.about} |" for name, result in results.items()]
    return "\n".join(lines)


def _dates(results: dict[str, Result]) -> str:
    columns = (
        "scenario",
        "error of programmed date",
        "of expected date",
        "ratio",
        "limit",
        "bias, days",
        "low before earliest, %",
        "limit",
        "earliest early by, days",
        "limit",
        "false findings per 1,000 refills",
    )
    return _table(columns, [(name, *_date_cells(score(result.judged))) for name, result in results.items()])


def _date_cells(found: Score) -> tuple[str, ...]:
    return (
        f"{found.programmed_rmse:.2f}",
        f"{found.rmse:.2f}",
        f"{found.ratio:.3f}",
        f"{found.best_ratio:.3f}",
        f"{found.bias:+.2f}",
        f"{100 * found.low_before:.2f}",
        f"{100 * found.best_low_before:.2f}",
        f"{found.early:.2f}",
        f"{found.best_early:.2f}",
        f"{found.false_findings:.2f}",
    )


SHORT = ("error of programmed date", "ratio", "limit", "low before earliest, %", "limit")


def _short_cells(found: Score) -> tuple[str, ...]:
    return (
        f"{found.pumps:,}",
        f"{found.programmed_rmse:.2f}",
        f"{found.ratio:.3f}",
        f"{found.best_ratio:.3f}",
        f"{100 * found.low_before:.2f}",
        f"{100 * found.best_low_before:.2f}",
    )


def _behind(healthy: Judged) -> str:
    rows = []
    for first, last in BEHIND:
        found = score_at(healthy, (first, last))
        if found is not None:
            rows.append((str(first) if first == last else f"{first} to {last}", *_short_cells(found)))
    return _table(("refills behind", "forecasts", *SHORT), rows)


def _models(healthy: Judged) -> str:
    rows = [(model.name, *_short_cells(score_of_model(healthy, place))) for place, model in enumerate(MODELS)]
    return _table(("model", "pumps", *SHORT), rows)


def _jumps(found: Judged) -> str:
    columns = ("jump", "cases", "flagged by the 1st refill, %", "by the 2nd", "by the 3rd")
    low = ("low before earliest at the 1st, %", "at the 2nd", "at the 3rd")
    rows = []
    for kinds in (*((kind,) for kind in JUMP_KINDS), JUMP_KINDS):
        each = score_jumps(found, kinds)
        flagged = zip(each.flagged, each.with_dry, strict=True)
        cells = [f"{100 * share:.1f} ({100 * dry:.1f})" for share, dry in flagged]
        cells += [f"{100 * share:.1f}" for share in each.low_before]
        rows.append((KINDS[kinds[0]] if len(kinds) == 1 else "all", str(each.cases), *cells))
    return _table((*columns, *low), rows)


def _learned(results: dict[str, Result]) -> str:
    columns = ("scenario", "noise, mL: true", "learned", "drift a year", "first interval, mL")
    return _table((*columns, *(model.name for model in MODELS)), map(_learned_row, results.values()))


def _learned_row(result: Result) -> tuple[str, ...]:
    scenario = result.scenario
    anyone = [next(iter(priors.values())) for priors in result.priors]
    return (
        scenario.name,
        f"{scenario.noise_ml:.2f}",
        f"{fmean(prior.noise_ml for prior in anyone):.2f}",
        f"{fmean(prior.drift for prior in anyone):.3f}",
        f"{fmean(prior.first_ml for prior in anyone):.2f}",
        *_learned_ratios(result),
    )


def _learned_ratios(result: Result) -> Iterator[str]:
    for model in MODELS:
        known = [priors[model.name] for priors in result.priors if model.name in priors]
        true_mean = model.ratio_mean + result.scenario.off.get(model.name, 0.0)
        mean, sd = fmean(prior.mean for prior in known), fmean(prior.sd for prior in known)
        yield f"{true_mean:.2f}, {model.ratio_sd:.2f}: {mean:.3f}, {sd:.3f}"
