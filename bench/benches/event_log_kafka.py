"""Events a second from outbox over Kafka to consumer, beside Kafka's own producer tool and the embedded log on the same machine."""

import json
import pathlib
import subprocess

from lib import charts, figures
from lib.environment import CannotMeasure

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = {"kafka": "outbox → Kafka → effect", "embedded": "outbox → effect, embedded log", "tool": "Kafka's producer tool alone"}


def measure(run):
    fetched = subprocess.run([ROOT / "infra/kafka/fetch"], capture_output=True, text=True)
    if fetched.returncode != 0:
        raise CannotMeasure(fetched.stderr.strip())
    r = subprocess.run([run.program("bench/bench_event_log_kafka"), str(run.folder), str(ROOT / "build/tools/kafka"), "50000", str(run.rounds(3))],
                       capture_output=True, text=True)
    if r.returncode != 0:
        raise CannotMeasure(r.stderr.strip().splitlines()[-1])
    found = json.loads(r.stdout)
    figures.table([f"{found['events']} events of 300 bytes, batches of {found['batch']}, {found['partitions']} partitions", "events/s"],
                  [[text, figures.shown(figures.summary(found[name]), 0)] for name, text in NAMES.items()])
    to_embedded = figures.ratio(found["kafka"], found["embedded"])
    to_tool = figures.ratio(found["kafka"], found["tool"])
    print(f"   over Kafka to embedded: {figures.shown(to_embedded)}, to the tool: {figures.shown(to_tool)}")
    return {"events_per_second": {n: figures.summary(found[n]) for n in NAMES}, "kafka_to_embedded": to_embedded, "kafka_to_tool": to_tool}


def picture(found):
    return charts.bars("Events a second from their commit to the last effect", "the embedded log is 1; 50 000 events of 300 bytes",
                       [("over Kafka", found["kafka_to_embedded"])], " ×", reference=1.0)
