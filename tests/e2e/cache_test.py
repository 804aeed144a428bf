"""What a search keeps in memory, what it records, and the tables that both come from."""
import itertools
import os
import pathlib
import random
import shutil
import struct
import tempfile

import programs
from programs import (SEED, DatasetTest, contents, make_dataset, manifest_of, part_of, run,
                      write_bin)
from sealing import HEADER, seal_table, table_rows, without_identity

VECTORS, QUERIES, DIMENSION, PAGE = 4000, 100, 32, 4096
LIST = ("--search-list", 40)
MOST = 2 ** 32 - 1
TABLES = ("navigation", "hot", "covisits")  # that format 1.0 did not have


class CacheDataTest(DatasetTest):
    """A test with one index of 4,000 x 32 float32, whose trace was kept, and queries like its
    workload."""

    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="trackway-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        cls.data = make_dataset(cls.shared / "data", VECTORS, QUERIES, DIMENSION,
                                options=("--zipf", 1, "--workload-queries", 1000))
        cls.base, cls.queries = cls.data / "base.fbin", cls.data / "query.fbin"
        cls.index, cls.truth = cls.shared / "index", cls.shared / "truth.ibin"
        for command in (
                ("build-index", "--vectors", cls.base, "--index", cls.index, "--page-size", PAGE,
                 "--workload", cls.data / "learn.fbin", "--keep-trace", "--quiet"),
                ("make-ground-truth", "--vectors", cls.base, "--queries", cls.queries, "--output",
                 cls.truth, "--k", 10)):
            finished = run(*command)
            assert finished.status == 0, finished
        cls.listed = manifest_of(cls.index)["hot_vertices"]

    def search_command(self, *options):
        """search-index on the class's index."""
        return ("search-index", "--index", self.index, "--queries", self.queries, *LIST, *options)

    def searched(self, *options):
        """What the report says of the index, and its one row."""
        report = self.report(self.index, self.queries, *LIST, "--ground-truth", self.truth,
                             *options)
        (row,) = report["rows"]
        return report["index"], row


class CacheTest(CacheDataTest):
    """Hot vertices and the budget that they share with the tables."""

    def needed(self):
        """The smallest budget, as the refusal of a smaller one names it."""
        refused = self.fails(*self.search_command("--memory-budget", 1000),
                             words=("--memory-budget", "1000"), statuses=(1,))
        return int(refused.err.split("need ")[1].split()[0])

    def test_budget_that_is_too_small(self):
        """Refused with the figure needed, which is enough for no cache at all."""
        needed = self.needed()
        self.assertGreater(needed, VECTORS * DIMENSION)
        for budget in (1, VECTORS * 8, needed - 1):
            self.fails(*self.search_command("--memory-budget", budget),
                       words=("--memory-budget", needed, budget), statuses=(1,))
        index, row = self.searched("--memory-budget", needed)
        self.assertEqual((index["hot_vertices"], row["pages_from_cache_per_query"]), (0, 0))
        self.assertEqual(index["bytes_of_tables"], needed)

    def test_larger_budgets_read_fewer_pages(self):
        """At the same recall, with more vertices, and never beyond the budget."""
        needed, size = self.needed(), part_of(self.index, "pages").stat().st_size
        steps = []
        for share in (0, 0.02, 0.05, 0.1, 0.2, 4):
            budget = needed + int(share * size)
            index, row = self.searched("--memory-budget", budget)
            parts = index["residence"]["parts"]
            self.assertLessEqual(sum(part["bytes"] for part in parts), budget)
            self.assertEqual([parts[0]["bytes"], parts[2]["bytes"]],
                             [index["bytes_of_tables"], index["bytes_of_hot_vertices"]])
            steps.append((index["hot_vertices"], row["pages_read_per_query"], row["recall"],
                          row["pages_from_cache_per_query"]))
            print(share, *steps[-1], flush=True)
        self.assertEqual((steps[0][0], steps[-1][0]), (0, VECTORS))
        for (hot, pages, _, cached), (more, fewer, recall, again) in itertools.pairwise(steps):
            self.assertLess(hot, more)
            self.assertLess(fewer, pages)
            self.assertLess(cached, again)
            self.assertGreaterEqual(recall, steps[0][2] - 0.01)
        self.assertLess(steps[-2][1], 0.8 * steps[0][1])
        self.assertEqual(steps[-1][1], 0)  # all that is there is resident

    def test_default_is_a_twentieth_of_the_index(self):
        """With sizes as the report has them."""
        index, row = self.searched()
        size = part_of(self.index, "pages").stat().st_size
        self.assertTrue(0.5 * size / 20 <= index["bytes_of_hot_vertices"] <= size / 20)
        same, _ = self.searched("--memory-budget", index["bytes_of_tables"] + size // 20)
        self.assertEqual(same["hot_vertices"], index["hot_vertices"])
        self.assertGreater(row["pages_from_cache_per_query"], 0)

    def test_cache_vertices(self):
        """None, some, all that are listed, and more than there are."""
        rows = {}
        for count in (0, 1, 100, self.listed, self.listed + 1, VECTORS * 10, 2 ** 32, 2 ** 63):
            index, row = self.searched("--cache-vertices", count)
            self.assertEqual(index["hot_vertices"], min(count, self.listed))
            self.assertEqual(index["bytes_of_hot_vertices"] == 0, count == 0)
            self.assertEqual(row["pages_from_cache_per_query"] == 0, count == 0)
            rows[count] = row
        for key in ("pages_read_per_query", "pages_from_cache_per_query", "recall"):
            self.assertEqual(rows[self.listed][key], rows[2 ** 63][key])
        self.assertLess(rows[100]["pages_read_per_query"], rows[0]["pages_read_per_query"])
        self.assertLess(rows[self.listed]["pages_read_per_query"],
                        0.8 * rows[0]["pages_read_per_query"])

    def test_wrong_values(self):
        """Each with the name of its option."""
        for option, value in (("--cache-vertices", "x"), ("--cache-vertices", "1.5"),
                              ("--cache-vertices", ""), ("--memory-budget", "-1"),
                              ("--memory-budget", "1XB"), ("--memory-budget", "")):
            self.fails(*self.search_command(f"{option}={value}"), words=(option,), statuses=(2,))

    def test_numbers_of_vertices_that_are_none(self):
        """A minus sign does not turn into a huge number, and what does not fit is no number."""
        for value in ("-1", "18446744073709551616", "9" * 30):
            with self.subTest(value=value):
                self.fails(*self.search_command(f"--cache-vertices={value}"),
                           words=("--cache-vertices",), statuses=(2,))

    def test_answers_do_not_hang_on_the_cache(self):
        """With a list as long as the index, whatever is resident and however it is searched."""
        exact, few = ("--search-list", VECTORS), self.folder / "few.fbin"
        write_bin(few, programs.read_bin(self.queries)[:25])
        right = self.search(self.index, few, *exact, "--cache-vertices", 0)
        ids, _ = programs.read_truth(self.truth)
        self.assertEqual([sorted(row) for row in right[0]], [sorted(row) for row in ids[:25]])
        for options in itertools.product(
                (("--cache-vertices", 50), ("--cache-vertices", self.listed)),
                ((), ("--expand-share", 1), ("--beam-width", 7, "--queries-in-flight", 3)),
                (("--io", "pread", "--threads", 1), ("--threads", 3))):
            found = self.search(self.index, few, *exact, *itertools.chain(*options))
            self.assertEqual(found, right, options)

    def test_no_answer_twice(self):
        """A resident vertex may come along on a page as well."""
        for cache, share, width, length in itertools.product(
                (100, self.listed), (0, 0.2, 1), (1, 5), (10, 33)):
            ids, distances = self.search(
                self.index, self.queries, "--cache-vertices", cache, "--expand-share", share,
                "--beam-width", width, "--search-list", length)
            for row, at in zip(ids, distances):
                self.assertEqual(len(set(row)), 10, (cache, share, width, length))
                self.assertEqual(list(at), sorted(at))

    def test_expand_share(self):
        """From 0 to 1; what is expanded costs estimates, not pages."""
        rows = {share: self.searched("--expand-share", share, "--cache-vertices", 0)[1]
                for share in (0, 0.1, 0.5, 1)}
        for less, more in itertools.pairwise(rows.values()):
            self.assertLess(less["estimates_per_query"], more["estimates_per_query"])
        self.assertLess(rows[0.1]["pages_read_per_query"], rows[0]["pages_read_per_query"])
        for row in rows.values():
            self.assertGreater(row["recall"], 0.95)
        calibrated = manifest_of(self.index)["expand_share_permille"] / 1000
        _, default = self.searched("--cache-vertices", 0)
        _, asked = self.searched("--cache-vertices", 0, "--expand-share", calibrated)
        for key in ("pages_read_per_query", "estimates_per_query", "recall"):
            self.assertEqual(default[key], asked[key])

    def test_expand_share_out_of_range(self):
        """Named together with what was found."""
        for value in ("-0.1", "1.1", "nan", "-nan", "inf", "-inf", "1e9"):
            self.fails(*self.search_command(f"--expand-share={value}"), words=("expand",))
        for value in ("x", "", "0.1x", "0,1"):
            self.fails(*self.search_command(f"--expand-share={value}"), words=("expand-share",),
                       statuses=(2,))


class RecordTest(CacheDataTest):
    """--record-trace and --record-share."""

    def recorded(self, share, *options, lists="40"):
        """The visits of each recorded query."""
        trace = self.folder / "trace"
        self.done("search-index", "--index", self.index, "--queries", self.queries,
                  "--record-trace", trace, "--record-share", share, "--search-list", lists,
                  *options)
        values = table_rows(trace.read_bytes())
        queries = []
        while values:
            count = values[0]
            self.assertLess(count, len(values))
            queries.append(values[1:1 + count])
            values = values[1 + count:]
        return queries

    def test_what_is_recorded(self):
        """Of each query the vertices that it expanded: places of the index, each once."""
        pages = part_of(self.index, "pages").read_bytes()
        page_count, _, slots = struct.unpack_from("<III", pages, 44)
        used = [struct.unpack_from("<H", pages, at + 12)[0] for at in range(PAGE, len(pages), PAGE)]
        self.assertEqual(len(used), page_count)
        for options in ((), ("--cache-vertices", 0), ("--cache-vertices", self.listed)):
            queries = self.recorded(1, *options)
            self.assertEqual(len(queries), QUERIES)
            for visits in queries:
                self.assertEqual(len(visits), len(set(visits)))
                self.assertGreaterEqual(len(visits), 10)
                self.assertTrue(all(place % slots < used[place // slots] for place in visits))

    def test_shares(self):
        """Evenly spread over all queries, passes and lists, whatever the threads."""
        for share, options, most in ((1, (), QUERIES), (0.5, (), QUERIES // 2), (0.01, (), 1),
                                     (0.1, ("--repeat", 3), QUERIES * 3 // 10),
                                     (0.25, ("--threads", 3), QUERIES // 4)):
            recorded = len(self.recorded(share, *options))
            self.assertTrue(most - 1 <= recorded <= most, (share, options, recorded))
        self.assertEqual(len(self.recorded(1, lists="20,40")), 2 * QUERIES)

    def test_share_of_nothing(self):
        """No query, no trace, and that is said; an old trace stays."""
        trace = self.folder / "trace"
        record = ("--record-trace", trace, "--record-share", 0)
        self.fails(*self.search_command(*record), words=(trace, "no query was recorded"),
                   statuses=(1,))
        self.assertFalse(trace.exists())
        trace.write_bytes(b"old")
        self.fails(*self.search_command(*record), statuses=(1,))
        self.assertEqual(contents(self.folder), {"trace": b"old"})

    def test_shares_out_of_range(self):
        """Refused before anything is searched or written."""
        trace = self.folder / "trace"
        for value in ("2", "1.0001", "-0.1", "nan", "inf", "x", "1e400"):
            self.fails(*self.search_command("--record-trace", trace, f"--record-share={value}"),
                       words=("record",))
            self.assertEqual(os.listdir(self.folder), [])

    def test_traces_that_cannot_be_written(self):
        """The name and the reason, and no half-written file."""
        for name in ("none/trace", ""):
            path = self.folder / name
            self.fails(*self.search_command("--record-trace", path, "--record-share", 1),
                       words=(path,), statuses=(1,))
            self.assertEqual(os.listdir(self.folder), [])

    def test_recording_changes_no_answers(self):
        """Neither what is found nor what it costs."""
        right = self.search(self.index, self.queries, *LIST)
        found = self.search(self.index, self.queries, *LIST, "--record-trace",
                            self.folder / "trace", "--record-share", 1)
        self.assertEqual(found, right)


class DamagedTablesTest(CacheDataTest):
    """Navigation, hot vertices and co-visits that lost or changed bytes. A search needs the first
    two, relayout-index none: it makes them anew."""

    def damaged(self, name, part, change):
        """A copy of the index, of which change(bytes) made one part."""
        index = self.copy_of_index(name)
        path = part_of(index, part)
        path.write_bytes(change(bytearray(path.read_bytes())))
        return index, path

    def refused_by_all(self, index, path):
        """inspect-index --verify names the file; search-index does so or never looks at it; the
        relayout that follows is whole."""
        self.fails("inspect-index", "--index", index, "--verify", words=(path.name,), statuses=(1,))
        searched = run("search-index", "--index", index, "--queries", self.queries, *LIST)
        if path.suffix != ".covisits":
            self.refused(searched, path.name, statuses=(1,))
        else:
            self.assertEqual(searched.status, 0, searched)

    def test_truncated_and_grown(self):
        """At the start, inside and behind the header, in the middle, before the last byte."""
        for part in TABLES:
            size = part_of(self.index, part).stat().st_size
            for keep in (0, 1, 40, 4095, 4096, size // 2, size - 8, size - 1):
                self.refused_by_all(*self.damaged(f"{part}-{keep}", part,
                                                  lambda data, keep=keep: data[:keep]))
            self.refused_by_all(*self.damaged(f"{part}-grown", part, lambda data: data + b"\0"))

    def test_flipped_bits(self):
        """In headers, rows and lists of checksums."""
        draw = random.Random(SEED)
        for part in TABLES:
            size = part_of(self.index, part).stat().st_size
            for at in (0, 9, 16, 20, 30, 41, 45, 50, 57, 200, HEADER, size - 1, *(
                    draw.randrange(HEADER, size) for _ in range(3))):
                def flip(data, at=at):
                    data[at] ^= 1 << draw.randrange(8)
                    return data
                self.refused_by_all(*self.damaged(f"{part}-{at}", part, flip))

    def test_missing(self):
        """The manifest lists them."""
        for part in TABLES:
            index = self.copy_of_index(part)
            path = part_of(index, part)
            path.unlink()
            self.refused_by_all(index, path)

    def sealed(self, name, part, changes):
        """A copy with other numbers at some positions of the rows, and right checksums."""
        def change(data):
            values = table_rows(data)
            for at, value in changes.items():
                values[at] = value
            seal_table(data, struct.pack(f"<{len(values)}I", *values))
            return data
        return self.damaged(name, part, change)

    def out_of_range(self):
        """Name, part and changes of tables whose numbers cannot be."""
        pages = part_of(self.index, "pages").read_bytes()
        page_count, _, slots = struct.unpack_from("<III", pages, 44)
        places, degree = page_count * slots, manifest_of(self.index)["navigation_degree"]
        rows = manifest_of(self.index)["navigation_vertices"]
        hot = table_rows(part_of(self.index, "hot").read_bytes())
        yield from ((f"hot place {place}", "hot", {3: place}) for place in (places, MOST))
        yield "hot place twice", "hot", {7: hot[2]}
        yield from ((f"navigation place {place}", "navigation", {0: place})
                    for place in (places, MOST))
        yield from ((f"navigation degree {d}", "navigation", {2 + degree + 1: d})
                    for d in (degree + 1, MOST))
        yield from ((f"navigation edge {row}", "navigation", {2: row}) for row in (rows, MOST))
        nan, inf, minus = 0x7fc00000, 0x7f800000, 0xbf800000
        yield from ((f"covisits place {place}", "covisits", {3: place}) for place in (places, MOST))
        yield from ((f"covisits other {place}", "covisits", {4: place}) for place in (places, MOST))
        yield from ((f"covisits weight {w}", "covisits", {5: w}) for w in (nan, inf, minus))

    def test_sealed_again(self):
        """The tests of right checksums would prove nothing if sealing were wrong."""
        for part in TABLES:
            index, _ = self.sealed(part, part, {})
            self.assertEqual(contents(index), contents(self.index))

    def test_search_checks_numbers_of_tables(self):
        """Where checksums are right: an error at opening, no crash, no hang."""
        for name, part, changes in self.out_of_range():
            index, path = self.sealed(name, part, changes)
            found = run("search-index", "--index", index, "--queries", self.queries, *LIST)
            if part == "covisits":
                self.assertEqual(found.status, 0, found)
            else:
                self.refused(found, path.name, "offset", statuses=(1,))

    def test_verify_checks_numbers_of_tables(self):
        """What search-index refuses is not sound, and neither are co-visits of no vertices."""
        for part in TABLES:
            with self.subTest(part=part):
                passed = []
                for name, which, changes in self.out_of_range():
                    if which != part:
                        continue
                    index, path = self.sealed(name, part, changes)
                    found = run("inspect-index", "--index", index, "--verify")
                    if found.status == 0:
                        passed.append(name)
                    else:
                        self.refused(found, path.name, statuses=(1,))
                self.assertEqual(passed, [])

    def test_vertices_that_are_none(self):
        """Navigation to places that hold no vertex is an error of the search, and of --verify."""
        pages = part_of(self.index, "pages").read_bytes()
        slots = struct.unpack_from("<I", pages, 52)[0]
        used = [struct.unpack_from("<H", pages, at + 12)[0] for at in range(PAGE, len(pages), PAGE)]
        empty = [page * slots + count for page, count in enumerate(used) if count < slots]
        manifest = manifest_of(self.index)
        stride = 2 + manifest["navigation_degree"]
        changes = {row * stride: empty[row % len(empty)]
                   for row in range(manifest["navigation_vertices"])}
        index, path = self.sealed("empty", "navigation", changes)
        self.fails("search-index", "--index", index, "--queries", self.queries, statuses=(1,))
        with self.subTest("verify"):
            self.fails("inspect-index", "--index", index, "--verify", words=(path.name,),
                       statuses=(1,))

    def test_relayout_makes_them_anew(self):
        """It does not look at tables that it replaces, whatever is in them."""
        options = ("--workload", self.data / "learn.fbin", "--keep-trace", "--quiet")
        for part in TABLES:
            index, _ = self.damaged(part, part, lambda data: data[:100])
            self.done("relayout-index", "--index", index, *options)
            self.verified(index)
            self.assertEqual(without_identity(index), without_identity(self.index))


if __name__ == "__main__":
    programs.main()
