#!/usr/bin/env python3
"""The baseline gate: nothing is off, and what is a little worse is seen."""
import copy
import pathlib
import shutil
import sys
import tempfile
import unittest

import programs

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench"))
import baseline_gate  # pylint: disable=wrong-import-position

PROGRAMS = pathlib.Path(programs.BIN)
WORSENED = "ood-float32"  # the case that is built and searched worse than it should be
RECALL_LOST, MORE_PAGES = 0.01, 1.02


def is_row(part):
    """Whether a part of what is measured is that of a search."""
    return part not in ("index", "allocations")


class BaselineTest(unittest.TestCase):
    """All cases, built and searched once."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="trackway-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.cases = {name: baseline_gate.load(name) for name in baseline_gate.names()}
        cls.tolerances = baseline_gate.load(baseline_gate.TOLERANCES)
        insertion = copy.deepcopy(cls.cases[WORSENED])
        insertion["build"]["page-order"] = "insertion"
        made = programs.in_parallel(cls.measure, [*cls.cases.items(), ("worse", insertion)],
                                    lanes=2)
        cls.measured = {name: measured for name, _, measured in made}
        cls.built = {name: built for name, built, _ in made}

    @classmethod
    def measure(cls, item):
        """Name, paths and figures of one case."""
        name, case = item
        built = baseline_gate.build(case, cls.folder / name, PROGRAMS)
        return name, built, baseline_gate.search(case, built, PROGRAMS)

    def compared(self, name, measured):
        """What the gate says of these figures of a case."""
        return baseline_gate.compare(self.cases[name]["expected"], measured, self.tolerances)

    def seen(self, name, part, field, change):
        """A change of one figure that was measured is seen, as worse, and nothing else is."""
        worse = copy.deepcopy(self.measured[name])
        worse[part][field] = change(worse[part][field])
        with self.subTest(name=name, part=part, field=field):
            (line,) = self.compared(name, worse)
            self.assertIn(f"{part}: {field}: expected", line)
            self.assertIn("worse", line)

    def test_nothing_is_off(self):
        """Every figure is as its baseline has it."""
        for name in self.cases:
            with self.subTest(name=name):
                self.assertEqual(self.compared(name, self.measured[name]), [])

    def test_a_query_allocates_nothing(self):
        """Neither in the baselines, which could be changed, nor as measured."""
        for name, case in self.cases.items():
            with self.subTest(name=name):
                self.assertEqual(case["expected"]["allocations"]["allocations_per_query"], 0)
                self.assertEqual(self.measured[name]["allocations"]["allocations_per_query"], 0)

    def test_small_losses_are_seen(self):
        """1 % of recall, 2 % of pages, one allocation, in any row of any case."""
        for name, measured in self.measured.items():
            if name not in self.cases:
                continue
            for part in filter(is_row, measured):
                self.seen(name, part, "recall", lambda value: value - RECALL_LOST)
                if "pages_read_per_query" in measured[part]:
                    self.seen(name, part, "pages_read_per_query", lambda value: value * MORE_PAGES)
            self.seen(name, "allocations", "allocations_per_query", lambda value: value + 0.004)
            self.seen(name, "allocations", "allocations_per_call", lambda value: value + 1)
            self.seen(name, "index", "bytes_on_disk", lambda value: value * 1.02)

    def test_gains_and_missing_figures_are_seen(self):
        """A baseline that is not kept would hide the next loss."""
        name = next(iter(self.cases))
        better = copy.deepcopy(self.measured[name])
        part = next(filter(is_row, better))
        better[part]["pages_read_per_query"] *= 0.9
        del better[part]["recall"]
        pages, recall = self.compared(name, better)
        self.assertIn("better", pages)
        self.assertIn(f"{part}: recall: expected 0.", recall)
        self.assertIn("found nothing", recall)

    def test_another_page_order_is_seen(self):
        """An index that is really worse: pages in the order of the dataset."""
        lines = self.compared(WORSENED, self.measured["worse"])
        rows = list(filter(is_row, self.measured["worse"]))
        worse = [line for line in lines if "pages_read_per_query" in line and "worse" in line]
        self.assertEqual(len(worse), len(rows), lines)

    def test_a_shorter_list_is_seen(self):
        """A search that really finds less."""
        case = self.cases[WORSENED]
        size = case["search"][0]["options"]["search-list"].split(",", maxsplit=1)[0]
        shorter = {**case, "search": [{"options": {"search-list": int(size) - 10}}]}
        measured = baseline_gate.search(shorter, self.built[WORSENED], PROGRAMS)
        found = measured.pop(f"search-list {int(size) - 10}")
        lines = self.compared(WORSENED, {**self.measured[WORSENED], f"search-list {size}": found})
        recall = [line for line in lines if f"search-list {size}: recall" in line]
        self.assertEqual(len(recall), 1, lines)
        self.assertIn("worse", recall[0])


if __name__ == "__main__":
    programs.main()
