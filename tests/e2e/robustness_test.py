"""Unusual options, data, surroundings: a right answer or a clear error, never a crash or hang."""
import itertools
import json
import math
import os
import pathlib
import random
import resource
import shutil
import subprocess

import programs
from programs import (ELEMENTS, METRICS, SEED, DatasetTest, ProgramTest, contents, gaussian_rows,
                      read_truth, write_bin)


class OptionsTest(DatasetTest):
    """Numbers that options must not take, on one index of 2,000 x 32 float32 on small pages."""
    BUILD_OPTIONS = ("--page-size", 4096)

    def search_command(self, *options):
        """search-index on the class's index."""
        return ("search-index", "--index", self.index, "--queries", self.queries, *options)

    def test_build_options_out_of_range(self):
        """Each is named together with what was found, and no folder is left."""
        cases = [("--max-degree", 0, "--max-degree"), ("--max-degree", 256, "--max-degree"),
                 ("--max-degree", -1, "max-degree"), ("--max-degree", 1 << 32, "max-degree"),
                 ("--build-list", 0, "--build-list"), ("--build-list", 65537, "--build-list"),
                 ("--alpha", 0.99, "alpha"), ("--alpha", "nan", "alpha"),
                 ("--alpha", "inf", "alpha"), ("--alpha", -1.2, "alpha"),
                 ("--code-bytes", 33, "--code-bytes"), ("--code-bytes", -1, "code-bytes"),
                 ("--page-size", 2048, "--page-size"), ("--page-size", 131072, "--page-size"),
                 ("--page-size", 5000, "--page-size"), ("--page-size", 1, "--page-size"),
                 ("--metric", "manhattan", "metric"), ("--metric", "L2", "metric"),
                 ("--metric", "", "metric"), ("--page-order", "random", "page-order"),
                 ("--threads", -1, "threads"), ("--threads", 1025, "threads"),
                 ("--seed", "one", "seed")]

        def one(item):
            number, (option, value, word) = item
            index = self.folder / f"index-{number}"
            self.fails("build-index", "--vectors", self.base, "--index", index,
                       f"{option}={value}", words=(word,))
            self.assertFalse(index.exists(), f"{option}={value} left a folder")
        programs.in_parallel(one, enumerate(cases))

    def test_search_options_out_of_range(self):
        """Beam width 0 and over the limit, k of 0 and beyond the index, a list below k."""
        cases = [("--k=0", "k:"), ("--k=2001", "2001", "--search-list=2001"), ("--k=-1", "--k"),
                 ("--k=50", "--search-list", "--search-list=49"), ("--search-list=0", "--search-list"),
                 ("--search-list=9", "--search-list"), ("--search-list=20,9", "--search-list"),
                 ("--search-list=2000000", "--search-list"), ("--search-list=x", "search-list"),
     ("--beam-width=257", "--beam-width"),
                 ("--beam-width=-1", "beam-width"), ("--beam-width=4294967295", "--beam-width"),
                 ("--queries-in-flight=0", "--queries-in-flight"),
                 ("--queries-in-flight=4097", "--queries-in-flight"),
                 ("--beam-width=256", "reads in flight", "--queries-in-flight=65"),
                 ("--page-limit=9", "--page-limit"), ("--page-limit=1", "--page-limit"),
                 ("--threads=1025", "threads"), ("--io=mmap", "io"), ("--repeat=0", "repeat"),
                 ("--warm-up=-1", "warm-up")]
        programs.in_parallel(lambda case: self.fails(
            *self.search_command(case[0], *case[2:]), words=(case[1],)), cases)

    def test_more_threads_than_any_machine_has(self):
        """Every program that takes threads refuses them before it works."""
        words = ("threads: expected 0 to 1024, found 100000",)
        truth = self.folder / "truth.ibin"
        for program, options in (
                ("make-ground-truth", ("--vectors", self.base, "--queries", self.queries, "--k", 5,
                                       "--output", truth)),
                ("describe-vectors", ("--vectors", self.base)),
                ("relayout-index", ("--index", self.index, "--workload", self.queries)),
                ("search-index", ("--index", self.index, "--queries", self.queries))):
            self.fails(program, *options, "--threads", 100000, words=words)
        self.assertFalse(truth.exists())

    def test_k_beyond_all_memory(self):
        """An impossible k is refused before room for its answers is asked for."""
        for k in (10 ** 9, 4 * 10 ** 9):
            self.fails(*self.search_command("--k", k, "--search-list", 4 * 10 ** 9), words=("--k:",),
                       statuses=(2,), preexec_fn=programs.limited(resource.RLIMIT_AS, 4 << 30))

    def test_dataset_beyond_all_memory(self):
        """make-dataset takes up to 2^32 - 1 clusters; what does not fit is an error."""
        self.fails("make-dataset", "--output", self.folder / "d", "--clusters", 2 ** 32 - 1,
                   preexec_fn=programs.limited(resource.RLIMIT_AS, 4 << 30))

    def test_page_limit_is_honoured(self):
        """No query reads more pages on average than the limit, and k answers come back."""
        limits = ((10, 1), (10, 4), (10, 256), (11, 3), (15, 8), (40, 1))
        for case in itertools.product(limits, ((), ("--cache-vertices", 0))):
            (limit, width), cache = case
            (row,) = self.report(self.index, self.queries, "--page-limit", limit, "--beam-width",
                                 width, "--search-list", 500, *cache)["rows"]
            self.assertLessEqual(row["pages_read_per_query"], limit, case)
            self.assertGreater(row["pages_read_per_query"], limit * 0.9, case)
        for query in programs.read_bin(self.queries)[:6]:
            alone = write_bin(self.folder / "alone.fbin", [query])
            report = json.loads(self.done(
                "search-index", "--index", self.index, "--queries", alone, "--json", "-",
                "--page-limit", 12, "--beam-width", 5, "--search-list", 500).out)
            self.assertLessEqual(report["rows"][0]["pages_read_per_query"], 12)
        ids, _ = self.search(self.index, self.queries, "--page-limit", 10, "--search-list", 500)
        for row in ids:
            self.assertEqual(len(set(row)), 10)
            self.assertLess(max(row), 2000)

    def test_small_graphs_and_codes(self):
        """One edge per vertex, one candidate, one byte: poor, but every vertex is reached."""
        truth = self.search(self.index, self.queries, "--search-list", 2000)

        def one(options):
            index = self.build(self.base, self.folder / f"index{options[0]}{options[1]}", *options)
            self.verified(index)
            self.assertEqual(self.search(index, self.queries, "--search-list", 2000), truth)
        programs.in_parallel(one, (
            ("--max-degree", 1), ("--build-list", 1), ("--code-bytes", 1), ("--alpha", 10),
            ("--max-degree", 255, "--build-list", 20)))

    def test_memory_budget(self):
        """A budget that is too small is refused with the figure needed, which is enough."""
        index = self.folder / "index"
        build = ("build-index", "--vectors", self.base, "--index", index, "--memory-budget")
        refused = self.fails(*build, "1MiB", words=("--memory-budget", "1048576"), statuses=(1,))
        self.assertFalse(index.exists())
        needed = int(refused.err.split("needs ")[1].split()[0])
        self.fails(*build, needed - 1, words=(needed,), statuses=(1,))
        report = json.loads(self.done(*build, needed, "--json", "-").out)
        self.assertLessEqual(report["peak_resident_bytes"], needed)

    def test_memory_budget_with_large_pages(self):
        """The budget holds where pages are 64 KiB as well."""
        rows = gaussian_rows(20, 12000)
        vectors = write_bin(self.folder / "wide.fbin", rows)
        build = ("build-index", "--vectors", vectors, "--index", self.folder / "index", "--threads",
                 1, "--memory-budget")
        refused = self.fails(*build, "1MiB", words=("--memory-budget",))
        needed = int(refused.err.split("needs ")[1].split()[0])
        report = json.loads(self.done(*build, needed, "--json", "-").out)
        self.assertLessEqual(report["peak_resident_bytes"], needed)

    def test_negative_sizes_and_seeds(self):
        """A minus sign does not turn into a huge number."""
        for option in ("--memory-budget=-1", "--seed=-1", "--seed=18446744073709551616"):
            with self.subTest(option=option):
                self.fails("build-index", "--vectors", self.base, "--index",
                           self.folder / option, option, statuses=(2,))

    def test_kernel_without_io_uring(self):
        """Containers forbid it: auto says so and reads otherwise, uring is an error."""
        right = self.search(self.index, self.queries)
        result = self.folder / "result.ibin"
        forbidden = {"preexec_fn": programs.without_io_uring}
        fell_back = self.done(*self.search_command("--result", result, "--json", "-"), **forbidden)
        self.assertEqual(json.loads(fell_back.out)["machine"]["io"], "pread")
        self.assertIn("io_uring", fell_back.err)
        self.assertEqual(read_truth(result), right)
        self.fails(*self.search_command("--io", "uring"), words=("io_uring",), statuses=(1,),
                   **forbidden)


class UnusualDataTest(ProgramTest):
    """Data that breaks other systems."""

    def answers(self, base, queries, k, *options, metric="l2"):
        """Builds, verifies and searches."""
        index = self.folder / f"index-{base.stem}-{metric}"
        self.verified(self.build(base, index, "--metric", metric))
        return self.search(index, queries, "--k", k, *options)

    def each_type_and_metric(self, one):
        """one(element type, extension, metric) for all of them, in parallel."""
        programs.in_parallel(lambda case: one(*case), [
            (name, ELEMENTS[name][0], metric) for name in ELEMENTS for metric in METRICS])

    def test_all_duplicates(self):
        """500 copies of one vector: k different rows at distance 0 (or the vector's product)."""
        def one(name, extension, metric):
            base = write_bin(self.folder / f"same-{name}-{metric}.{extension}", [[2] * 12] * 500)
            ids, distances = self.answers(base, base, 10, "--search-list", 20, metric=metric)
            for row, found in zip(ids, distances):
                self.assertEqual(len(set(row)), 10, (name, metric))
                self.assertEqual(found, (48 if metric == "ip" else 0,) * 10, (name, metric))
        self.each_type_and_metric(one)

    def test_one_vector(self):
        """The only answer is row 0 at distance 0; two answers are an error."""
        def one(name, extension, metric):
            base = write_bin(self.folder / f"one-{name}-{metric}.{extension}", [[3] * 7])
            ids, distances = self.answers(base, base, 1, metric=metric)
            self.assertEqual(ids, [(0,)])
            self.assertAlmostEqual(distances[0][0], 63 if metric == "ip" else 0, 6)
            self.fails("search-index", "--index", self.folder / f"index-{base.stem}-{metric}",
                       "--queries", base, "--k", 2, words=("--k:", 1, 2), statuses=(2,))
        self.each_type_and_metric(one)

    def test_fewer_vectors_than_k(self):
        """k = 10 of 9 vectors is an error, k = 9 gives them all."""
        base = write_bin(self.folder / "nine.fbin", gaussian_rows(9, 16))
        ids, _ = self.answers(base, base, 9)
        self.assertTrue(all(sorted(row) == list(range(9)) for row in ids))
        self.fails("search-index", "--index", self.folder / "index-nine-l2", "--queries", base,
                   words=("--k:", "9", "10"), statuses=(2,))

    def test_zero_vectors(self):
        """Zeros have no direction: cosine distance 1, no NaN, and the other metrics give 0."""
        zeros = write_bin(self.folder / "zeros.fbin", [[0.0] * 16] * 100)
        for metric, distance in (("l2", 0), ("ip", 0), ("cosine", 1)):
            ids, distances = self.answers(zeros, zeros, 10, metric=metric)
            self.assertTrue(all(row == (distance,) * 10 for row in distances), metric)
            self.assertTrue(all(len(set(row)) == 10 for row in ids), metric)

    def test_rows_too_short_for_a_direction(self):
        """Squares of 1e-22 have no digits left in float32: cosine refuses them, L2 does not."""
        rows = gaussian_rows(40, 8)
        rows[7] = [value * 1e-22 for value in rows[7]]
        short = write_bin(self.folder / "short.fbin", rows)
        truth, index = self.folder / "truth.ibin", self.folder / "index-short"
        words = ("row 7: expected a squared length of 0 or at least 1e-37, found less",)
        build = ("--vectors", short, "--index", index)
        find = ("--vectors", short, "--queries", short, "--k", 3, "--output", truth)
        self.fails("build-index", *build, "--metric", "cosine", words=words)
        self.fails("make-ground-truth", *find, "--metric", "cosine", words=words)
        self.assertFalse(index.exists() or truth.exists())
        self.done("build-index", *build, "--metric", "l2", "--quiet")
        self.done("make-ground-truth", *find, "--metric", "l2", "--quiet")
        whole = write_bin(self.folder / "whole.fbin", gaussian_rows(40, 8))
        self.done("build-index", "--vectors", whole, "--index", self.folder / "whole", "--metric", "cosine", "--quiet")
        self.fails("search-index", "--index", self.folder / "whole", "--queries", short,
                   words=("query 7: expected a squared length",))

    def test_names_of_any_kind(self):
        """Spaces, quotes, other alphabets, bytes that are no text: names like any other."""
        data = programs.make_dataset(self.folder / "data", vectors=500, queries=6, dimension=8)
        for name in ("two words", "Größe", "ディレクトリ", "a'b\"c$d;e", b"\xff\xfe".decode(
                errors="surrogateescape"), "-dash", "line\nbreak"):
            folder = self.folder / name
            folder.mkdir()
            base = pathlib.Path(shutil.copy(data / "base.fbin", folder / f"{name}.fbin"))
            index = self.build(base, folder / name)
            self.verified(index)
            self.search(index, data / "query.fbin")

    def test_every_dimension(self):
        """Dimensions that fill no register: exact answers for all element types and metrics."""
        draw = random.Random(SEED)

        def one(case):
            dimension, name, metric = case
            extension = ELEMENTS[name][0]
            data = programs.make_dataset(self.folder / f"{dimension}-{name}-{metric}", vectors=500,
                                         queries=6, dimension=dimension, element_type=name)
            base, queries = data / f"base.{extension}", data / f"query.{extension}"
            index = self.build(base, data / "index", "--metric", metric, "--threads", 1)
            ids, distances = self.search(index, queries, "--search-list", 500, "--threads", 1)
            rows = programs.read_bin(base)
            for query, found, at in zip(programs.read_bin(queries), ids, distances):
                exact = programs.brute_force(rows, query, metric, 10)
                self.assertEqual(len(set(found)), 10)
                for distance, (_, right) in zip(at, exact):
                    tolerance = 1e-3 * max(1.0, abs(right)) if metric != "cosine" else 1e-5
                    self.assertAlmostEqual(distance, right, delta=tolerance, msg=case)
        cases = [(dimension, name, metric) for name in ELEMENTS for metric in METRICS
                 for dimension in (1, draw.choice((3, 5, 7)), draw.choice((17, 31, 33, 63)))]
        programs.in_parallel(one, cases)

    def test_queries_far_from_all_data(self):
        """A million times as far as the data reaches: the nearest rows all the same."""
        rows = gaussian_rows(1000, 24)
        base = write_bin(self.folder / "base.fbin", rows)
        far = [[value * 1e6 for value in row] for row in gaussian_rows(20, 24, seed=SEED + 1)]
        queries = write_bin(self.folder / "far.fbin", far)
        for metric in METRICS:
            ids, distances = self.answers(base, queries, 10, "--search-list", 1000, metric=metric)
            for query, found, at in zip(far, ids, distances):
                self.assertEqual(len(set(found)), 10)
                right = programs.brute_force(rows, query, metric, 10)
                self.assertAlmostEqual(at[0] / right[0][1], 1, delta=1e-4)
                if metric != "l2":  # whose distances are equal within float32
                    self.assertEqual(found[0], right[0][0])

    def test_values_whose_products_overflow(self):
        """Finite float32 rows of 1e20: no answer is NaN (an error or a right answer)."""
        rows = [[value * 1e20 for value in row] for row in gaussian_rows(300, 16)]
        base = write_bin(self.folder / "huge.fbin", rows)
        for metric in METRICS:
            with self.subTest(metric=metric):
                index = self.folder / f"index-{metric}"
                built = programs.run("build-index", "--vectors", base, "--index", index,
                                     "--metric", metric)
                if built.status != 0:
                    self.refused(built, base, statuses=(1,))
                    continue
                _, distances = self.search(index, base)
                self.assertFalse(any(math.isnan(value) for row in distances for value in row))

    def test_record_larger_than_a_page(self):
        """2,000 float32 need 8 KiB: chosen unasked; an explicit 4 KiB is refused with a reason."""
        rows = gaussian_rows(60, 2000)
        base = write_bin(self.folder / "wide.fbin", rows)
        index = self.folder / "index"
        self.fails("build-index", "--vectors", base, "--index", index, "--page-size", 4096,
                   words=("--page-size", 8000, 4096), statuses=(1,))
        self.assertFalse(index.exists())
        built = self.done("build-index", "--vectors", base, "--index", index, "--json", "-")
        self.assertEqual(json.loads(built.out)["layout"]["page_size_bytes"], 8192)
        self.verified(index)
        ids, _ = self.search(index, base, "--k", 5)
        self.assertEqual([row[0] for row in ids], list(range(60)))
        too_wide = write_bin(self.folder / "widest.fbin", [[1.0] * 16384] * 3)
        self.fails("build-index", "--vectors", too_wide, "--index", self.folder / "none",
                   words=("--page-size", 65536), statuses=(1,))


class FolderTest(DatasetTest):
    """What a build finds in its folder, and what it leaves there."""

    def rebuild(self, index, *options):
        """build-index with the class's vectors, however it ends."""
        return programs.run("build-index", "--vectors", self.base, "--index", index, "--quiet",
                            *options)

    def test_leftovers_of_unfinished_builds_are_removed(self):
        """Files that only Trackway names so, whole or partial, without a manifest."""
        index = self.folder / "index"
        index.mkdir()
        for name in ("shard-0000.0123456789abcdef.pages", "shard-0000.0123456789abcdef.codes",
                     "shard-0001.0123456789abcdef.codebook.partial", "manifest.json.partial"):
            (index / name).write_bytes(b"stale")
        self.assertEqual(self.rebuild(index).status, 0)
        self.assertEqual(contents(index), contents(self.index))

    def test_leftovers_beside_an_index_are_removed(self):
        """--overwrite removes what the manifest does not list."""
        index = self.copy_of_index()
        (index / "shard-0007.0123456789abcdef.pages").write_bytes(b"stale")
        self.assertEqual(self.rebuild(index, "--overwrite").status, 0)
        self.assertEqual(contents(index), contents(self.index))

    def test_foreign_files_are_refused(self):
        """Names that are not Trackway's stay, and so does everything beside them."""
        def one(name):
            index = self.folder / f"index-{name}"
            index.mkdir()
            stale = index / "shard-0000.0123456789abcdef.codes.partial"
            for path in (index / name, stale):
                path.write_bytes(b"mine")
            for options in ((), ("--overwrite",)):
                self.refused(self.rebuild(index, *options), index, name, statuses=(1,))
                self.assertEqual(contents(index), {name: b"mine", stale.name: b"mine"})
            (index / name).unlink()
            self.assertEqual(self.rebuild(index).status, 0)
            self.assertEqual(contents(index), contents(self.index))
        programs.in_parallel(one, (
            "notes.txt", "shard-0000.0123456789abcdef.pages.old", "shard-0.pages",
            "manifest.json.bak", "shard-0000.0123456789ABCDEF.pages", ".hidden"))

    def test_an_index_is_refused_without_overwrite(self):
        """Also one whose manifest cannot be read."""
        index = self.copy_of_index()
        before = contents(index)
        self.refused(self.rebuild(index), index, "holds an index", statuses=(1,))
        self.assertEqual(contents(index), before)
        (index / "manifest.json").write_bytes(b"{")
        before = contents(index)
        self.refused(self.rebuild(index), index, "holds an index", statuses=(1,))
        self.assertEqual(contents(index), before)
        self.assertEqual(self.rebuild(index, "--overwrite").status, 0)
        self.assertEqual(contents(index), contents(self.index))

    def test_failed_overwrite_leaves_the_old_index(self):
        """Options, input and disk space that fail after the folder was opened."""
        index = self.copy_of_index()
        before = contents(index)
        nan = write_bin(self.folder / "nan.fbin", gaussian_rows(50, 8) + [[math.nan] * 8])
        build = ("build-index", "--index", index, "--overwrite", "--vectors")
        self.fails(*build, nan, words=(nan, "row 50"))
        self.assertEqual(contents(index), before)
        self.fails(*build, self.base, "--seed", 2, words=(index, "cannot write", "too large"),
                   preexec_fn=programs.limited(resource.RLIMIT_FSIZE, 100000),
                   restore_signals=False)
        self.assertEqual(contents(index), before)

    def test_failed_build_leaves_nothing_half_written(self):
        """A full disk, as far as a test can make one: nothing half-written is left."""
        def one(limit):
            index = self.folder / f"index-{limit}"
            self.fails("build-index", "--vectors", self.base, "--index", index,
                       words=(index, "cannot write"), restore_signals=False,
                       preexec_fn=programs.limited(resource.RLIMIT_FSIZE, limit))
            self.nothing_half_written(index)
        pages = programs.part_of(self.index, "pages").stat().st_size
        programs.in_parallel(one, (0, 4096, 100000, pages - 1))

    def test_too_few_descriptors(self):
        """With few open files allowed: the work is done, or an error leaves nothing behind."""
        def one(limit):
            allowed = {"preexec_fn": programs.limited(resource.RLIMIT_NOFILE, limit)}
            index = self.folder / f"index-{limit}"
            built = programs.run("build-index", "--vectors", self.base, "--index", index, **allowed)
            searched = programs.run("search-index", "--index", self.index, "--queries",
                                    self.queries, "--threads", 4, **allowed)
            for finished in (built, searched):
                if finished.status != 0:
                    self.refused(finished, "Too many open files", statuses=(1,))
            if built.status != 0:
                self.nothing_half_written(index)
            return built.status
        statuses = programs.in_parallel(one, range(4, 16))
        self.assertEqual((statuses[0], statuses[-1]), (1, 0))

    def test_manifest_that_is_a_folder(self):
        """The build cannot give its manifest the name, says so, and leaves nothing behind."""
        index = self.folder / "index"
        (index / "manifest.json").mkdir(parents=True)
        self.refused(self.rebuild(index, "--overwrite"), "manifest.json", statuses=(1,))
        self.assertEqual(os.listdir(index), ["manifest.json"])

    def test_folders_that_cannot_be_made(self):
        """A missing parent, a file in the way, a link to itself, no permission."""
        loop, closed = self.folder / "loop", self.folder / "closed"
        loop.symlink_to("loop")
        closed.mkdir(mode=0o500)
        for index in (self.folder / "none" / "index", self.base, self.base / "index", loop,
                      closed / "index"):
            self.fails("build-index", "--vectors", self.base, "--index", index, words=(index,),
                       statuses=(1,), preexec_fn=programs.without_rights)

    def test_outputs_that_cannot_be_written(self):
        """The name and the reason, and no half-written file."""
        for option, name in (("--json", "none/x.json"), ("--json", ""), ("--result", "none/x.ibin"),
                             ("--result", "no-such-folder/x.npy")):
            path = self.folder / name
            finished = self.fails("search-index", "--index", self.index, "--queries", self.queries,
                                  option, path, words=(path,), statuses=(1,))
            self.assertEqual(os.listdir(self.folder), [], finished)

    def test_report_does_not_replace_what_is_no_regular_file(self):
        """--json /dev/null must not turn the device into a file; a FIFO stands in for it here."""
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        programs.run("search-index", "--index", self.index, "--queries", self.queries, "--json",
                     fifo)
        self.assertTrue(fifo.is_fifo())


class LimitsTest(programs.DatasetTest):
    """Little memory and few threads: an error that says so, never a signal."""
    SHAPE = (1000, 16)
    BUILD_OPTIONS = ("--code-type", "pq")

    def test_threads_that_cannot_be_started(self):
        """Address space for a few stacks, as a container may leave it; status 1, whatever asks."""
        many = {"build-index": ("--vectors", self.base, "--index", self.folder / "x"),
                "make-ground-truth": ("--vectors", self.base, "--queries", self.queries, "--output",
                                      self.folder / "t.ibin"),
                "search-index": ("--index", self.index, "--queries", self.queries)}
        for program, options in many.items():
            for mebibytes in (20, 60, 120):
                finished = programs.run(program, *options, "--threads", 64,
                                        preexec_fn=programs.limited(resource.RLIMIT_AS, mebibytes << 20))
                self.refused(finished, statuses=(1, 127))  # 127: not even its libraries fit
        finished = programs.run("make-ground-truth", *many["make-ground-truth"], "--threads", 64,
                                preexec_fn=programs.limited(resource.RLIMIT_AS, 200 << 20))
        self.refused(finished, "64 cannot be started", "ask for so many", statuses=(1,))

    def test_memory_follows_the_queries(self):
        """What is allowed to be in flight takes no memory, only what is."""
        process = programs.start("search-index", "--index", self.index, "--queries", self.queries,
                                 "--threads", 16, "--queries-in-flight", 4096, "--quiet",
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        self.assertEqual(status, 0)
        self.assertLess(usage.ru_maxrss, 300000)  # KiB; threads x queries x reads took 2.8 GB


if __name__ == "__main__":
    programs.main()
