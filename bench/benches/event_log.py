"""Events a second of one subscription of the embedded log, against a bare SQL loop that does the same."""

import json
import subprocess

from lib import charts, figures
from lib.environment import CannotMeasure


def measure(run):
    folder = run.folder / "cluster"
    r = subprocess.run([run.program("bench/bench_event_log"), str(folder), "50000", str(run.rounds(5))], capture_output=True, text=True)
    if r.returncode != 0:
        raise CannotMeasure(r.stderr.strip())
    found = json.loads(r.stdout)
    times = figures.ratio(found["subscription"], found["loop"])
    figures.table([f"{found['events']} events of 300 bytes, batches of {found['batch']}", "events/s"],
                  [[name, figures.shown(figures.summary(found[name]), 0)] for name in ("subscription", "loop")])
    print(f"   subscription to loop: {figures.shown(times)}")
    return {"events_per_second": {n: figures.summary(found[n]) for n in ("subscription", "loop")}, "subscription_to_loop": times}


def picture(found):
    return charts.bars("Events a second of one subscription", "a bare SQL loop that does the same is 1; 50 000 events of 300 bytes", [("the event log", found["subscription_to_loop"])], " ×", reference=1.0)
