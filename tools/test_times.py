#!/usr/bin/python3
"""What tests took, from the reports that ctest --output-junit writes.

    tools/test_times.py build/test/*.xml            a table of those above 10 s, and sums
    tools/test_times.py --failed build/test/A.xml   the end of what failing tests printed
"""
import argparse
import pathlib
import sys
import xml.etree.ElementTree

SHOWN_S = 10
LINES = 60  # of a failing test


def cases_of(path):
    """(name, seconds, passed, output) of every test of a report."""
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        yield case.get("name"), float(case.get("time")), case.get("status") == "run", output


def show_failed(paths):
    """Of each failing test its own output."""
    for path in paths:
        for name, _, passed, output in cases_of(path):
            if passed:
                continue
            print(f"---- {name} failed; the end of its output:")
            print("\n".join(output.splitlines()[-LINES:]))


def show_times(paths):
    """The longest first."""
    rows = [(seconds, path.stem, name) for path in paths for name, seconds, _, _ in cases_of(path)]
    print(f"{len(rows)} tests, {sum(row[0] for row in rows):.0f} s one after the other; "
          f"those above {SHOWN_S} s:")
    for seconds, step, name in sorted(rows, reverse=True):
        if seconds > SHOWN_S:
            print(f"{seconds:7.1f} s  {name:32} {step}")


def main():
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--failed", action="store_true", help="show what failing tests printed")
    parser.add_argument("report", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    (show_failed if options.failed else show_times)(options.report)


if __name__ == "__main__":
    sys.exit(main())
