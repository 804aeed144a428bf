"""Recall that is asked for, codes that are chosen, memory that is spent: what the builder measured
and what searches make of it."""
import json
import pathlib
import shutil
import tempfile

import programs
from programs import ProgramTest, contents, make_dataset, manifest_of

TARGETS = (0.9, 0.95, 0.99)


class TargetRecallTest(ProgramTest):
    """One index of 8,000 vectors, with a workload like the queries."""

    @classmethod
    def setUpClass(cls):
        cls.data = pathlib.Path(tempfile.mkdtemp(prefix="trackway-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.data, ignore_errors=True)
        make_dataset(cls.data, vectors=8000, queries=1500, dimension=40, element_type="uint8")
        cls.base, cls.queries, cls.learn = (cls.data / f"{name}.u8bin"
                                            for name in ("base", "query", "learn"))
        cls.index = cls.data / "index"
        cls.truth = cls.data / "truth.ibin"
        programs.run("build-index", "--vectors", cls.base, "--workload", cls.learn, "--index",
                     cls.index, "--code-bytes", 16, "--quiet")
        programs.run("make-ground-truth", "--vectors", cls.base, "--queries", cls.queries,
                     "--output", cls.truth, "--quiet")

    def rows(self, *options):
        """Rows of a search for all targets."""
        return self.report(self.index, self.queries, "--ground-truth", self.truth,
                           "--target-recall", ",".join(map(str, TARGETS)), *options)["rows"]

    def test_recall_is_what_was_asked_for(self):
        """With nothing else resident, with hot vertices, and with all edges."""
        calibration = manifest_of(self.index)["calibration_with_edges"]
        tables = self.report(self.index, self.queries)["index"]["bytes_of_tables"]
        room = calibration["edge_bytes"]
        for options in (("--cache-vertices", 0), (), ("--memory-budget", tables + room + 100000),
                        ("--memory-budget", "1GiB"), ("--beam-width", 4)):
            pages = 0
            for target, row in zip(TARGETS, self.rows(*options)):
                print(options, target, row["recall"], row["pages_read_per_query"], flush=True)
                self.assertEqual(row["target_recall"], target)
                self.assertGreater(row["stop_margin"], -30)
                self.assertGreater(row["recall"], target - 0.015)
                if "--memory-budget" not in options and "--beam-width" not in options:
                    self.assertLess(row["recall"], target + 0.025)
                if "1GiB" in options:  # all is resident
                    self.assertEqual(row["pages_read_per_query"], 0)
                    continue
                self.assertGreater(row["pages_read_per_query"], pages)
                pages = row["pages_read_per_query"]

    def test_too_few_queries(self):
        """What 100 queries of a workload find says too little: nothing is calibrated."""
        few = programs.make_dataset(self.folder / "few", vectors=1000, queries=100, dimension=8)
        index = self.build(few / "base.fbin", self.folder / "index", "--workload",
                           few / "learn.fbin")
        self.assertEqual(manifest_of(index)["calibration"]["search_list"], 0)
        for option in ("--target-recall=0.9", "--stop-margin=1"):
            self.fails("search-index", "--index", index, "--queries", few / "query.fbin", option,
                       words=("calibrated", "200 queries"), statuses=(1,))
        self.report(index, few / "query.fbin", "--memory-budget", "1GiB")

    def test_wrong_targets(self):
        """Refused with the number, and not beside lists."""
        search = ("search-index", "--index", self.index, "--queries", self.queries)
        for target in ("0", "1", "-0.5", "1.5", "nan"):
            self.fails(*search, f"--target-recall={target}", words=("--target-recall", "above 0 and below 1"),
                       statuses=(1, 2))
        self.fails(*search, "--target-recall=many", words=("target-recall",), statuses=(2,))
        self.fails(*search, "--target-recall=0.9", "--search-list=20", words=("search-list",),
                   statuses=(2,))
        self.fails(*search, "--stop-margin=nan", words=("--stop-margin",), statuses=(1, 2))

    def test_stop_margin(self):
        """Larger margins read and find more, up to what the list alone gives."""
        def row(*options):
            return self.report(self.index, self.queries, "--ground-truth", self.truth,
                               "--search-list", 100, *options)["rows"][0]
        before = row("--stop-margin=-2")
        for margin in (0, 2, 6):
            after = row(f"--stop-margin={margin}")
            self.assertGreater(after["pages_read_per_query"], before["pages_read_per_query"])
            self.assertGreater(after["recall"], before["recall"])
            before = after
        self.assertLess(before["pages_read_per_query"], row()["pages_read_per_query"])

    def test_edges_are_resident_where_they_pay(self):
        """The report says what each part of the memory bought, within the budget."""
        tables = self.report(self.index, self.queries)["index"]["bytes_of_tables"]
        seen = set()
        pages = None
        for more in range(0, 1600000, 200000):
            report = self.report(self.index, self.queries, "--memory-budget", tables + more,
                                 "--ground-truth", self.truth, "--target-recall", 0.95)
            residence = report["index"]["residence"]
            codes, edges, hot = residence["parts"]
            self.assertLessEqual(codes["bytes"] + edges["bytes"] + hot["bytes"], tables + more)
            self.assertEqual(edges["bytes"] == 0, edges["pages_saved_per_query"] == 0)
            seen.add(edges["bytes"] > 0)
            expected = residence["pages_per_query_at_95_percent"]
            if pages is not None:
                self.assertLessEqual(expected, pages)
            pages = expected
        self.assertIn(False, seen)

    def test_kinds_of_codes(self):
        """Each builds the same index again and again, and finds; build-index says what it tried."""
        for kind in ("pq", "opq", "rabitq"):
            indexes = []
            for threads in (1, 3):
                index = self.folder / f"{kind}-{threads}"
                self.build(self.base, index, "--workload", self.learn, "--code-type", kind,
                           "--code-bytes", 18, "--threads", threads)
                indexes.append(contents(index))
                self.verified(index)
            self.assertEqual(*indexes)
            self.assertEqual(manifest_of(index)["code_type"], kind)
            (row,) = self.report(index, self.queries, "--ground-truth", self.truth,
                                 "--target-recall", 0.95)["rows"]
            self.assertGreater(row["recall"], 0.93, kind)
        report = self.folder / "report.json"
        self.build(self.base, self.folder / "any", "--workload", self.learn, "--code-bytes", 18,
                   "--json", report)
        codes = json.loads(report.read_text())["codes"]
        self.assertIn(manifest_of(self.folder / "any")["code_type"], ("pq", "opq", "rabitq"))
        self.assertEqual({trial["type"] for trial in codes["trials"]},
                         {"pq", "opq", "rabitq"})

    def test_codes_that_do_not_fit(self):
        """RaBitQ needs 8 bytes and a bit a dimension."""
        self.fails("build-index", "--vectors", self.base, "--index", self.folder / "index",
                   "--code-type", "rabitq", "--code-bytes", 12, words=("rabitq", "40", "12"),
                   statuses=(1, 2))
        self.assertFalse((self.folder / "index" / "manifest.json").exists())
        self.fails("build-index", "--vectors", self.base, "--index", self.folder / "index",
                   "--code-type", "lsq", words=("code-type", "lsq"), statuses=(2,))


if __name__ == "__main__":
    programs.main()
