#!/usr/bin/env python3
"""Shoppers at work for hours while random faults strike; then what they were told is held against the platform, and `verify`
against its stores. Samples memory, descriptors, threads, latency and event lag meanwhile, and says whether they drift.

It starts a platform, a PostgreSQL server and a payment provider of its own in a folder of its own, which is removed at the end.
Ctrl-C ends it early: it recovers, checks and reports all the same.

Exit code 0: nothing was lost, every invariant holds, nothing grew beyond its bound; 1: not so; 2: wrong use.
"""

import argparse
import json
import pathlib
import random
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent


def duration(text):
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if not found:
        raise argparse.ArgumentTypeError(f'must be a time such as 90s, 10m or 1h; "{text}" is none')
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def main():
    parser = argparse.ArgumentParser(prog="bv soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--for", dest="seconds", type=duration, default="1h", help="how long faults strike (default 1h)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 1_000_000), help="of the faults and of what shoppers do (default: drawn, and printed)")
    parser.add_argument("--rate", type=float, default=20.0, help="orders a second, about (default 20)")
    parser.add_argument("--shoppers", type=int, default=4, help="shoppers at once (default 4)")
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parents[1] / "build/soak", help="folder for soak.json and soak.svg (default build/soak)")
    arguments = parser.parse_args()
    import soak_run  # after the command line: it needs the test tools, and --help does not
    arguments.out.mkdir(parents=True, exist_ok=True)
    print(f"soak for {arguments.seconds:.0f} s, seed {arguments.seed}", flush=True)
    found = soak_run.soak(arguments, lambda line: print(line, flush=True))
    failures = soak_run.judged(found)
    soak_run.show(found, failures)
    subtitle = f"{found['orders']} orders, {len(found['faults'])} faults, seed {found['seed']}: " + ("nothing lost, every invariant holds" if not failures else f"{len(failures)} failures")
    (arguments.out / "soak.svg").write_text(soak_run.picture(found["samples"], found["faults"], f"Soak of {found['seconds']:.0f} s under random faults", subtitle))
    (arguments.out / "soak.json").write_text(json.dumps({**found, "failures": failures}, indent=1) + "\n")
    print(f"picture and samples: {arguments.out}/soak.svg, soak.json")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
