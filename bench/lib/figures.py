"""CPU time and memory of processes, and how figures are summed up and shown."""

import os
import statistics

TICK = os.sysconf("SC_CLK_TCK")


def _stat(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rsplit(")", 1)[1].split()


def cpu(pid):
    """Seconds of CPU of one process, user and system, without its children."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICK


def children(pid):
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError):
        return []
    out = []
    for task in tasks:
        try:
            with open(f"/proc/{pid}/task/{task}/children") as f:
                out += [int(p) for p in f.read().split()]
        except (FileNotFoundError, ProcessLookupError):
            pass
    return out


def tree_cpu(pid):
    """Seconds of CPU of a process and of all below it, those that have ended too."""
    try:
        fields = _stat(pid)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    own = sum(int(f) for f in fields[11:15]) / TICK
    return own + sum(tree_cpu(c) for c in children(pid))


def pss(pid):
    """Bytes of a process: its own pages, and its share of the shared ones. Without its children."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:")) * 1024


def tree_pss(pid):
    try:
        own = pss(pid)
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return own + sum(tree_pss(c) for c in children(pid))


def summary(values):
    values = list(values)
    return {"median": statistics.median(values), "low": min(values), "high": max(values), "rounds": values}


def ratio(numerators, denominators):
    """Round by round, because both sides of a round met the same machine."""
    return summary(a / b for a, b in zip(numerators, denominators, strict=True))


def shown(s, digits=2):
    return f"{s['median']:.{digits}f} ({s['low']:.{digits}f}–{s['high']:.{digits}f})"


def table(header, rows):
    rows = [[str(c) for c in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    for n, row in enumerate(rows):
        print("   " + "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))), flush=True)
        if n == 0:
            print("   " + "  ".join("-" * w for w in widths))
