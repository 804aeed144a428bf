"""Writes panels, tables, machine and commands as one HTML page that loads nothing: its script draws the panels."""
import dataclasses
import html
import json
import pathlib
import shlex

from panels import AXES, MIB, SAID, device_text, footnote, headline, number_text, spread_texts

FOLDER = pathlib.Path(__file__).parent
# Of each table: its title, and the column that says what was set.
TABLES = {"points": ("Every setting", "setting"), "load": ("Under load", "queries in flight"),
          "memory": ("Under memory budgets", "budget")}
BUILD = (("seconds", "time, s", 1, 1), ("cpu_seconds", "CPU, s", 1, 1),
         ("peak_resident_bytes", "peak memory, MiB", 1 / MIB, 1), ("index_bytes", "index, MiB", 1 / MIB, 1))


def escaped(value):
    """Text, or a value as JSON, for HTML."""
    return html.escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def cell(value, sort):
    """A cell of a number and its range, sorted by the number; what is unknown comes last."""
    if sort is None:
        return "<td>-</td>"
    number, extent = value
    return f'<td data-sort="{sort}">{number}{f" <small>{extent}</small>" if extent else ""}</td>'


def table(title, heads, rows):
    """A table whose rows are (id of the series, cells)."""
    head = "".join(f'<th scope="col"><button type="button">{escaped(text)}</button></th>' for text in heads)
    body = "\n".join(f'<tr data-series="{escaped(id)}">{"".join(cells)}</tr>' for id, cells in rows)
    return (f"<h3>{escaped(title)}</h3>\n<div class=scroll><table><thead><tr>{head}</tr></thead>\n"
            f"<tbody>\n{body}\n</tbody></table></div>")


def name_cell(series, looks):
    """The cell that names a series in its colour."""
    look = looks[series.id]
    return f'<td><span class=swatch style="background:{look.colour}"></span>{escaped(look.label)}</td>'


def rows_table(experiment, looks, kind):
    """The rows of one kind of all series; empty where no series has any."""
    rows = [(series, row) for series in experiment.series for row in getattr(series, kind)]
    fields = [said for said in SAID if any(row.values.get(said[0]) for _, row in rows)]
    lines = []
    for series, row in rows:
        cells = [name_cell(series, looks), f"<td>{escaped(row.label)}</td>"]
        for field, _, _, factor, digits in fields:
            spread = row.values.get(field)
            cells.append(cell(spread and spread_texts(spread, factor, digits), spread and spread.median))
        lines.append((series.id, cells))
    title, setting = TABLES[kind]
    heads = ["system", setting, *(f"{name}, {unit}" if unit else name for _, name, unit, _, _ in fields)]
    return table(title, heads, lines) if rows else ""


def build_table(experiment, looks):
    """What building took, and how large the indexes are; empty where no file tells."""
    fields = [field for field in BUILD if any(series.build.get(field[0]) is not None for series in experiment.series)]
    lines = []
    for series in experiment.series:
        cells = [name_cell(series, looks)]
        for field, _, factor, digits in fields:
            value = series.build.get(field)
            cells.append(cell(None if value is None else (number_text(value * factor, digits), ""), value))
        lines.append((series.id, cells))
    return table("Building", ["system", *(name for _, name, _, _ in fields)], lines) if fields else ""


def facts_list(facts):
    """Names and values."""
    items = "".join(f"<dt>{escaped(key.replace('_', ' '))}</dt><dd>{escaped(value)}</dd>"
                    for key, value in facts.items() if value is not None)
    return f"<dl>{items}</dl>"


def command_block(title, commands):
    """Commands as a shell takes them."""
    lines = "\n".join(shlex.join(map(str, command)) for command in commands)
    return f"<h4>{escaped(title)}</h4><pre>{escaped(lines)}</pre>" if commands else ""


def origin(experiment):
    """The machine, the dataset and the exact commands of all files."""
    parts = ["<h3>Dataset</h3>", facts_list(experiment.dataset)]
    for run in experiment.runs:
        parts += [f"<h3>Machine and commands of {escaped(run.file)}</h3>",
                  facts_list(({"measured": run.when} if run.when else {}) | run.facts |
                             {"device": device_text(run)}),
                  command_block("All of it", [run.command] if run.command else []),
                  command_block("Device", run.device_commands)]
        for series in (series for series in experiment.series if series.run is run):
            parts += [f"<section data-series={escaped(series.id)}>", command_block(series.label, series.commands),
                      facts_list(series.facts), "</section>"]
    return "\n".join(parts)


def section(number, experiment, looks):
    """One experiment: what the script draws into, tables, origin."""
    tables = "\n".join([*(rows_table(experiment, looks, kind) for kind in TABLES), build_table(experiment, looks)])
    return (f"<section class=experiment>\n<h2>{escaped(headline(experiment))}</h2>\n"
            f"<p class=note>{escaped(footnote(experiment.runs[0]))}</p>\n"
            f"<div class=panels data-experiment={number}></div>\n{tables}\n<details open>"
            f"<summary>Machine, dataset, exact commands</summary>\n{origin(experiment)}\n</details>\n</section>")


def page(experiments, panels, looks):
    """The whole page."""
    data = {"axes": AXES, "looks": {id: dataclasses.asdict(look) for id, look in looks.items()},
            "experiments": [[dataclasses.asdict(panel) for panel in shown] for shown in panels]}
    parts = {"title": escaped(", ".join(experiment.dataset["name"] for experiment in experiments)),
             "sections": "\n".join(section(number, experiment, looks) for number, experiment in enumerate(experiments)),
             "data": json.dumps(data, allow_nan=False).replace("<", "\\u003c"),
             "script": (FOLDER / "report_script.js").read_text(encoding="utf-8")}
    template = (FOLDER / "report_template.html").read_text(encoding="utf-8")
    pieces = template.split("%%")
    return "".join(parts[piece] if number % 2 else piece for number, piece in enumerate(pieces))
