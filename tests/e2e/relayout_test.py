"""relayout-index gives an index another order and nothing else, or leaves it as it was."""
import json
import math
import os
import pathlib
import random
import resource
import shutil
import struct
import tempfile

import programs
from programs import (ELEMENTS, FORMAT_MINOR, METRICS, PARTS, SEED, ProgramTest, contents, gaussian_rows,
                      make_dataset, manifest_of, part_of, run, write_bin)
from sealing import seal_header, seal_table, table_rows, without_identity

ORDERS = ("affinity", "covisit", "breadth-first", "insertion")
STAGES = ["read", "truth", "trace", "order", "write", "calibrate", "verify", "publish"]
GOLDEN = pathlib.Path(__file__).parent.parent / "golden" / "v1.0"
VECTORS, QUERIES, WORKLOAD, DIMENSION = 2000, 80, 300, 24


class RelayoutTest(ProgramTest):
    """A test with float32 vectors whose index is in insertion order, and queries in favour of a
    few topics."""

    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="trackway-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        cls.data = make_dataset(cls.shared / "data", VECTORS, QUERIES, DIMENSION,
                                options=("--zipf", 1, "--workload-queries", WORKLOAD))
        cls.base, cls.queries = cls.data / "base.fbin", cls.data / "query.fbin"
        cls.workload, cls.truth = cls.data / "learn.fbin", cls.data / "truth.ibin"
        cls.index, cls.trace = cls.shared / "index", cls.shared / "trace"
        for command in (
                ("build-index", "--vectors", cls.base, "--index", cls.index, "--page-size", 4096,
                 "--page-order", "insertion", "--quiet"),
                ("make-ground-truth", "--vectors", cls.base, "--queries", cls.queries, "--output",
                 cls.truth, "--k", 10),
                ("search-index", "--index", cls.index, "--queries", cls.workload, "--search-list",
                 30, "--record-trace", cls.trace, "--record-share", 1)):
            finished = run(*command)
            assert finished.status == 0, finished
        cls.before = contents(cls.index)

    def copy(self, name="copy"):
        """A copy of the class's index."""
        return pathlib.Path(shutil.copytree(self.index, self.folder / name))

    def relayout(self, index, *options, **settings):
        """A relayout that must succeed: by the workload unless the options say otherwise; the JSON
        report. The index is sound afterwards, and nothing else is in its folder."""
        given = () if {"--workload", "--trace"} & set(options) else ("--workload", self.workload)
        report = json.loads(self.done("relayout-index", "--index", index, "--json", "-", *given,
                                      *options, **settings).out)
        self.verified(index)
        parts = PARTS + (("covisits",) if "--keep-trace" in options else ())
        self.assertEqual({path.suffix[1:] for path in index.iterdir()}, {"json", *parts})
        self.assertEqual(len(list(index.iterdir())), 1 + len(parts))
        return report

    def untouched(self, index, *options, words=(), **settings):
        """A relayout that must be refused and leave every byte of a copy of the class's index."""
        self.fails("relayout-index", "--index", index, *options, words=words, **settings)
        self.assertEqual(contents(index), self.before, options)


class OrderTest(RelayoutTest):
    """What it does when all is well."""

    def test_same_answers(self):
        """Ids and distances with a list as long as the index, for all types, metrics, orders."""
        def one(item):
            number, (name, metric) = item
            extension = ELEMENTS[name][0]
            data = make_dataset(self.folder / f"{name}-{metric}", 600, 20, 20, name)
            queries = data / f"query.{extension}"
            index = self.build(data / f"base.{extension}", data / "index", "--metric", metric)
            right = self.search(index, queries, "--search-list", 600)
            self.relayout(index, "--workload", data / f"learn.{extension}", "--page-order",
                          ORDERS[number % 4])
            self.assertEqual(self.search(index, queries, "--search-list", 600), right)
            trace = data / "trace"
            self.done("search-index", "--index", index, "--queries", queries, "--record-trace",
                      trace, "--record-share", 1)
            self.relayout(index, "--trace", trace, "--page-order", ORDERS[(number + 1) % 4])
            self.assertEqual(self.search(index, queries, "--search-list", 600), right)
        cases = [(name, metric) for name in ELEMENTS for metric in METRICS]
        programs.in_parallel(one, enumerate(cases), lanes=2)

    def test_same_recall_on_fewer_pages(self):
        """By the workload and by a trace of it; the index was in insertion order."""
        def searched(index):
            report = self.report(index, self.queries, "--ground-truth", self.truth,
                                 "--search-list", "20,60", "--cache-vertices", 0, "--expand-share",
                                 0)
            return [(row["recall"], row["pages_read_per_query"]) for row in report["rows"]]
        before = searched(self.index)
        for options in (("--workload", self.workload), ("--trace", self.trace)):
            index = self.copy(options[0])
            self.relayout(index, *options)
            for (recall, pages), (old_recall, old_pages) in zip(searched(index), before):
                print(*options[:1], recall, pages, "before:", old_recall, old_pages, flush=True)
                self.assertAlmostEqual(recall, old_recall, delta=0.02)
                self.assertLess(pages, 0.85 * old_pages)

    def test_report(self):
        """Stages, totals and what was traced; by a trace nothing is calibrated anew."""
        share = manifest_of(self.index)["expand_share_permille"]
        for options in (("--workload", self.workload), ("--trace", self.trace)):
            index = self.copy(options[0])
            report = self.relayout(index, *options, "--threads", 2)
            stages = [name for name in STAGES if name != "truth" or "--trace" not in options]
            self.assertEqual([stage["name"] for stage in report["stages"]], stages)
            self.assertEqual((report["vectors"], report["dimension"], report["element_type"],
                              report["threads"]), (VECTORS, DIMENSION, "float32", 2))
            self.assertEqual(report["bytes_written"], sum(map(len, contents(index).values())))
            layout, manifest = report["layout"], manifest_of(index)
            self.assertEqual((layout["order"], layout["page_size_bytes"], layout["workload"],
                              layout["queries_traced"]), ("affinity", 4096, True, WORKLOAD))
            self.assertLess(layout["traced_pages_after"], layout["traced_pages_before"])
            self.assertEqual(layout["expand_share"], manifest["expand_share_permille"] / 1000)
            if "--trace" in options:
                self.assertEqual(manifest["expand_share_permille"], share)

    def test_only_the_order_changes(self):
        """The manifest says what it said before, apart from uuid, order and sizes."""
        index = self.copy()
        self.relayout(index, "--page-order", "covisit", "--keep-trace")
        old, new = manifest_of(self.index), manifest_of(index)
        changed = {key for key in old if old[key] != new[key]}
        self.assertLessEqual(changed, {
            "uuid", "checksum", "page_order", "pages_bytes", "codes_bytes", "covisit_edges",
            "hot_vertices", "expand_share_permille", "estimate_error", "rerank_factor",
            "calibration", "calibration_with_edges"})
        self.assertEqual(new["page_order"], "covisit")
        self.assertGreater(new["covisit_edges"], 0)
        self.relayout(index)
        self.assertEqual(manifest_of(index)["covisit_edges"], 0)

    def test_thread_count_changes_nothing(self):
        """1, 2 and 3 threads give the same bytes, names of files included."""
        for options in (("--workload", self.workload), ("--trace", self.trace)):
            made = []
            for threads in (1, 2, 3):
                index = self.copy(f"{options[0]}-{threads}")
                self.relayout(index, *options, "--keep-trace", "--threads", threads)
                made.append(contents(index))
            self.assertEqual(made[0], made[1], options)
            self.assertEqual(made[0], made[2], options)

    def test_again_for_the_same_workload(self):
        """Another index by name, whose pages hold the same."""
        for order in ORDERS:
            index = self.copy(order)
            made = []
            for _ in range(2):
                self.relayout(index, "--page-order", order, "--keep-trace")
                made.append((set(contents(index)), without_identity(index)))
            self.assertEqual(made[0][1], made[1][1], order)
            self.assertEqual(made[0][0] & made[1][0], {"manifest.json"}, order)

    def test_what_a_build_with_the_workload_gives(self):
        """The order of the index before leaves no trace in it."""
        for order in ORDERS[:2]:
            index = self.copy(order)
            self.relayout(index, "--page-order", order)
            built = self.build(self.base, self.folder / f"built-{order}", "--page-order", order,
                               "--page-size", 4096, "--workload", self.workload,
                               "--code-type", manifest_of(index)["code_type"])
            self.assertTrue(without_identity(index) == without_identity(built), order)

    def test_index_of_the_first_format(self):
        """Format 1.0 has edges of another form and none of the new tables."""
        index, vectors = self.folder / "golden", GOLDEN / "base.u8bin"
        shutil.copytree(GOLDEN / "index", index)
        right = self.search(index, vectors, "--search-list", 10)
        trace = self.folder / "trace"
        self.done("search-index", "--index", index, "--queries", vectors, "--k", 3,
                  "--record-trace", trace, "--record-share", 1)
        self.relayout(pathlib.Path(shutil.copytree(index, self.folder / "by-trace")), "--trace",
                      trace)
        for _ in range(2):
            self.relayout(index, "--workload", vectors, "--keep-trace")
            self.assertEqual(manifest_of(index)["format_minor"], FORMAT_MINOR)
            self.assertEqual(self.search(index, vectors, "--search-list", 10), right)

    def test_small_workloads(self):
        """One query to train or to judge, two, and queries that visit the same."""
        rows = programs.read_bin(self.workload)
        for number, few in enumerate((rows[:1], rows[:2], rows[:3], rows[:1] * 50)):
            index = self.copy(f"copy-{number}")
            path = write_bin(self.folder / f"few-{number}.fbin", few)
            report = self.relayout(index, "--workload", path)
            self.assertEqual(report["layout"]["queries_traced"], len(few))
            trace = self.folder / f"few-{number}"
            self.done("search-index", "--index", index, "--queries", path, "--search-list", 20,
                      "--record-trace", trace, "--record-share", 1)
            report = self.relayout(index, "--trace", trace)
            self.assertEqual(report["layout"]["queries_traced"], len(few))


class RefusalTest(RelayoutTest):
    """What it refuses leaves every byte of the index."""

    def test_wrong_workloads(self):
        """Dimension, type, no bytes, no rows, numbers that are none, no file at all."""
        index, folder = self.copy(), self.folder
        nan = gaussian_rows(40, DIMENSION)
        nan[17][3] = math.nan
        os.mkfifo(folder / "fifo.fbin")
        (folder / "empty.fbin").write_bytes(b"")
        (folder / "rows.fbin").write_bytes(struct.pack("<II", 0, DIMENSION))
        (folder / "cut.fbin").write_bytes(self.workload.read_bytes()[:-1])
        (folder / "name.txt").write_bytes(self.workload.read_bytes())
        narrow, wide = (write_bin(folder / f"{d}.fbin", gaussian_rows(40, d))
                        for d in (DIMENSION - 1, DIMENSION + 1))
        for path, *words in (
                (narrow, DIMENSION, f"dimension {DIMENSION - 1}"),
                (wide, DIMENSION, f"dimension {DIMENSION + 1}"),
                (write_bin(folder / "half.f16bin", gaussian_rows(40, DIMENSION)), "float16"),
                (write_bin(folder / "bytes.u8bin", [[1] * DIMENSION] * 40), "uint8", "float32"),
                (write_bin(folder / "nan.fbin", nan), "row 17"),
                (write_bin(folder / "long.fbin", [[1e19] * DIMENSION] * 40), "row 0"),
                (folder / "empty.fbin", "expected"), (folder / "rows.fbin", "row"),
                (folder / "cut.fbin", "expected", "found"), (folder / "name.txt", ".fbin"),
                (folder / "none.fbin", "No such file"), (folder / "fifo.fbin", "special file"),
                (folder, ""), (self.truth, ".fbin")):
            self.untouched(index, "--workload", path, words=(path, *words), statuses=(1,))

    def test_traces_of_others(self):
        """Of another index, of this one before its last relayout, and files that are no traces."""
        index = self.copy()
        self.relayout(index)
        stale = contents(index)
        self.fails("relayout-index", "--index", index, "--trace", self.trace,
                   words=(self.trace, "another index"), statuses=(1,))
        self.assertEqual(contents(index), stale)
        index = self.copy("second")
        pages, codes = part_of(index, "pages"), part_of(index, "codes")
        for path, *words in ((self.folder / "none", "No such file"), (self.folder, ""),
                             (self.base, "expected"), (pages, "magic"), (codes, "kind")):
            self.untouched(index, "--trace", path, words=(path, *words), statuses=(1,))

    def test_damaged_traces(self):
        """Cut anywhere, grown, and with a bit flipped anywhere."""
        index, data = self.copy(), self.trace.read_bytes()
        sizes = [0, 1, 39, 40, 100, 4095, 4096, len(data) // 2, len(data) - 8, len(data) - 1]
        variants = [data[:size] for size in sizes] + [data + b"\0"]
        draw = random.Random(SEED)
        for at in [0, 8, 16, 20, 24, 40, 44, 48, 56, 100, 4096, len(data) - 1,
                   *(draw.randrange(len(data)) for _ in range(10))]:
            variants.append(data[:at] + bytes((data[at] ^ 1 << draw.randrange(8),)) +
                            data[at + 1:])
        for number, variant in enumerate(variants):
            path = self.folder / f"trace-{number}"
            path.write_bytes(variant)
            self.untouched(index, "--trace", path, words=(path,), statuses=(1,))

    def test_traces_with_right_checksums(self):
        """Places beyond the index or without a vertex, counts beyond the file."""
        index, pages = self.copy(), part_of(self.index, "pages").read_bytes()
        slots = struct.unpack_from("<I", pages, 52)[0]
        used = [struct.unpack_from("<H", pages, at + 12)[0] for at in range(4096, len(pages), 4096)]
        empty = next(page * slots + count for page, count in enumerate(used) if count < slots)
        most = 2 ** 32 - 1
        changes = {"first count": (0, most), "count": (0, 1 << 20), "beyond": (1, most),
                   "next": (1, len(used) * slots), "empty": (1, empty)}
        for name, (at, value) in changes.items():
            data = bytearray(self.trace.read_bytes())
            values = table_rows(data)
            values[at] = value
            seal_table(data, struct.pack(f"<{len(values)}I", *values))
            path = self.folder / f"trace {name}"
            path.write_bytes(data)
            self.untouched(index, "--trace", path, words=(path,), statuses=(1,))
        for offset, form, value in ((40, "<I", 1), (44, "<I", 0), (44, "<I", most),
                                    (48, "<Q", 0), (48, "<Q", 2 ** 62), (48, "<Q", 2 ** 64 - 1)):
            data = bytearray(self.trace.read_bytes())
            struct.pack_into(form, data, offset, value)
            seal_header(data)
            path = self.folder / f"trace {offset} {value}"
            path.write_bytes(data)
            self.untouched(index, "--trace", path, words=(path,), statuses=(1,))

    def test_both_or_neither(self):
        """Exactly one of workload and trace."""
        index = self.copy()
        self.untouched(index, words=("workload", "trace"))
        self.untouched(index, "--workload", self.workload, "--trace", self.trace,
                       words=("--workload", "--trace"), statuses=(2,))

    def test_no_index(self):
        """Nothing is made where no index is."""
        empty, foreign = self.folder / "empty", self.folder / "foreign"
        for folder in (empty, foreign):
            folder.mkdir()
        (foreign / "notes.txt").write_bytes(b"mine")
        for index in (self.folder / "none", empty, foreign):
            self.fails("relayout-index", "--index", index, "--workload", self.workload,
                       words=(index, "no index here"), statuses=(1,))
        self.fails("relayout-index", "--index", self.base, "--workload", self.workload,
                   words=(self.base,), statuses=(1,))
        self.assertEqual(sorted(os.listdir(self.folder)), ["empty", "foreign"])
        self.assertEqual((contents(empty), contents(foreign)), ({}, {"notes.txt": b"mine"}))

    def test_foreign_files_stay(self):
        """What is not Trackway's is not touched; leftovers of killed programs go."""
        index = self.copy()
        (index / "notes.txt").write_bytes(b"mine")
        (index / "shard-0000.0123456789abcdef.covisits.partial").write_bytes(b"stale")
        self.done("relayout-index", "--index", index, "--workload", self.workload)
        self.assertEqual((index / "notes.txt").read_bytes(), b"mine")
        self.assertEqual(len(list(index.iterdir())), 2 + len(PARTS))

    def test_damaged_indexes(self):
        """What it reads it checks: a flipped bit, a cut and a missing file leave all as it was."""
        def flip(path):
            data = bytearray(path.read_bytes())
            data[-2000 if path.suffix != ".json" else 40] ^= 4
            path.write_bytes(data)
        damages = (flip, lambda path: os.truncate(path, path.stat().st_size - 1), os.unlink)
        for part in ("pages", "codes", "codebook", "json"):
            for number, damage in enumerate(damages):
                index = self.copy(f"{part}-{number}")
                path = part_of(index, part)
                damage(path)
                before = contents(index)
                self.fails("relayout-index", "--index", index, "--workload", self.workload,
                           words=(path.name,), statuses=(1,))
                self.assertEqual(contents(index), before)

    def test_memory_budget(self):
        """A budget that is too small is refused with the figure needed, which is enough."""
        index = self.copy()
        words = ("--memory-budget", "1000")
        refused = self.fails("relayout-index", "--index", index, "--workload", self.workload,
                             "--memory-budget", 1000, words=words, statuses=(1,))
        needed = int(refused.err.split("needs ")[1].split()[0])
        self.untouched(index, "--workload", self.workload, "--memory-budget", needed - 1,
                       words=(needed,), statuses=(1,))
        report = self.relayout(index, "--memory-budget", needed)
        self.assertLessEqual(report["peak_resident_bytes"], needed)

    def test_full_disk(self):
        """As far as a test can make one."""
        index = self.copy()
        for limit in (0, 4096, 100000):
            self.untouched(index, "--workload", self.workload, words=(index, "cannot write"),
                           preexec_fn=programs.limited(resource.RLIMIT_FSIZE, limit),
                           restore_signals=False, statuses=(1,))


if __name__ == "__main__":
    programs.main()
