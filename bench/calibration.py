"""How well the depletion forecast does on simulated fleets whose truth is known; writes docs/validation.md.

`bin/bench calibration` scores three fleets of 1,500 pumps in each scenario, checks the bars and writes the page and its
pictures. `bin/bench calibration PUMPS FLEETS` scores so many, and writes nothing.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench._fleet import say
from bench._judged import Judged, Result, joined, judge
from bench._pictures import draw
from bench._scenarios import HEALTHY, JUMPS, SCENARIOS
from bench._scores import score, score_jumps
from bench._simulated_fleet import JUMP_KINDS, Scenario, simulate
from bench._validation import page
from clinical.ledger import Prior
from interop.simulation import MODELS

PUMPS, FLEETS, FIRST_SEED = 1500, 3, 1
DOCS = Path(__file__).resolve().parent.parent / "docs"

Part = tuple[Judged, list[dict[str, Prior]]]


@dataclass(frozen=True)
class Bar:
    """What the forecast has to keep to: `value` may be `most` at most, or `least` at least."""

    what: str
    value: float
    most: float | None = None
    least: float | None = None

    @property
    def is_met(self) -> bool:
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    def told(self) -> str:
        wanted = f"at most {self.most:g}" if self.most is not None else f"at least {self.least:g}"
        return f"{'pass' if self.is_met else 'FAIL'}  {self.what}: {self.value:.3g} ({wanted})"


def main(arguments: Sequence[str]) -> int:
    pumps, fleets = (int(arguments[0]), int(arguments[1])) if arguments else (PUMPS, FLEETS)
    with ProcessPoolExecutor() as processes:
        results = run(SCENARIOS, processes.map, pumps=pumps, fleets=fleets)
    met = bars(results)
    text = page(results, [bar.told() for bar in met], pumps=pumps, fleets=fleets) + the_night()
    say(text)
    if not arguments:
        (DOCS / "validation").mkdir(exist_ok=True)
        (DOCS / "validation.md").write_text(text)
        draw(DOCS / "validation", results)
        say(f"Written: {DOCS / 'validation.md'}")
    for bar in met:
        say(bar.told())
    return int(not all(bar.is_met for bar in met))


def the_night() -> str:
    """What `bin/bench fleet` has last written of the nightly run; nothing before that."""
    written = DOCS / "validation" / "fleet.md"
    return f"\n{written.read_text()}" if written.exists() else ""


def run(
    scenarios: Sequence[Scenario], apply: Callable[..., Iterable[Part]], *, pumps: int, fleets: int
) -> dict[str, Result]:
    """Every scenario's fleets, judged, by the scenario's name; `apply` is `map`, or one that shares out the work."""
    tasks = [(scenario, seed, pumps) for scenario in scenarios for seed in range(FIRST_SEED, FIRST_SEED + fleets)]
    done = list(apply(_judged, *zip(*tasks, strict=True)))
    results = {}
    for place, scenario in enumerate(scenarios):
        parts = done[place * fleets : (place + 1) * fleets]
        priors = [prior for _, learned in parts for prior in learned]
        results[scenario.name] = Result(scenario, joined([found for found, _ in parts]), priors)
    return results


def _judged(scenario: Scenario, seed: int, pumps: int) -> Part:
    return judge(simulate(scenario, seed=seed, pumps=pumps), MODELS)


def bars(results: dict[str, Result]) -> list[Bar]:
    healthy = score(results[HEALTHY.name].judged)
    jumps = score_jumps(results[JUMPS.name].judged, JUMP_KINDS)
    return [
        Bar("healthy: error of the low date / of the programmed one", healthy.ratio, most=0.22),
        Bar("healthy: pumps low before the earliest date, %", 100 * healthy.low_before, most=1.3),
        Bar("healthy: days the earliest date is early, mean", healthy.early, most=3.1),
        Bar("many jumps: flagged as a change of flow by the second refill, %", 100 * jumps.flagged[1], least=95),
        Bar("healthy: false findings per 1,000 refills", healthy.false_findings, most=5),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
