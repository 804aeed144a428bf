"""describe-vectors against the same in Python, and files that it refuses."""
import json
import math
import statistics
import struct

import programs
from programs import ELEMENTS, ProgramTest, brute_force, gaussian_rows, write_bin

NEAREST = 20
KEYS = {"file", "rows", "sampled", "copies_share", "nearest_distance_median",
        "nearest_distance_mean", "distance_mean", "contrast", "times_as_far", "intrinsic_dimension"}


def scaled(row):
    """The row at length 1."""
    length = math.hypot(*row)
    return [value / length for value in row]


def upper_median(values):
    """The median; of two in the middle the larger."""
    return statistics.median_high(values)


def expected(base, rows, held_out):
    """What the report says of rows, all sampled, against base; none of base has copies."""
    lists = []
    for number, row in enumerate(rows):
        found = brute_force(base, row, "l2", NEAREST + held_out)
        lists.append([math.sqrt(d) for i, d in found if not (held_out and i == number)][:NEAREST])
    nearest = [distances[0] for distances in lists]
    pairs = [math.dist(a, b) for i, a in enumerate(rows) for j, b in enumerate(base)
             if not (held_out and i == j)]
    return {"nearest_distance_median": upper_median(nearest),
            "nearest_distance_mean": statistics.mean(nearest),
            "distance_mean": statistics.mean(pairs),
            "contrast": statistics.mean(pairs) / statistics.mean(nearest),
            "intrinsic_dimension": upper_median(
                [(len(d) - 2) / sum(math.log(d[-1] / x) for x in d[:-1]) for d in lists])}


class DescribeTest(ProgramTest):
    """On a few hundred rows, all of which are sampled."""

    def described(self, base, *queries, options=()):
        """The report of these files."""
        queries = ["--queries", *queries] if queries else []
        return json.loads(self.done("describe-vectors", "--vectors", base, *queries, "--json", "-",
                                    *options).out)

    def test_numbers(self):
        """Every number of the report is that of its definition."""
        for name, (extension, _, _) in ELEMENTS.items():
            whole = name in ("uint8", "int8")
            shift = 100 if name == "uint8" else 0
            base, asked = (
                [[round(x) + shift if whole else x for x in row]
                 for row in gaussian_rows(count, 6, 20, seed)] for count, seed in ((150, 1), (40, 2)))
            base_file = write_bin(self.folder / f"base.{extension}", base)
            asked_file = write_bin(self.folder / f"asked.{extension}", asked)
            base, asked = map(programs.read_bin, (base_file, asked_file))
            for metric in programs.METRICS:
                report = self.described(base_file, asked_file, options=("--metric", metric))
                self.assertEqual((report["dimension"], report["element_type"], report["metric"]),
                                 (6, name, metric))
                form = list if metric == "l2" else scaled
                own = expected([form(row) for row in base], [form(row) for row in base], True)
                other = expected([form(row) for row in base], [form(row) for row in asked], False)
                (queries,) = report["queries"]
                for found, right, rows in ((report["vectors"], own, 150), (queries, other, 40)):
                    self.assertEqual(set(found), KEYS)
                    self.assertEqual((found["rows"], found["sampled"]), (rows, rows))
                    for key, value in right.items():
                        self.assertAlmostEqual(found[key] / value, 1, delta=2e-3,
                                               msg=(name, metric, key))
                self.assertAlmostEqual(
                    queries["times_as_far"],
                    queries["nearest_distance_median"] / report["vectors"]["nearest_distance_median"])
                self.assertEqual(report["vectors"]["times_as_far"], 1)

    def test_out_of_distribution(self):
        """Queries that were moved away lie farther; those of the same kind do not."""
        base = write_bin(self.folder / "base.fbin", gaussian_rows(800, 8, seed=1))
        same = write_bin(self.folder / "same.fbin", gaussian_rows(300, 8, seed=2))
        away = write_bin(self.folder / "away.fbin",
                         [[x + 3 for x in row] for row in gaussian_rows(300, 8, seed=3)])
        inside, outside = self.described(base, same, away)["queries"]
        self.assertAlmostEqual(inside["times_as_far"], 1, delta=0.1)
        self.assertGreater(outside["times_as_far"], 3)

    def test_copies(self):
        """A row is a copy if an equal one stands before it; copies are no neighbours."""
        rows = gaussian_rows(200, 5)
        base = write_bin(self.folder / "base.fbin", rows + rows[:30] + rows[:30] + rows[:40])
        report = self.described(base, write_bin(self.folder / "query.fbin", rows[:10] + rows[:10]))
        self.assertAlmostEqual(report["vectors"]["copies_share"], 100 / 300)
        plain = self.described(write_bin(self.folder / "plain.fbin", rows))["vectors"]
        self.assertEqual(plain["copies_share"], 0)
        self.assertLess(abs(report["vectors"]["nearest_distance_mean"] /
                            plain["nearest_distance_mean"] - 1), 0.1)
        (queries,) = report["queries"]
        self.assertEqual((queries["copies_share"], queries["nearest_distance_median"],
                          queries["times_as_far"], queries["contrast"]), (0.5, 0, 0, None))

    def test_zeros_under_cosine(self):
        """They are as far from every row, of the data or not, as the metric says: at distance 1."""
        base = write_bin(self.folder / "base.fbin", [[0.0] * 5] * 40)
        asked = write_bin(self.folder / "asked.fbin", gaussian_rows(30, 5))
        report = self.described(base, asked, options=("--metric", "cosine"))
        for found in (report["vectors"], report["queries"][0]):
            for key in ("nearest_distance_mean", "nearest_distance_median", "distance_mean"):
                self.assertAlmostEqual(found[key], math.sqrt(2), places=6, msg=(found["file"], key))
            self.assertAlmostEqual(found["contrast"], 1)

    def test_too_little_to_tell(self):
        """What a file of one or a few rows, or of equal ones, does not tell is null."""
        one = write_bin(self.folder / "one.u8bin", [[1, 2]])
        report = self.described(one, one)
        self.assertEqual({key for key in KEYS if report["vectors"][key] is None},
                         KEYS - {"file", "rows", "sampled", "copies_share"})
        self.assertEqual(report["queries"][0]["nearest_distance_median"], 0)
        few = self.described(write_bin(self.folder / "few.u8bin", [[1, 2], [1, 3], [4, 4]]))
        self.assertEqual(few["vectors"]["nearest_distance_median"], 1)
        self.assertIsNone(few["vectors"]["intrinsic_dimension"])
        for value in (0, 9):
            equal = self.described(write_bin(self.folder / "equal.u8bin", [[value] * 2] * 50))
            self.assertEqual(equal["vectors"]["copies_share"], 0.98)
            self.assertIsNone(equal["vectors"]["nearest_distance_median"])
        self.done("describe-vectors", "--vectors", one, "--queries", one)

    def test_samples(self):
        """Seeded, and the same for any number of threads."""
        base = write_bin(self.folder / "base.fbin", gaussian_rows(1500, 4))
        whole = self.described(base)
        self.assertEqual(whole["vectors"]["sampled"], 1000)
        few, again, other = (
            self.described(base, options=("--sample", 70, "--seed", seed, "--threads", threads))
            for seed, threads in ((1, 1), (1, 5), (2, 1)))
        self.assertEqual(few["vectors"]["sampled"], 70)
        self.assertEqual(few, again)
        self.assertNotEqual(few, other)
        self.assertLess(abs(few["vectors"]["intrinsic_dimension"] /
                            whole["vectors"]["intrinsic_dimension"] - 1), 0.2)

    def test_report(self):
        """A table unless JSON takes stdout; a file holds the same JSON."""
        base = write_bin(self.folder / "base.fbin", gaussian_rows(100, 4))
        path = self.folder / "report.json"
        shown = self.done("describe-vectors", "--vectors", base, "--queries", base, "--json", path)
        self.assertEqual(json.loads(path.read_text()), self.described(base, base))
        lines = shown.out.splitlines()
        self.assertEqual([line.split()[0] for line in lines],
                         ["euclidean", "file", "base.fbin", "base.fbin"])
        self.assertEqual(shown.err, "")

    def test_refused(self):
        """NaN anywhere, rows of another kind, wrong options."""
        base = write_bin(self.folder / "base.fbin", gaussian_rows(3000, 4))
        broken = self.folder / "broken.fbin"
        data = bytearray(base.read_bytes())
        struct.pack_into("<f", data, 8 + (2345 * 4 + 1) * 4, math.nan)
        broken.write_bytes(data)
        report = self.folder / "report.json"
        for files in ((broken,), (base, "--queries", broken), (base, "--queries", base, broken)):
            self.fails("describe-vectors", "--sample", 2, "--json", report, "--vectors", *files,
                       words=(broken, "row 2345", "NaN"), statuses=(1,))
        for other in (write_bin(self.folder / "wide.fbin", gaussian_rows(5, 5)),
                      write_bin(self.folder / "bytes.u8bin", [[1, 2, 3, 4]])):
            self.fails("describe-vectors", "--vectors", base, "--queries", base, other,
                       "--json", report, words=(other, base, "expected", "found"), statuses=(1,))
        self.assertFalse(report.exists())
        for option in ("--sample=-1", "--sample=x", "--metric=l3", "--seed=", "--threads=-2"):
            self.fails("describe-vectors", "--vectors", base, option,
                       words=(option.split("=")[0],), statuses=(2,))


if __name__ == "__main__":
    programs.main()
