"""Pictures of figures, as SVG without a library: bars with their spread, and curves in panels."""

import html
import math

STYLE = """<style>
  .bg{fill:#fff}.t{fill:#1a2233;font-size:17px;font-weight:600}.h{fill:#1a2233;font-size:13px;font-weight:600}.s{fill:#55617a;font-size:12px}.v{fill:#1a2233;font-size:12px}
  .g{stroke:#e1e6ee}.f{stroke:#aab5c5;fill:none}.l{fill:none;stroke-width:1.8;stroke-linejoin:round}.k{stroke-width:3}.r{stroke:#7a869c;stroke-dasharray:5 4}.b{fill:#5b8def}.o{fill:#c3cddd}
  .w{stroke:#1a2233;stroke-width:1.3}.x{fill:#d4544a;fill-opacity:.14}.xl{fill:#a8433b;font-size:11px}
  .c0{stroke:#2f6fde}.c1{stroke:#2f9e6b}.c2{stroke:#d4544a}.c3{stroke:#c98a1b}.c4{stroke:#8457c9}.c5{stroke:#1798a6}.d0{fill:#2f6fde}.d1{fill:#2f9e6b}.d2{fill:#d4544a}.d3{fill:#c98a1b}.d4{fill:#8457c9}.d5{fill:#1798a6}
  @media (prefers-color-scheme: dark){.bg{fill:#0f141d}.t,.h,.v{fill:#e6ebf3}.s{fill:#9aa6ba}.g{stroke:#222c3c}.f{stroke:#46536a}.o{fill:#46536a}.w{stroke:#e6ebf3}.xl{fill:#f0756b}
  .c0{stroke:#6ea0ff}.c1{stroke:#46c48a}.c2{stroke:#f0756b}.c3{stroke:#e6ae48}.c4{stroke:#b08cf0}.c5{stroke:#3fc4d2}.d0{fill:#6ea0ff}.d1{fill:#46c48a}.d2{fill:#f0756b}.d3{fill:#e6ae48}.d4{fill:#b08cf0}.d5{fill:#3fc4d2}}
</style>"""
WIDTH, LEFT, RIGHT = 960, 76, 190


def number(value):
    """Three figures, and no exponent."""
    if value == 0:
        return "0"
    if abs(value) >= 10_000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}".rstrip("0").rstrip(".") if abs(value) < 100 else f"{value:.0f}"


def page(height, title, subtitle, body):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-family="system-ui, -apple-system, \'Segoe UI\', Roboto, sans-serif">\n'
            f'<title>{html.escape(title)}</title>\n{STYLE}\n<rect class="bg" width="{WIDTH}" height="{height}" rx="12"/>\n'
            f'<text class="t" x="24" y="34">{html.escape(title)}</text>\n<text class="s" x="24" y="56">{html.escape(subtitle)}</text>\n{body}</svg>\n')


def nice_step(whole, count):
    raw = max(whole, 1e-12) / count
    power = 10 ** math.floor(math.log10(raw))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)


class Axis:
    """Linear from 0 (or `low`), or logarithmic over whole decades, onto 0…1."""

    def __init__(self, values, log=False, low=None):
        values = [v for v in values if v is not None and (v > 0 or not log)] or [1.0]
        self.log = log
        if log:
            self.low, self.high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) - 1e-9)
            self.high = max(self.high, self.low + 1)
            self.ticks = [10.0 ** e for e in range(self.low, self.high + 1)]
        else:
            self.low = 0.0 if low is None else low
            step = nice_step(max(max(values) - self.low, 1e-9), 4)
            self.high = self.low + step * max(1, math.ceil((max(values) - self.low) / step - 1e-9))
            self.ticks = [self.low + step * n for n in range(round((self.high - self.low) / step) + 1)]

    def at(self, value):
        share = ((math.log10(value) if value > 0 else self.low) if self.log else value)
        return min(1.0, max(0.0, (share - self.low) / (self.high - self.low)))


def bars(title, subtitle, rows, unit="", reference=None):
    """rows: (label, summary); a bar to the median, a whisker from the lowest to the highest round. `reference` is drawn as a line."""
    left, top, step = 310, 84, 30
    plot = WIDTH - left - 150
    axis = Axis([s["high"] for _, s in rows] + [reference or 0])
    height = top + step * len(rows) + 40
    out = []
    for tick in axis.ticks:
        x = left + axis.at(tick) * plot
        out.append(f'<path class="g" d="M{x:.1f} {top - 8}V{height - 34}"/><text class="s" x="{x:.1f}" y="{height - 16}" text-anchor="middle">{number(tick)}{unit}</text>')
    for n, (label, s) in enumerate(rows):
        y = top + step * n
        own = "b" if reference is None or s["median"] != reference else "o"
        low, median, high = (left + axis.at(s[k]) * plot for k in ("low", "median", "high"))
        out.append(f'<text class="v" x="{left - 12}" y="{y + 14}" text-anchor="end">{html.escape(label)}</text><rect class="{own}" x="{left}" y="{y + 1}" width="{max(1, median - left):.1f}" height="18" rx="2"/>')
        out.append(f'<path class="w" d="M{low:.1f} {y + 10}H{high:.1f}M{low:.1f} {y + 6}v8M{high:.1f} {y + 6}v8"/>')
        spread = "" if s["low"] == s["high"] else f' ({number(s["low"])}–{number(s["high"])})'
        out.append(f'<text class="v" x="{high + 10:.1f}" y="{y + 14}">{number(s["median"])}{spread}</text>')
    if reference is not None:
        out.append(f'<path class="r" d="M{left + axis.at(reference) * plot:.1f} {top - 8}V{height - 34}"/>')
    return page(height, title, subtitle, "\n".join(out) + "\n")


class Panel:
    """Curves over one x axis. series: (name, [(x, y)] or [(x, summary)]); marks: (from, to, name) shaded stretches of x."""

    def __init__(self, title, series, unit="", log_y=False, height=150):
        self.title, self.series, self.unit, self.log_y, self.height = title, series, unit, log_y, height

    def draw(self, top, x_axis, x_unit, marks, bare):
        plot, out = WIDTH - LEFT - RIGHT, []
        middle = [[(x, y["median"] if isinstance(y, dict) else y, y) for x, y in points if y is not None] for _, points in self.series]
        y_axis = Axis([y["high"] if isinstance(y, dict) else y for points in middle for _, _, y in points], self.log_y)
        def px(x):
            return LEFT + x_axis.at(x) * plot
        def py(y):
            return top + (1 - y_axis.at(y)) * self.height
        out.append(f'<text class="h" x="{LEFT}" y="{top - 10}">{html.escape(self.title)}</text>')
        for begin, end, name in marks:
            out.append(f'<rect class="x" x="{px(begin):.1f}" y="{top}" width="{max(1.5, px(end) - px(begin)):.1f}" height="{self.height}"><title>{html.escape(name)}</title></rect>')
        for tick in y_axis.ticks:
            out.append(f'<path class="g" d="M{LEFT} {py(tick):.1f}h{plot}"/><text class="s" x="{LEFT - 8}" y="{py(tick) + 4:.1f}" text-anchor="end">{number(tick)}{self.unit}</text>')
        for tick in x_axis.ticks:
            out.append(f'<path class="g" d="M{px(tick):.1f} {top}v{self.height}"/>')
            if not bare:
                out.append(f'<text class="s" x="{px(tick):.1f}" y="{top + self.height + 18}" text-anchor="middle">{number(tick)}{x_unit}</text>')
        out.append(f'<rect class="f" x="{LEFT}" y="{top}" width="{plot}" height="{self.height}"/>')
        for n, ((name, _), points) in enumerate(zip(self.series, middle, strict=True)):
            if not points:
                continue
            path = "L".join(f"{px(x):.1f} {py(y):.1f}" for x, y, _ in points)
            out.append(f'<path class="l c{n % 6}" d="M{path}"/>')
            for x, y, whole in points:
                if isinstance(whole, dict):
                    out.append(f'<path class="l c{n % 6}" d="M{px(x):.1f} {py(whole["low"]):.1f}V{py(whole["high"]):.1f}"/><circle class="d{n % 6}" cx="{px(x):.1f}" cy="{py(y):.1f}" r="3.2"/>')
            y = top + 14 + 22 * n
            out.append(f'<path class="l k c{n % 6}" d="M{WIDTH - RIGHT + 14} {y - 4}h16"/><text class="s" x="{WIDTH - RIGHT + 36}" y="{y}">{html.escape(name)}</text>')
        return out


def curves(title, subtitle, panels, x_unit="", log_x=False, marks=(), x_label="", own_x=False):
    """Panels one below the other over the same x axis, or each over its own."""
    xs = [x for p in panels for _, points in p.series for x, _ in points]
    x_axis = Axis(xs, log_x)
    if not log_x and xs:
        x_axis.high = max(max(xs), 1e-9)  # curves over time end at the frame
        x_axis.ticks = [t for t in x_axis.ticks if t <= x_axis.high]
    top, out = 96, []
    for n, p in enumerate(panels):
        last = n + 1 == len(panels)
        axis = Axis([x for _, points in p.series for x, _ in points], log_x) if own_x else x_axis
        out += p.draw(top, axis, x_unit, marks, bare=not (last or own_x))
        top += p.height + (22 if last else 66 if own_x else 44)
    out.append(f'<text class="s" x="{LEFT + (WIDTH - LEFT - RIGHT) / 2:.0f}" y="{top + 18}" text-anchor="middle">{html.escape(x_label)}</text>')
    return page(top + 34, title, subtitle, "\n".join(out) + "\n")
