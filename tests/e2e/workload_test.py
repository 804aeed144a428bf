"""build-index with a workload: a layout for its queries, the same answers, the same bytes."""
import json
import math
import pathlib
import re
import shutil
import struct
import tempfile

import programs
from programs import (ELEMENTS, METRICS, PARTS, ProgramTest, contents, make_dataset, manifest_of,
                      part_of, run, write_bin)
from sealing import HEADER

ORDERS = ("affinity", "covisit", "breadth-first", "insertion")
VECTORS, QUERIES, WORKLOAD, DIMENSION = 2000, 150, 500, 32


class WorkloadTest(ProgramTest):
    """A test with float32 vectors and queries in favour of a few topics: "learn" is like "query",
    the drifted ones prefer others."""

    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="trackway-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        cls.data = make_dataset(cls.shared / "data", VECTORS, QUERIES, DIMENSION,
                                options=("--zipf", 1, "--workload-queries", WORKLOAD))
        cls.base, cls.queries = cls.data / "base.fbin", cls.data / "query.fbin"
        cls.workload, cls.truth = cls.data / "learn.fbin", cls.data / "truth.ibin"
        finished = run("make-ground-truth", "--vectors", cls.base, "--queries", cls.queries,
                       "--output", cls.truth, "--k", 10)
        assert finished.status == 0, finished

    def build_with(self, name, *options):
        """An index of the class's vectors, in a folder of that name, and the JSON report."""
        index = self.folder / name
        report = json.loads(self.done("build-index", "--vectors", self.base, "--index", index,
                                      "--json", "-", *options).out)
        self.verified(index)
        return index, report


class LayoutTest(WorkloadTest):
    """What a workload does to an index."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.laid_out = {}
        for order in ORDERS:
            cls.laid_out[order] = cls.shared / order
            finished = run("build-index", "--vectors", cls.base, "--index", cls.laid_out[order],
                           "--workload", cls.workload, "--page-order", order, "--page-size", 4096,
                           "--quiet")
            assert finished.status == 0, finished

    def pages(self, index, *options):
        """Recall and pages per query of queries like the workload."""
        (row,) = self.report(index, self.queries, "--ground-truth", self.truth, "--search-list", 30,
                             *options)["rows"]
        return row["recall"], row["pages_read_per_query"]

    def test_every_order_gives_the_same_answers(self):
        """With a list as long as the index: those of make-ground-truth."""
        right, _ = programs.read_truth(self.truth)
        answers = [self.search(self.laid_out[order], self.queries, "--search-list", VECTORS)
                   for order in ORDERS]
        self.assertEqual([sorted(ids) for ids in answers[0][0]], [sorted(ids) for ids in right])
        for order, answer in zip(ORDERS, answers):
            self.assertEqual(answer, answers[0], order)

    def test_orders_read_fewer_pages_than_insertion(self):
        """At the same recall, with and without what a search does besides to save reads."""
        for options in ((), ("--cache-vertices", 0, "--expand-share", 0)):
            measured = {order: self.pages(self.laid_out[order], *options) for order in ORDERS}
            print(measured, flush=True)
            plain_recall, plain = measured["insertion"]
            for order, most in (("affinity", 0.7), ("covisit", 0.95), ("breadth-first", 0.95)):
                recall, pages = measured[order]
                self.assertLess(pages, most * plain, order)
                self.assertGreaterEqual(recall, plain_recall - 0.01, order)

    def test_workload_like_the_queries_is_best(self):
        """Better than no workload, and than one in favour of other topics."""
        _, like = self.pages(self.laid_out["affinity"])
        for name, options in (("none", ()), ("drift", ("--workload",
                                                       self.data / "learn-drift.fbin"))):
            other, _ = self.build_with(name, "--page-size", 4096, *options)
            _, pages = self.pages(other)
            print(name, pages, "instead of", like, flush=True)
            self.assertLess(like, pages, name)

    def test_report(self):
        """Who was traced, and that the order chosen serves the half that judges better."""
        for name, options, traced in (("with", ("--workload", self.workload), WORKLOAD),
                                      ("without", (), VECTORS)):
            index, report = self.build_with(name, *options)
            layout = report["layout"]
            self.assertEqual((layout["order"], layout["workload"], layout["queries_traced"]),
                             ("affinity", bool(options), traced))
            self.assertLess(layout["traced_pages_after"], layout["traced_pages_before"])
            self.assertIn(layout["page_size_bytes"], (4096, 8192, 16384))
            self.assertEqual(layout["expand_share"],
                             manifest_of(index)["expand_share_permille"] / 1000)
            self.assertEqual(report["bytes_written"], sum(map(len, contents(index).values())))
            summary = self.report(index, self.queries)["index"]
            self.assertAlmostEqual(summary["expand_share"], layout["expand_share"], places=6)
            self.assertEqual(summary["page_order"], "affinity")

    def test_search_says_the_order(self):
        """Report, manifest and inspect-index agree."""
        for order, index in self.laid_out.items():
            self.assertEqual(manifest_of(index)["page_order"], order)
            self.assertEqual(self.report(index, self.queries)["index"]["page_order"], order)
            self.assertRegex(self.verified(index).out, rf"page order +{order}\b")

    def test_right_answers_for_all_types(self):
        """A workload of each type and metric; a list as long as the index misses nothing."""
        def one(item):
            number, (name, metric) = item
            extension = ELEMENTS[name][0]
            data = make_dataset(self.folder / f"{name}-{metric}", 400, 20, 20, name)
            base, queries = data / f"base.{extension}", data / f"query.{extension}"
            truth = data / "truth.ibin"
            index = self.build(base, data / "index", "--metric", metric, "--workload",
                               data / f"learn.{extension}", "--page-order", ORDERS[number % 4])
            self.done("make-ground-truth", "--vectors", base, "--queries", queries, "--output",
                      truth, "--k", 10, "--metric", metric)
            ids, _ = self.search(index, queries, "--search-list", 400)
            self.assertEqual([sorted(row) for row in ids],
                             [sorted(row) for row in programs.read_truth(truth)[0]])
        cases = [(name, metric) for name in ELEMENTS for metric in METRICS]
        programs.in_parallel(one, enumerate(cases), lanes=2)


class BytesTest(WorkloadTest):
    """Which bytes hang on the workload, and on nothing else."""

    def test_thread_count_changes_nothing(self):
        """1 and 3 threads give the same bytes, names of files included."""
        for order in ORDERS[:2]:
            made = []
            for threads in (1, 3):
                index, _ = self.build_with(f"{order}-{threads}", "--workload", self.workload,
                                           "--keep-trace", "--page-order", order, "--threads",
                                           threads)
                made.append(contents(index))
            self.assertEqual(*made, order)

    def test_what_counts(self):
        """Another workload or --keep-trace gives another name; the workload's name does not."""
        other = write_bin(self.folder / "other.fbin", programs.read_bin(self.workload)[1:])
        renamed = pathlib.Path(shutil.copy(self.workload, self.folder / "renamed.fbin"))
        made = {name: contents(self.build_with(name, *options)[0]) for name, options in (
            ("none", ()), ("one", ("--workload", self.workload)), ("other", ("--workload", other)),
            ("kept", ("--workload", self.workload, "--keep-trace")),
            ("renamed", ("--workload", renamed)))}
        self.assertEqual(made.pop("renamed"), made["one"])
        names = [name for files in made.values() for name in files if name != "manifest.json"]
        self.assertEqual(len(names), len(set(names)))

    def test_kept_trace(self):
        """The co-visitation graph: places of the index, weights above 0; without it no file."""
        index, _ = self.build_with("kept", "--workload", self.workload, "--keep-trace")
        manifest, data = manifest_of(index), part_of(index, "covisits").read_bytes()
        pages = part_of(index, "pages").read_bytes()
        page_count, _, slots = struct.unpack_from("<III", pages, 44)
        self.assertEqual(struct.unpack_from("<IIQ", data, 40), (5, 12, manifest["covisit_edges"]))
        rows = list(struct.iter_unpack("<IIf", data[HEADER:HEADER + 12 * manifest[
            "covisit_edges"]]))
        self.assertGreater(len(rows), VECTORS / 10)
        for place, other, weight in rows:
            self.assertLess(max(place, other), page_count * slots)
            self.assertTrue(0 < weight < math.inf)
        strengths = {place: weight for place, other, weight in rows if place == other}
        self.assertEqual(set(strengths), {place for place, _, _ in rows})
        self.assertTrue(all(weight == int(weight) for weight in strengths.values()))
        shown = self.done("inspect-index", "--index", index, "--covisits", 5).out
        found = re.findall(r"^place (\d+) +(\d+) visits; with((?: \d+:[\d.]+)*)$", shown, re.M)
        self.assertEqual([int(visits) for _, visits, _ in found],
                         sorted(map(int, strengths.values()), reverse=True)[:5])
        edges = {(place, other): weight for place, other, weight in rows}
        for place, visits, others in found:
            self.assertEqual(strengths[int(place)], int(visits))
            for other, weight in re.findall(r"(\d+):([\d.]+)", others):
                self.assertAlmostEqual(edges[int(place), int(other)], float(weight), delta=0.006)

    def test_overwrite_drops_the_kept_trace(self):
        """Without --keep-trace there is no such file, and none of the old index is left."""
        index, _ = self.build_with("index", "--keep-trace")
        self.build(self.base, index, "--overwrite")
        self.fails("inspect-index", "--index", index, "--covisits", 5,
                   words=(index, "trace was not kept"), statuses=(1,))
        self.verified(index)
        self.assertEqual(manifest_of(index)["covisit_edges"], 0)
        self.assertEqual(sorted(path.suffix for path in index.iterdir()),
                         sorted((".json", *(f".{part}" for part in PARTS))))


if __name__ == "__main__":
    programs.main()
