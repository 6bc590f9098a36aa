"""What the validation shows to be worse than it should be, with its figures, as sentences."""

from collections.abc import Iterator

from bench._judged import Result
from bench._scenarios import ALL, HEALTHY, JUMPS, MISREAD
from bench._scores import JumpScore, Score, score, score_jumps
from bench._simulated_fleet import JUMP_KINDS, OVER_INFUSION, POCKET_FILL

# What counts as a weakness: a bound that misses so many pumps, an error so many times the limit's.
MOST_LOW_BEFORE, MOST_TIMES_LIMIT = 0.013, 1.1
ALWAYS = (
    "The simulated clinics refill by the programmed date, so pumps that run fast run dry here more often than in a "
    "clinic that works to Brim's own dates.",
    "Not simulated: doses shaped over the day, stops, boluses, accesses and concentration changes after the second "
    "fill (tests hold those to sums done by hand), and wrong entries of a dose or a date.",
)


def weak_points(results: dict[str, Result]) -> list[str]:
    """Those that no longer hold are left out."""
    scores = {name: score(result.judged) for name, result in results.items()}
    found = [_too_narrow(name, each) for name, each in scores.items()]
    found += [_far_from_limit(name, each) for name, each in scores.items() if name != MISREAD.name]
    found += _of_jumps(results)
    found.append(_false_findings(scores))
    return [sentence for sentence in (*found, *ALWAYS) if sentence]


def _too_narrow(name: str, found: Score) -> str:
    if found.low_before <= MOST_LOW_BEFORE:
        return ""
    return (
        f"*{name}*: {100 * found.low_before:.1f} % of pumps are low before the earliest date, where 1 % is meant "
        f"({100 * found.best_low_before:.1f} % at the limit): the range is too narrow."
    )


def _far_from_limit(name: str, found: Score) -> str:
    if found.ratio <= MOST_TIMES_LIMIT * found.best_ratio:
        return ""
    side = "early, the safe side" if found.bias < 0 else "late"
    return (
        f"*{name}*: the expected date's error is {found.ratio:.2f} of the programmed one's, where "
        f"{found.best_ratio:.2f} is possible; on average it is {abs(found.bias):.1f} days {side}."
    )


def _of_jumps(results: dict[str, Result]) -> Iterator[str]:
    jumps = results[JUMPS.name].judged
    yield from _of_over_infusion(score_jumps(jumps, (OVER_INFUSION,)))
    pocket = score_jumps(jumps, (POCKET_FILL,))
    if pocket.flagged[-1] < 0.99:
        yield (
            f"Pocket fill: {100 * (1 - pocket.flagged[-1]):.1f} % are never flagged as a change of flow, only as "
            "aspirated 0, because the pump would nearly have been empty anyway."
        )
    everything = score_jumps(results[ALL.name].judged, JUMP_KINDS)
    if everything.flagged[1] < 0.95:
        yield (
            f"*{ALL.name}*: of its {everything.cases} jumps {100 * everything.flagged[1]:.0f} % are flagged as a "
            f"change of flow by the second refill ({100 * everything.with_dry[1]:.0f} % with aspirated 0)."
        )


def _of_over_infusion(over: JumpScore) -> Iterator[str]:
    if over.flagged[0] < 0.95:
        yield (
            f"Over-infusion: {100 * (1 - over.flagged[0]):.0f} % are not flagged at the first refill after it, "
            f"{100 * (1 - over.flagged[1]):.1f} % not by the second. A jump late in an interval hardly shows at its "
            "end."
        )
    if over.low_before[-1] > MOST_LOW_BEFORE:
        yield (
            f"Over-infusion: at the third refill after it {100 * over.low_before[-1]:.1f} % are still low before the "
            "earliest date. Most came up dry: a dry interval is only a lower bound on what was delivered."
        )


def _false_findings(scores: dict[str, Score]) -> str:
    misread, healthy = scores[MISREAD.name].false_findings, scores[HEALTHY.name].false_findings
    if misread <= 2 * healthy:
        return ""
    return (
        f"*{MISREAD.name}*: {misread:.1f} findings per 1,000 refills, where {healthy:.1f} are without; ten of the "
        "readings are wrong."
    )
