"""What each picture shows: from series to curves, the same for the pictures of matplotlib and for the HTML report."""
import dataclasses
import math
import statistics

from series import ELEMENT_BYTES, Spread

KIB, MIB = 1 << 10, 1 << 20
US_PER_MS = 1000
# Colours that the colour-blind tell apart (Okabe and Ito), without the yellow that white paper swallows.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#4D4D4D")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
# The recall at which memory is compared when no system was measured under memory budgets, and how far from the recall
# aimed at a setting may be.
MEMORY_RECALL, MEMORY_RECALL_APART = 0.95, 0.05
QPS, PAGES = "queries per second (QPS)", "pages read per query"
LIMIT_NOTE = "Dotted: what the device allows, its reads a second (fio) over those of a query."
# Axes of pictures and of the report. Ticks are multiples (steps) of powers of ten: the first group, and more of them
# until there are enough; apart is the least distance between two, as a share of the axis. Margins are factors.
AXES = {"steps": ((1,), (2, 5), (1.5, 3, 7), (2.5, 3.5, 4, 4.5, 6, 8, 9)),
        "ticks_min": 5, "recall_ticks_min": 6, "apart": 0.09, "log_margin": 1.2, "recall_margin": 1.12,
        "recall_note": ", spaced by the logarithm of 1 - recall"}
# What is said of a row when the pointer is on it: field, name, unit, factor from the field's unit, digits.
SAID = (("recall", "recall", "", 1, 4), ("qps", "QPS", "", 1, 0),
        ("latency_us_mean", "latency, mean", "ms", 1 / US_PER_MS, 3),
        ("latency_us_p50", "latency, p50", "ms", 1 / US_PER_MS, 3),
        ("latency_us_p99", "latency, p99", "ms", 1 / US_PER_MS, 3), ("pages_per_query", "pages per query", "", 1, 2),
        ("bytes_read_per_query", "read per query", "KiB", 1 / KIB, 1),
        ("resident_bytes", "resident", "MiB", 1 / MIB, 1),
        ("cpu_us_per_query", "CPU per query", "us", 1, 0))


@dataclasses.dataclass
class Axis:
    """An axis: what it shows, its unit in the words, and its scale: log, or recall, which spreads what is near 1."""
    label: str
    scale: str = "log"


@dataclasses.dataclass
class Dot:
    """One point of a curve, and the lines of text that tell all about it."""
    x: Spread
    y: Spread
    label: str
    text: list


@dataclasses.dataclass
class Curve:
    """The points of one series. Kinds: "main"; "tail" (the p99 beside the p50); "limit", which was not measured with
    the series but is what the device allows."""
    id: str
    kind: str
    dots: list


@dataclasses.dataclass
class Panel:
    """One picture: axes, curves, a note on what it shows."""
    name: str
    title: str
    x: Axis
    y: Axis
    curves: list
    note: str = ""


@dataclasses.dataclass
class Look:
    """How a series is drawn wherever it is: hollow markers are systems in memory."""
    label: str
    colour: str
    marker: str
    is_hollow: bool


def looks_of(experiments):
    """The look of every series by its id, the same in all panels of all experiments."""
    looks = {}
    for series in (series for experiment in experiments for series in experiment.series):
        number = len(looks)
        in_memory = series.residence == "memory"
        looks.setdefault(series.id, Look(
            series.label + (" (in memory)" if in_memory and "in memory" not in series.label else ""),
            COLOURS[number % len(COLOURS)], MARKERS[(number + number // len(COLOURS)) % len(MARKERS)], in_memory))
    return looks


def decimals_of(value, digits):
    """How many decimals a value is shown with: those of four significant digits, at most so many."""
    return min(digits, max(0, 3 - math.floor(math.log10(value)))) if value > 0 else digits


def number_text(value, digits):
    """A number as people read it."""
    return f"{value:,.{decimals_of(value, digits)}f}"


def spread_texts(spread, factor=1, digits=0):
    """The median, and the range from least to greatest, which is empty where it shows nothing else."""
    digits = decimals_of(spread.median * factor, digits)
    median, low, high = (f"{value * factor:,.{digits}f}" for value in (spread.median, spread.low, spread.high))
    return median, "" if low == high == median else f"({low} to {high})"


def spread_text(spread, factor=1, digits=0):
    """A measured value and its range."""
    return " ".join(spread_texts(spread, factor, digits)).strip()


def row_text(series, row):
    """The lines that tell all about a row."""
    setting = ", ".join(f"{key} = {value:g}" if isinstance(value, (int, float)) else f"{key} = {value}"
                        for key, value in row.setting.items() if value is not None)
    lines = [series.label, f"{row.label}: {setting}" if setting else row.label]
    for field, name, unit, factor, digits in SAID:
        if row.values.get(field) is not None:
            lines.append(f"{name} {spread_text(row.values[field], factor, digits)} {unit}".rstrip())
    return lines


def curve_of(series, rows, fields, kind="main", label=lambda row: row.label):
    """Rows as a curve, without those that lack a value; fields are (field, factor) of x and y."""
    (x, x_factor), (y, y_factor) = fields
    dots = [Dot(row.values[x].times(x_factor), row.values[y].times(y_factor), label(row), row_text(series, row))
            for row in rows if row.values.get(x) is not None and row.values.get(y) is not None]
    return Curve(series.id, kind, dots)


def ordered(curve):
    """The curve with its points in the order of x, and in their own where x is the same."""
    curve.dots.sort(key=lambda dot: dot.x.median)
    return curve


def drawn(curves):
    """The curves that have points."""
    return [curve for curve in curves if curve.dots]


def reads_of(series, row):
    """Reads of the device per query: fewer than pages where queries shared a read."""
    bytes_read, pages = row.values["bytes_read_per_query"], row.values["pages_per_query"]
    return bytes_read.median / series.page_size_bytes if bytes_read else pages.median if pages else 0


def limit_of(series):
    """What the device allows a series: its reads per second over those per query of each setting."""
    reads = series.run.device_reads.get(series.page_size_bytes)
    if reads is None or series.residence == "memory":
        return Curve(series.id, "limit", [])
    dots = []
    for row in series.points:
        recall, count = row.values["recall"], reads_of(series, row)
        if recall and count > 0:
            limit = reads.times(1 / count)
            dots.append(Dot(recall, limit, row.label, [
                f"device limit of {series.label}", row.label, f"QPS {spread_text(limit)}",
                f"{spread_text(reads)} {reads_text(series.page_size_bytes)} by fio",
                f"{number_text(count, 2)} reads per query"]))
    return ordered(Curve(series.id, "limit", dots))


def reads_text(page_size_bytes):
    """What the device does so often a second."""
    return f"reads of {page_size_bytes / KIB:g} KiB a second"


def recall_label(experiment):
    """The recall axis in words."""
    return f"recall@{experiment.dataset['k']}"


def recall_qps(experiment):
    """Recall against QPS, with what the device allows at the pages that were read."""
    curves = [ordered(curve_of(series, series.points, (("recall", 1), ("qps", 1)))) for series in experiment.series]
    limits = drawn(limit_of(series) for series in experiment.series)
    return Panel("recall-qps", "Recall and throughput", Axis(recall_label(experiment), "recall"),
                 Axis(QPS), drawn(curves) + limits, LIMIT_NOTE if limits else "")


def recall_pages(experiment):
    """Recall against pages."""
    curves = [ordered(curve_of(series, series.points, (("recall", 1), ("pages_per_query", 1))))
              for series in experiment.series]
    return Panel("recall-pages", "Recall and pages", Axis(recall_label(experiment), "recall"),
                 Axis(PAGES), drawn(curves))


def latency_load(experiment):
    """Latency against load: as more queries are in flight."""
    curves = [curve_of(series, series.load, (("qps", 1), (f"latency_us_{share}", 1 / US_PER_MS)), kind)
              for series in experiment.series for share, kind in (("p50", "main"), ("p99", "tail"))]
    return Panel("latency-load", "Latency under load", Axis(QPS, "linear"), Axis("latency, ms"),
                 drawn(curves), "Solid p50, dashed p99; each point has more queries in flight than the one before.")


def recall_text(row):
    """The recall of a row."""
    return f"recall {row.values['recall'].median:.3f}" if row.values["recall"] else "recall unknown"


def nearest_rows(series, aimed):
    """The row of the recall nearest to the one aimed at, in a list; none if that is far away."""
    rows = [row for row in series.points if row.values["recall"] and row.values["qps"] and row.values["resident_bytes"]]
    miss, _, row = min(((abs(row.values["recall"].median - aimed), number, row) for number, row in enumerate(rows)),
                       default=(math.inf, 0, None))
    return [row] if miss <= MEMORY_RECALL_APART else []


def memory_qps(experiment):
    """Memory against QPS at about the same recall: systems that take a budget as curves, others as the setting of the
    nearest recall, unless that is far away."""
    budgeted = [row.values["recall"].median for series in experiment.series for row in series.memory
                if row.values["recall"]]
    aimed = statistics.median(budgeted) if budgeted else MEMORY_RECALL
    curves = drawn(ordered(curve_of(series, series.memory or nearest_rows(series, aimed),
                                    (("resident_bytes", 1 / MIB), ("qps", 1)), label=recall_text))
                   for series in experiment.series)
    note = f"Systems at recall {aimed:.3g}, or at the nearest within {MEMORY_RECALL_APART}."
    dataset = experiment.dataset
    if dataset["element_type"] in ELEMENT_BYTES:
        bytes_of_vectors = dataset["vectors"] * dataset["dimension"] * ELEMENT_BYTES[dataset["element_type"]]
        note += f" The vectors alone: {number_text(bytes_of_vectors / MIB, 1)} MiB."
    enough = sum(len(curve.dots) for curve in curves) > 1
    return Panel("memory-qps", "Memory and throughput", Axis("resident memory, MiB"), Axis(QPS),
                 curves if enough else [], note)


PANELS = (recall_qps, recall_pages, latency_load, memory_qps)
# What a file must hold for a panel to show something.
PANEL_NEEDS = {"recall-qps": "no recall beside QPS", "recall-pages": "no pages", "latency-load": "no rows of load",
               "memory-qps": "fewer than two measurements of memory"}


def panels_of(experiment):
    """The panels that have something to show."""
    return [panel for panel in (make(experiment) for make in PANELS) if panel.curves]


def headline(experiment):
    """The dataset and how it was measured, in a line."""
    dataset = experiment.dataset
    shape = f"{dataset['vectors']:,} x {dataset['dimension']} {dataset['element_type']}"
    name = shape if dataset["name"] == shape else f"{dataset['name']}: {shape}"
    words = [name, dataset["metric"], f"k = {dataset['k']}"]
    facts = experiment.runs[0].facts
    if facts.get("threads"):
        words.append(f"{facts['threads']} threads")
    if (facts.get("rounds") or 1) > 1:
        words.append(f"medians of {facts['rounds']} rounds, bars min to max")
    return ", ".join(words)


def device_text(run):
    """What the device can do."""
    rates = [f"{spread_text(reads)} {reads_text(size)}" for size, reads in sorted(run.device_reads.items())]
    return f"fio {', '.join(rates)}" if rates else f"device limit unknown: {run.device_why}"


def footnote(run):
    """The machine and the device, in a line."""
    facts = [str(run.facts[key]) for key in ("cpu", "disk") if run.facts.get(key)]
    if run.facts.get("cores"):
        facts.insert(1, f"{run.facts['cores']} cores")
    return ", ".join((*facts, device_text(run)))
