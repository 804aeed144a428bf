"""What somebody meets in the first hour: wrong options, sizes, results to use elsewhere."""
import csv
import json
import os
import subprocess

import numpy

import programs
from programs import DatasetTest, read_truth

QUERIES = 50  # of programs.make_dataset


class FirstHourTest(DatasetTest):
    """One small index, asked in many ways."""
    SHAPE = (600, 12)
    BUILD_OPTIONS = ("--max-degree", 16, "--code-type", "pq")

    def setUp(self):
        super().setUp()
        self.search = ("search-index", "--index", self.index, "--queries", self.queries)

    def test_results_in_every_format(self):
        """The same ids and distances in all of them."""
        found = {}
        for extension in ("ibin", "npy", "csv", "json"):
            found[extension] = self.folder / f"found.{extension}"
            self.done(*self.search, "--k", 5, "--search-list", 30, "--result", found[extension])
        ids, distances = read_truth(found["ibin"])
        array = numpy.load(found["npy"])
        self.assertEqual((array.shape, array["id"].dtype, array["distance"].dtype),
                         ((QUERIES, 5), numpy.dtype("i8"), numpy.dtype("f4")))
        self.assertEqual([tuple(row) for row in array["id"].tolist()], ids)
        self.assertEqual([tuple(row) for row in array["distance"].tolist()], distances)
        rows = json.loads(found["json"].read_text())
        self.assertEqual([tuple(row["ids"]) for row in rows], ids)
        self.assertEqual(numpy.array([row["distances"] for row in rows], "f4").tolist(),
                         array["distance"].tolist())
        with found["csv"].open() as file:
            lines = list(csv.DictReader(file))
        self.assertEqual([(int(line["query"]), int(line["rank"]), int(line["id"])) for line in lines],
                         [(query, rank, one) for query, row in enumerate(ids)
                          for rank, one in enumerate(row)])
        self.assertEqual([numpy.float32(line["distance"]) for line in lines],
                         array["distance"].ravel().tolist())

    def test_results_of_queries_that_failed(self):
        """No vectors, and where there is room the reason; the others are there."""
        index = self.copy_of_index()
        pages = programs.part_of(index, "pages")
        sound = pages.read_bytes()
        size = 4096
        broken = bytearray(sound)
        for at in range(size + 100, len(broken), 3 * size):
            broken[at] ^= 1
        pages.write_bytes(broken)
        results = {kind: self.folder / f"found.{kind}" for kind in ("json", "npy", "csv")}
        for path in results.values():
            self.fails("search-index", "--index", index, "--queries", self.queries, "--search-list", 10,
                       "--cache-vertices", 0, "--result", path,
                       words=("queries failed",), statuses=(1,))
        rows = json.loads(results["json"].read_text())
        failed = [query for query, row in enumerate(rows) if "error" in row]
        self.assertTrue(failed)
        self.assertEqual({len(rows[query]["ids"]) for query in failed}, {0})
        self.assertIn("checksum", rows[failed[0]]["error"])
        array = numpy.load(results["npy"])
        self.assertTrue((array["id"][failed] == -1).all())
        self.assertTrue(numpy.isinf(array["distance"][failed]).all())
        with results["csv"].open() as file:
            self.assertEqual({int(line["query"]) for line in csv.DictReader(file)},
                             set(range(QUERIES)) - set(failed))

    def test_results_never_replace_an_input(self):
        """Nor what lies in the index, nor the report."""
        queries = self.folder / "query.npy"
        self.done("convert-vectors", "--input", self.queries, "--output", queries)
        before = queries.read_bytes()
        for result, report, words in ((queries, self.folder / "r.json", ("--result", "--queries")),
                                      (self.index / "manifest.json", self.folder / "r.json", ("--index",)),
                                      (self.folder / "r.json", self.folder / "r.json", ("--result", "--json"))):
            self.fails("search-index", "--index", self.index, "--queries", queries, "--result", result,
                       "--json", report, words=(*words, "would replace"), statuses=(1,))
        self.assertEqual(queries.read_bytes(), before)
        self.done("inspect-index", "--index", self.index, "--verify")

    def test_folders_named_like_options(self):
        """The name is the user's, not an option: status and message are those of any folder."""
        index = self.copy_of_index("index")
        refused = self.fails("build-index", "--vectors", self.base, "--index", "index", cwd=self.folder,
                             words=("build-index: index: holds an index already",), statuses=(1,))
        self.assertNotIn("--index:", refused.err)
        self.assertTrue((index / "manifest.json").exists())

    def test_wrong_name_of_results(self):
        """Before any search."""
        self.fails(*self.search, "--result", self.folder / "found.txt",
                   words=("--result", ".npy", "found.txt"), statuses=(2,))
        self.assertFalse((self.folder / "found.txt").exists())

    def test_options_misspelt(self):
        """Named, with the one that is near, whatever else is missing."""
        for arguments, words in ((("--querys", "a"), ("--querys", "--queries?")),
                                 (("--indx=b",), ("--indx", "--index?")),
                                 (("--memory_budget", "1GiB"), ("--memory-budget?",)),
                                 (("--nothing-like-it", 1), ("--nothing-like-it",))):
            refused = self.fails("search-index", *arguments, words=words, statuses=(2,))
            self.assertNotIn("required", refused.err)

    def test_configuration_misspelt(self):
        """The file, the key, and the option that was meant."""
        config = self.folder / "config.json"
        config.write_text('{"memory_budget": "1GiB"}')
        self.fails(*self.search, "--config", config,
                   words=(config, "memory_budget", "--memory-budget?"), statuses=(2,))

    def test_values_that_are_no_numbers(self):
        """The option, in dashes."""
        self.fails(*self.search, "--k", "ten", words=("--k: expected a number, found ten",),
                   statuses=(2,))
        self.fails(*self.search, "--k", 601, words=("--k: expected 1 to 600, found 601",),
                   statuses=(2,))

    def test_numbers_are_decimal_and_within_range(self):
        """No octal numbers, and passes that add up to none."""
        for arguments, words in ((("--k", "010"), ("--k", "leading zeros", "010")),
                                 (("--k", "0x10"), ("--k", "leading zeros")),
                                 (("--warm-up", 4294967295), ("--warm-up", "1000000"))):
            self.fails(*self.search, *arguments, words=words, statuses=(2,))

    def test_configurations_that_are_no_files(self):
        """Loops of links and names that are too long."""
        loop = self.folder / "loop"
        loop.symlink_to("loop")
        for config in (loop, self.folder / ("a" * 300)):
            self.fails(*self.search, "--config", config, words=("expected a regular file",), statuses=(2,))

    def test_links_beside_a_result(self):
        """What stands under a name like a temporary one is somebody's."""
        victim = self.folder / "victim"
        victim.write_text("mine")
        (self.folder / "found.csv.partial").symlink_to(victim)
        self.done(*self.search, "--result", self.folder / "found.csv")
        self.assertEqual(victim.read_text(), "mine")
        self.assertFalse((self.folder / "found.csv").is_symlink())
        self.assertEqual(len(list(self.folder.iterdir())), 3)

    def test_closed_standard_files(self):
        """What is printed does not go into the files of an index."""
        def close_all():
            for number in range(3):
                os.close(number)
        command = [os.path.join(programs.BIN, "build-index"), "--vectors", self.base, "--index", self.folder / "index",
                   *map(str, self.BUILD_OPTIONS)]
        self.assertEqual(subprocess.run(command, preexec_fn=close_all, check=False).returncode, 0)
        self.done("inspect-index", "--index", self.folder / "index", "--verify")

    def test_sizes(self):
        """Fractions, any case, with a space; powers of 1,024."""
        for text, size in (("1.5GiB", 3 << 29), ("0.25 mb", 1 << 18), ("17", 17), ("2k", 2048),
                           ("18446744073709551615", 2 ** 64 - 1), ("1.7b", 1), ("0", 0), ("1t", 1 << 40)):
            shown = self.done(*self.search, "--memory-budget", text, "--print-config").out
            self.assertEqual(json.loads(shown)["memory-budget"], size, text)
        for text in ("1.5X", "-1", "GiB", "1e3", "nan", "16777216t", "1..5k", "1 5", "0.5", "-0"):
            self.fails(*self.search, f"--memory-budget={text}",
                       words=("--memory-budget", "1.5GiB"), statuses=(2,))

    def test_help(self):
        """In groups, with an example, lines that fit and no words of the parser's own."""
        for name in ("build-index", "search-index", "inspect-index", "relayout-index",
                     "make-dataset", "make-ground-truth", "convert-vectors", "describe-vectors"):
            shown = self.done(name, "--help").out
            self.assertIn("\nExample:\n  " + name, shown)
            self.assertIn("\nGeneral:\n", shown)
            for word in ("UINT", "REQUIRED", "4294967295", "\n\n\n"):
                self.assertNotIn(word, shown, name)
            usage = shown[shown.index("Usage"):]
            self.assertLessEqual(max(map(len, usage[:usage.index("Example")].splitlines())), 120)

    def test_inspect_as_json(self):
        """What the text says, and what targets are chosen from."""
        report = json.loads(self.done("inspect-index", "--index", self.index, "--verify", "--json",
                                      "-").out)
        self.assertEqual((report["vectors"], report["dimension"], report["max_degree"]),
                         (*self.SHAPE, 16))
        self.assertEqual(report["verified"]["vertices"], self.SHAPE[0])
        recalls = [setting["recall"] for setting in report["calibration"]]
        self.assertEqual(recalls, sorted(recalls))
        self.assertGreater(recalls[-1], 0.9)
        text = self.done("inspect-index", "--index", self.index, "--json",
                         self.folder / "report.json").out
        self.assertIn(report["uuid"], text)
        self.assertNotIn("verified", json.loads((self.folder / "report.json").read_text()))
        self.fails("inspect-index", "--index", self.index, "--covisits", 3, "--json", "-",
                   words=("--covisits",), statuses=(2,))


if __name__ == "__main__":
    programs.main()
