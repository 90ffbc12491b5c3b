"""Whether a quantity grows: its slope over time, with a confidence interval that does not take neighbouring samples for independent ones."""

import dataclasses
import math

# Two-sided 95 % quantiles of Student's t; beyond 30 the normal one.
T95 = [12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10, 2.09, 2.09, 2.08, 2.07, 2.07, 2.06, 2.06, 2.06, 2.05, 2.05, 2.05, 2.04]
BINS = 20


@dataclasses.dataclass
class Drift:
    per_hour: float
    low: float          # of the 95 % interval
    high: float
    hours: float        # what it was measured over

    def surely_grew(self):
        """By how much it grew at least, by the lower end of the interval."""
        return max(0.0, self.low * self.hours)


def drift(samples):
    """Least squares over the means of 20 stretches of [(seconds, value)]: a fault's excursion is then one point and not hundreds. None when there are too few."""
    samples = [(t, v) for t, v in samples if v is not None]
    if len(samples) < BINS:
        return None
    size = len(samples) / BINS
    parts = [samples[round(n * size):round((n + 1) * size)] for n in range(BINS)]
    points = [(sum(t for t, _ in p) / len(p) / 3600, sum(v for _, v in p) / len(p)) for p in parts if p]
    n = len(points)
    mean_t, mean_v = (sum(p[i] for p in points) / n for i in (0, 1))
    spread = sum((t - mean_t) ** 2 for t, _ in points)
    slope = sum((t - mean_t) * (v - mean_v) for t, v in points) / spread
    left = sum((v - mean_v - slope * (t - mean_t)) ** 2 for t, v in points)
    half = T95[min(n - 3, len(T95) - 1)] * math.sqrt(left / (n - 2) / spread)
    return Drift(slope, slope - half, slope + half, (samples[-1][0] - samples[0][0]) / 3600)
