#!/usr/bin/python3
"""Draws results of bench/compare.py and reports of search-index: recall against QPS and against pages, latency under
load, memory against QPS, with the device's limit where fio measured it."""
import argparse
import importlib.util
import pathlib
import sys

import html_report
import measure
import panels
import series

FORMATS = ("png", "svg")
EPILOGUE = """\
Files of one dataset are drawn together, several datasets below each other. What no file tells is not
drawn (stderr says what). --output-dir writes DATASET-overview and DATASET-PANEL, where PANEL is one of
recall-qps, recall-pages, latency-load, memory-qps, each as .png and .svg, and report.html, which is
interactive and loads nothing. report.html#hide=hnswlib,faiss&log=0&spread=0 opens it without these
systems, with linear axes. Only pictures need python3-matplotlib."""


class Drawing:
    """All experiments, ready to be drawn."""

    def __init__(self, paths):
        self.experiments = series.read_files(paths)
        self.looks = panels.looks_of(self.experiments)
        self.panels = [panels.panels_of(experiment) for experiment in self.experiments]
        for experiment, shown in zip(self.experiments, self.panels):
            if not shown:
                names = ", ".join(run.file for run in experiment.runs)
                raise series.InputError(f"{names}: nothing to draw: no row has both values of a picture")

    def section(self, number, panels_shown):
        """What pictures draw of one experiment."""
        experiment = self.experiments[number]
        return panels.headline(experiment), panels.footnote(experiment.runs[0]), panels_shown

    def absent(self):
        """A line for each panel that has nothing to show."""
        for experiment, shown in zip(self.experiments, self.panels):
            for panel in set(panels.PANEL_NEEDS) - {panel.name for panel in shown}:
                yield f"{experiment.name}: no {panel}: {panels.PANEL_NEEDS[panel]}"

    def html(self):
        """The report."""
        return html_report.page(self.experiments, self.panels, self.looks).encode()

    def picture(self, sections, formats):
        """One picture in these formats."""
        from pictures import pictures
        return pictures(sections, self.looks, formats)

    def one(self, path):
        """The bytes of one file by its extension: everything in it."""
        if path.suffix == ".html":
            return {path: self.html()}
        sections = [self.section(number, shown) for number, shown in enumerate(self.panels)]
        return {path: self.picture(sections, (path.suffix[1:],))[0]}

    def all(self, folder):
        """The bytes of all files of a folder, by path."""
        files = {folder / "report.html": self.html()}
        for number, shown in enumerate(self.panels):
            chosen = {panel.name: [panel] for panel in shown} | ({"overview": shown} if len(shown) > 1 else {})
            for name, some in chosen.items():
                stem = f"{self.experiments[number].name}-{name}"
                drawn = self.picture([self.section(number, some)], FORMATS)
                files |= {folder / f"{stem}.{extension}": bytes for extension, bytes in zip(FORMATS, drawn)}
        return files


def write(files):
    """Writes all files under other names and renames them when all are there."""
    partial = {path: path.with_name(path.name + ".partial") for path in files}
    try:
        for path, data in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial[path].write_bytes(data)
        for path, other in partial.items():
            other.replace(path)
    finally:
        for other in partial.values():
            if other.exists():
                other.unlink()


def parsed():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOGUE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", nargs="+", metavar="FILE", type=pathlib.Path,
                        help="result of bench/compare.py, or report of search-index --json with --ground-truth")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE",
                        help="one file with everything: .png, .svg or .html")
    parser.add_argument("--output-dir", type=pathlib.Path, metavar="DIR", help="all pictures and report.html")
    options = parser.parse_args()
    if not options.output and not options.output_dir:
        parser.error("--output or --output-dir is needed")
    if options.output and options.output.suffix not in (".html", *(f".{name}" for name in FORMATS)):
        parser.error(f"--output {options.output}: expected .png, .svg or .html")
    return options


def need_matplotlib():
    """Ends the program where pictures cannot be drawn."""
    if not importlib.util.find_spec("matplotlib"):
        sys.exit("plot: matplotlib is missing (Debian: python3-matplotlib)")


def draw_all(reports, output_dir=None, output=None):
    """Reads the reports, writes the files, prints their names."""
    if output_dir or output.suffix != ".html":
        need_matplotlib()
    try:
        drawing = Drawing(reports)
        files = drawing.one(output) if output else {}
        files |= drawing.all(output_dir) if output_dir else {}
        write(files)
        print("\n".join(map(str, files)), flush=True)
    except series.InputError as error:
        sys.exit(f"plot: {error}")
    except OSError as error:
        sys.exit(f"plot: {error.filename2 or error.filename or 'stdout'}: {error.strerror}")
    for line in sorted(drawing.absent()):
        print(f"plot: {line}", file=sys.stderr)


def main():
    """Draws what the command line asks for."""
    options = parsed()
    measure.end_by_signals()
    draw_all(options.reports, options.output_dir, options.output)


if __name__ == "__main__":
    main()
