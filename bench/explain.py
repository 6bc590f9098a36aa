"""How PostgreSQL answers every query of the pages and calls people use, at a million pumps or as many as asked for."""

import sys

from bench import _explain
from bench._fleet import insist_on_an_empty_database
from bench._growing import grow
from bench.fleet import ORIGINALS, SIZES, believe_the_catalogue, load


def main(pumps: int) -> int:
    insist_on_an_empty_database()
    load(min(ORIGINALS, pumps))
    grow(pumps)
    believe_the_catalogue()
    return int(_explain.report())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else SIZES[-1]))
