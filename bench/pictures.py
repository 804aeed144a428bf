"""Draws panels with matplotlib: PNG and SVG."""
import io
import math
import textwrap

import matplotlib
import numpy
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from panels import AXES

# The same reports give the same bytes; text stays text, so that it can be searched and edited.
STYLE = {"svg.hashsalt": "trackway", "svg.fonttype": "none", "font.size": 9, "axes.titlesize": 10, "axes.labelsize": 9,
         "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "legend.frameon": False,
         "font.family": "DejaVu Sans", "text.parse_math": False}  # a label may hold $
PANEL_INCHES = (5.4, 4.0)
DPI = 160
GRID, QUIET = "#E3E3E3", "#5A5A5A"
# Labels of points: how many a panel takes, points per letter and line, and where they are tried, nearest first.
LABELS_MAX = 16
LETTER, LINE = 4.2, 8
OFFSETS = [(x, y) for distance in (4, 7, 10) for x, y in ((distance, distance), (distance, -distance - LINE),
                                                          (-distance, distance), (-distance, -distance - LINE))]


def log_ticks(low, high, enough):
    """Ticks of a logarithmic axis, at least enough where there are as many, none too near to another."""
    powers = [10.0 ** power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    ticks = []
    for steps in AXES["steps"]:
        ticks += [step * power for power in powers for step in steps if low <= step * power <= high]
        if len(ticks) >= enough:
            break
    return apart(ticks, lambda tick: math.log10(tick) / (math.log10(high / low) or 1))


def apart(ticks, place):
    """The ticks in order, without those that stand too near to one before in the list; place is from 0 to 1."""
    kept = []
    for tick in ticks:
        if all(abs(place(tick) - place(other)) >= AXES["apart"] for other in kept):
            kept.append(tick)
    return sorted(kept)


def miss_of(dots):
    """Where recall 1 stands on an axis that shows 1 - recall as a logarithm: half the least share missed."""
    misses = [1 - dot.x.median for dot in dots if dot.x.median < 1]
    return min([*misses, 0.02]) / 2


def recall_axis(axes, dots):
    """Spreads what is near recall 1."""
    end = miss_of(dots)
    axes.set_xscale("function", functions=(lambda x: -numpy.log10(numpy.clip(1 - x, end / 2, None)),
                                           lambda y: 1 - 10 ** -y))
    greatest = min(1, max(2 * end, 1 - min(dot.x.low for dot in dots)) * AXES["recall_margin"])
    least = max(end, 1 - max(dot.x.high for dot in dots)) / AXES["recall_margin"]
    axes.set_xlim(1 - greatest, 1 - least)
    has_one = any(dot.x.median == 1 for dot in dots)
    room = end * (greatest / least) ** AXES["apart"] if has_one else least
    misses = log_ticks(room, greatest, AXES["recall_ticks_min"])
    ticks, labels = [1 - miss for miss in misses], [f"{1 - miss:.9g}" for miss in misses]
    if has_one:
        ticks, labels = [*ticks, 1 - end], [*labels, "1"]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels(labels)
    return 1 - end


def short_number(value, _=None):
    """A tick of an axis."""
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


def plain_axis(axes, which, scale, spreads):
    """A logarithmic axis, if asked for and nothing is 0, with ticks at 1, 2 and 5; or a linear one from 0."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = min(s.low for s in spreads), max(s.high for s in spreads)
    if scale == "log" and low > 0:
        getattr(axes, f"set_{which}scale")("log")
        low, high = low / AXES["log_margin"], high * AXES["log_margin"]
        getattr(axes, f"set_{which}lim")(low, high)
        axis.set_major_locator(FixedLocator(log_ticks(low, high, AXES["ticks_min"])))
        axis.set_minor_locator(NullLocator())
    else:
        getattr(axes, f"set_{which}lim")(0, high * 1.08 or 1)
    axis.set_major_formatter(FuncFormatter(short_number))


def draw_curve(axes, curve, look, end):
    """One curve with bars from least to greatest; a recall of 1 stands at the end of its axis."""
    x = [min(dot.x.median, end) for dot in curve.dots]
    y = [dot.y.median for dot in curve.dots]
    colour = look.colour
    if curve.kind == "limit":
        axes.plot(x, y, linestyle=":", linewidth=1.2, color=colour, zorder=2, gid=f"{curve.id}-limit")
        return
    bars = [[[at - min(spread.low, at), max(min(spread.high, limit), at) - at] for at, spread in zip(ats, spreads)]
            for ats, spreads, limit in ((x, [d.x for d in curve.dots], end),
                                        (y, [d.y for d in curve.dots], float("inf")))]
    drawn = axes.errorbar(x, y, xerr=list(zip(*bars[0])), yerr=list(zip(*bars[1])), color=colour, elinewidth=1,
                          capsize=2, linestyle="--" if curve.kind == "tail" else "-", linewidth=1.5,
                          marker=look.marker, markersize=5, markerfacecolor="white" if look.is_hollow else colour,
                          markeredgewidth=1.2, zorder=3, clip_on=False)
    drawn[0].set_gid(f"{curve.id}-{curve.kind}")


def along(points):
    """The points, and others on the lines between them: what labels should not cover."""
    yield from points
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        for step in range(1, 16):
            yield x0 + (x1 - x0) * step / 16, y0 + (y1 - y0) * step / 16


def is_free(box, taken):
    """Tells whether no point lies in a box of left, bottom, right, top, or close to it."""
    return not any(box[0] - 2 <= x <= box[2] + 2 and box[1] - 2 <= y <= box[3] + 2 for x, y in taken)


def boxes_of(text, x, y):
    """Where a label can stand near a point: offsets and the box that each gives it."""
    width = LETTER * len(text)
    for right, up in OFFSETS:
        left = x + right if right > 0 else x + right - width
        yield (right, up), (left, y + up, left + width, y + up + LINE)


def draw_labels(axes, panel, end):
    """What was set at each point, where there is room for it: a label that would cover something is left out."""
    curves = [curve for curve in panel.curves if curve.kind == "main"]
    if sum(len(curve.dots) for curve in curves) > LABELS_MAX:
        return
    to_points = 72 / axes.figure.dpi
    places = {id(curve): [tuple(axes.transData.transform((min(dot.x.median, end), dot.y.median)) * to_points)
                          for dot in curve.dots] for curve in panel.curves}
    left, bottom, right, top = axes.bbox.extents * to_points
    taken = [place for step in range(101) for place in ((left, bottom + (top - bottom) * step / 100),
                                                         (left + (right - left) * step / 100, bottom))]
    taken += [point for line in places.values() for point in along(line)]
    for curve in curves:
        for dot, place in zip(curve.dots, places[id(curve)]):
            free = ((offset, box) for offset, box in boxes_of(dot.label, *place) if is_free(box, taken))
            offset, box = next(free, (None, None))
            if offset:
                taken += along([(box[0], box[1]), (box[2], box[1]), (box[2], box[3]), (box[0], box[3])])
                axes.annotate(dot.label, (min(dot.x.median, end), dot.y.median), textcoords="offset points",
                              xytext=offset, ha="left" if offset[0] > 0 else "right", fontsize=7, color=QUIET)


def draw_panel(axes, panel, looks):
    """One panel."""
    dots = [dot for curve in panel.curves for dot in curve.dots]
    end = float("inf")
    if panel.x.scale == "recall":
        end = recall_axis(axes, dots)
    else:
        plain_axis(axes, "x", panel.x.scale, [dot.x for dot in dots])
    plain_axis(axes, "y", panel.y.scale, [dot.y for dot in dots])
    for curve in panel.curves:
        draw_curve(axes, curve, looks[curve.id], end)
    draw_labels(axes, panel, end)
    axes.set_xlabel(panel.x.label + (AXES["recall_note"] if panel.x.scale == "recall" else ""))
    axes.set_ylabel(panel.y.label)
    axes.grid(True, color=GRID, linewidth=0.7)
    note = textwrap.fill(panel.note, 88)
    axes.set_title(panel.title, loc="left", fontweight="bold", pad=8 + 9 * len(note.splitlines()))
    axes.text(0, 1.015, note, transform=axes.transAxes, fontsize=7, color=QUIET, va="bottom")


def legend_of(figure, panels, looks):
    """One legend below everything, of what the panels show."""
    shown = {curve.id for panel in panels for curve in panel.curves}
    entries = [Line2D([], [], color=look.colour, marker=look.marker, markersize=5, linewidth=1.5, label=look.label,
                      markerfacecolor="white" if look.is_hollow else look.colour, markeredgewidth=1.2)
               for id, look in looks.items() if id in shown]
    if any(curve.kind == "limit" for panel in panels for curve in panel.curves):
        entries.append(Line2D([], [], color=QUIET, linestyle=":", label="device limit"))
    width = figure.get_size_inches()[0]
    columns = max(1, round(width * 14 / (max(len(entry.get_label()) for entry in entries) + 5)))
    return figure.legend(handles=entries, loc="upper center", bbox_to_anchor=(0.5, 0), ncol=min(columns, len(entries)))


def figure_of(sections, looks):
    """A figure of sections below each other; a section is (headline, footnote, panels)."""
    columns = max(len(panels) if len(panels) < 4 else (len(panels) + 1) // 2 for _, _, panels in sections)
    rows = [-(-len(panels) // columns) for _, _, panels in sections]
    width, height = PANEL_INCHES
    figure = Figure(figsize=(width * columns, sum(rows) * (height + 0.25) + 0.5 * len(sections)),
                    constrained_layout=True)
    parts = figure.subfigures(len(sections), 1, height_ratios=rows, squeeze=False)[:, 0]
    for part, count, (headline, footnote, panels) in zip(parts, rows, sections):
        words = [textwrap.fill(text, int(width * columns * 17)) for text in (headline, footnote)]
        part.suptitle("\n".join(words), x=0.01, ha="left", fontsize=8, color=QUIET)
        grid = part.subplots(count, columns, squeeze=False).ravel()
        for axes, panel in zip(grid, panels):
            draw_panel(axes, panel, looks)
        for axes in grid[len(panels):]:
            axes.set_axis_off()
    legend_of(figure, [panel for _, _, panels in sections for panel in panels], looks)
    return figure


def pictures(sections, looks, formats):
    """The sections as one picture: its bytes in each of the formats ("png", "svg")."""
    files = []
    with matplotlib.rc_context(STYLE):
        for name in formats:
            file = io.BytesIO()
            # A figure for each: drawing in one format would shift what is drawn in the next.
            figure_of(sections, looks).savefig(file, format=name, dpi=DPI, bbox_inches="tight", facecolor="white",
                                               metadata={"Date": None} if name == "svg" else None)
            files.append(file.getvalue())
    return files
