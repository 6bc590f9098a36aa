"""The fleets the forecast is held against. A share of the pumps jumps where the name says so."""

from bench._simulated_fleet import Scenario
from interop.simulation import MODELS, PROMETRA_20

# True means of 1.06 (Prometra 0.93) where the catalogue says 1.00 (0.97).
OFF = {model.name: -0.04 if model == PROMETRA_20 else 0.06 for model in MODELS}

HEALTHY = Scenario("healthy", "noise of 0.5 mL in what is aspirated")
NOISY = Scenario("noise 1.0 mL", "twice the noise", noise_ml=1.0)
RESIDUE = Scenario("incomplete aspiration", "each emptying leaves 0.3 mL behind", residue_ml=0.3)
DRIFT = Scenario("slow drift", "each refill moves a pump's ratio by a random step of 0.01", drift=0.01)
FEW = Scenario("few refills", "1 to 3 refills after the first fill", refills=(1, 3))
WRONG = Scenario("wrong catalogue", "true mean ratios of 1.06 (Prometra 0.93), the catalogue says 1.00 (0.97)", off=OFF)
SMALL = Scenario("small clinics", "priors learned from 50 pumps each", learned_from=50)
MISREAD = Scenario("wrong readings", "one reading in a hundred is off by 4 mL (standard deviation)", misread=0.01)
RARE_JUMPS = Scenario("rare jumps", "one pump in a hundred jumps; the figures are of the others", jumps=0.01)
JUMPS = Scenario("many jumps", "every third pump jumps; the figures are of the others", jumps=1 / 3)
ALL = Scenario(
    "all in one",
    "noise 1.0 mL, 0.3 mL left behind, drift, wrong catalogue, one pump in a hundred jumps",
    noise_ml=1.0,
    residue_ml=0.3,
    drift=0.01,
    off=OFF,
    jumps=0.01,
)
SCENARIOS = (HEALTHY, NOISY, RESIDUE, DRIFT, FEW, WRONG, SMALL, MISREAD, RARE_JUMPS, JUMPS, ALL)
