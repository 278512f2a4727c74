"""By hand: `python -m tests.fuzz --seconds 600`; `--seed 1 --only 17` reads one of its workbooks again."""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from pathlib import Path

from tests.fuzz.campaign import Campaign


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (default %(default)s)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="default: another one every time")
    parser.add_argument("--only", type=int, help="the number of one workbook, to read it once more")
    parser.add_argument("--keep", type=Path, default=Path(".local/fuzz"), help="default %(default)s")
    options = parser.parse_args()
    campaign = Campaign(options.keep, options.seed)
    if options.only is None:
        found = campaign.run(itertools.count(), time.monotonic() + options.seconds)
    else:
        found = campaign.run(range(options.only, options.only + 1))
    for finding in found:
        sys.stdout.write(f"{finding}\n")
    outcomes = ", ".join(f"{count:,} {name}" for name, count in sorted(campaign.outcomes.items()))
    sys.stdout.write(
        f"seed {options.seed}: {outcomes}; at most {campaign.megabytes} MB and {campaign.seconds:.2f} s\n"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
