"""What the battery of confounders says of synthetic tasks whose label goes with a site, and how often its tests err.

Prints a row for each Cramér's V of label and site, with and without biology: how often each verdict is given. Then how
often tests of what the embedding adds to the site find something at 5 % where there is nothing: P by exchange with the
probe refitted, which the battery gives, and those it doesn't: exchange with the scores as they are, the likelihood
ratio, and DeLong's test; and how often measurements of quality that have nothing to do with a label pass the rules for
a column that could explain its score. Last, time and memory of a battery of 1,000 cases x 1,024 numbers x 10 columns.
"""

import resource
import sys
import time

from planted_confounders import NULLS, PLANTED, battery_of, false_alarms, technical_false_alarms, verdicts


def main(draws: int = 200) -> None:
    """All designs."""
    for v in PLANTED:
        for signal in (0.0, 2.0):
            show(f"V {v}, signal {signal:g}", verdicts(draws, v, signal))
    for v in NULLS:
        show(f"nothing but the site, V {v}", {name: f"{share:.1%}" for name, share in false_alarms(draws, v).items()})
    alarms = technical_false_alarms(5 * draws)
    show("measurements of quality that say nothing", {name: f"{share:.2%}" for name, share in alarms.items()})
    start = time.perf_counter()
    battery_of(cases=1000, width=1024, columns=10)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    show("1,000 cases x 1,024 numbers x 10 columns", {"s": f"{time.perf_counter() - start:.0f}", "GiB": f"{peak:.1f}"})


def show(design: str, measured: dict) -> None:
    """A row of names and values."""
    print(design, *(f"{name} {value}" for name, value in measured.items()), sep="\t", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
