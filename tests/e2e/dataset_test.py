"""make-dataset: topics in favour, workloads of their own size, and which bytes hang on what."""
import collections
import math
import pathlib
import shutil
import signal
import tempfile
import time

import programs
from programs import ProgramTest, contents, read_bin

ALWAYS = {"base", "learn", "query", "query-indist"}
SKEWED = {"learn-indist", "learn-drift", "query-drift"}
TOPICS, BASE_ROWS, QUERIES, WORKLOAD = 50, 2000, 1500, 1000
HARMONIC = sum(1 / place for place in range(1, TOPICS + 1))
# Rows of 512 independent numbers: two of the same topic are at a distance of about 32, two of
# different topics at 45, give or take 5 % in both cases.
DIMENSION = 512


def names(folder):
    """The files of a data set, without their extension."""
    return {path.stem for path in folder.iterdir()}


def farthest_first(rows, count):
    """count rows, each the one farthest from those before: one of each topic, since a topic that
    has none yet lies farther away than any row of the others."""
    leaders, distances = [], [math.inf] * len(rows)
    for _ in range(count):
        leaders.append(rows[max(range(len(rows)), key=distances.__getitem__)])
        distances = [min(known, math.dist(row, leaders[-1]))
                     for row, known in zip(rows, distances)]
    return leaders


def nearest(centres, rows):
    """For each row the number of the centre that is nearest."""
    return [min(range(len(centres)), key=lambda i: math.dist(row, centres[i])) for row in rows]


def centres_of(rows, count):
    """The mean of each topic's rows."""
    groups = collections.defaultdict(list)
    for topic, row in zip(nearest(farthest_first(rows, count), rows), rows):
        groups[topic].append(row)
    return [[sum(column) / len(group) for column in zip(*group)] for group in groups.values()]


class MadeDatasetTest(ProgramTest):
    """A test that makes data sets, small ones unless it asks for more."""

    def made(self, name, *options, status=0):
        """The folder that make-dataset wrote with these options, which come after the others."""
        folder = self.folder / name
        finished = programs.run("make-dataset", "--output", folder, "--vectors", 200, "--queries",
                                30, "--dimension", 12, "--intrinsic-dimension", 6, *options)
        self.assertEqual(finished.status, status, finished)
        return folder

    def changed(self, one, other):
        """The files that two folders do not have in common byte by byte."""
        first, second = contents(one), contents(other)
        return {pathlib.Path(name).stem for name in first | second
                if first.get(name) != second.get(name)}


class BytesTest(MadeDatasetTest):
    """The same options and seed give the same bytes; an option changes what it is about."""

    def test_same_seed_same_bytes(self):
        """All files, each unlike the others, and none of them with another seed."""
        for zipf, expected in ((0, ALWAYS), (1.0, ALWAYS | SKEWED)):
            one, again, other = (
                self.made(f"{label}-{zipf}", "--zipf", zipf, "--seed", seed)
                for label, seed in (("one", 5), ("again", 5), ("other", 6)))
            self.assertEqual(names(one), expected)
            self.assertEqual(self.changed(one, again), set())
            self.assertEqual(self.changed(one, other), expected)
            self.assertEqual(len(set(contents(one).values())), len(expected))

    def test_defaults_change_nothing(self):
        """--zipf 0 and --workload-queries 0 are what happens without them."""
        plain = self.made("plain")
        self.assertEqual(names(plain), ALWAYS)
        for number, options in enumerate((("--zipf", 0), ("--zipf=-0.0",),
                                          ("--workload-queries", 0), ("--workload-queries", 30))):
            same = self.made(f"same-{number}", *options)
            self.assertEqual(self.changed(plain, same), set(), options)

    def test_skew_leaves_the_base(self):
        """The exponent is about queries and workloads alone."""
        plain, skewed = self.made("plain"), self.made("skewed", "--zipf", 1)
        self.assertEqual(self.changed(plain, skewed), ALWAYS - {"base"} | SKEWED)
        steeper = self.made("steeper", "--zipf", 1.5)
        self.assertEqual(self.changed(skewed, steeper), ALWAYS - {"base"} | SKEWED)

    def test_one_topic(self):
        """Nothing to prefer, so the exponent changes nothing."""
        plain, skewed = (self.made(f"one-topic-{zipf}", "--clusters", 1, "--zipf", zipf)
                         for zipf in (1, 2))
        self.assertEqual(self.changed(plain, skewed), set())

    def test_workload_has_its_own_size(self):
        """Other files keep their bytes, and a larger workload begins with the smaller one."""
        learn = {"learn", "learn-indist", "learn-drift"}
        plain = self.made("plain", "--zipf", 1)
        for rows in (1, 7, 31, 100):
            sized = self.made(f"sized-{rows}", "--zipf", 1, "--workload-queries", rows)
            self.assertEqual(self.changed(plain, sized), learn)
            for name in learn:
                few, many = sorted((read_bin(folder / f"{name}.fbin") for folder in (plain, sized)),
                                   key=len)
                self.assertEqual(sorted((len(few), len(many))), sorted((30, rows)))
                self.assertEqual(few, many[:len(few)], (name, rows))
            queries = [row for name in ("query", "query-indist", "query-drift")
                       for row in read_bin(sized / f"{name}.fbin")]
            workloads = [row for name in learn for row in read_bin(sized / f"{name}.fbin")]
            self.assertEqual(len(set(queries + workloads)), len(queries) + len(workloads))


class WrongValuesTest(MadeDatasetTest):
    """Refused with status 2 before anything is written."""

    def test_wrong_values(self):
        """Each with the name of the option and, for numbers, what was found."""
        cases = [("--zipf", value) for value in ("-1", "nan", "-nan", "inf", "-inf", "-1e-9",
                                                 "1e999", "1x", "x", "0,5", "")]
        cases += [("--workload-queries", value) for value in ("-1", "4294967296", "x", "")]
        for option, value in cases:
            finished = self.fails("make-dataset", "--output", self.folder / "refused",
                                  f"{option}={value}", words=(option, value), statuses=(2,))
            self.assertEqual(finished.out, "", finished)
        self.made("refused", "--zipf", "-1", status=2)
        self.assertFalse((self.folder / "refused").exists())

    def test_large_exponents(self):
        """Far beyond use, but right: all is about one topic, and it cannot become more than all."""
        steep, steeper = (self.made(f"steep-{zipf}", "--zipf", zipf) for zipf in (60, 1e300))
        self.assertEqual(names(steep), ALWAYS | SKEWED)
        self.assertEqual(self.changed(steep, steeper), set())


class FavouritesTest(ProgramTest):
    """What is asked for how often, on 50 topics that lie far enough apart to be told from each
    other by distance."""

    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="trackway-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        for name, options in (("even", ()), ("skewed", ("--zipf", 1.0))):
            finished = programs.run(
                "make-dataset", "--output", cls.shared / name, "--vectors", BASE_ROWS, "--queries",
                QUERIES, "--workload-queries", WORKLOAD, "--clusters", TOPICS, "--dimension",
                DIMENSION, "--intrinsic-dimension", DIMENSION, "--seed", 4, *options)
            assert finished.status == 0, finished
        base = read_bin(cls.shared / "skewed" / "base.fbin")
        cls.centres = centres_of(base, TOPICS)
        cls.base_counts = collections.Counter(nearest(cls.centres, base))

    def ranked(self, folder, name):
        """The topics of a file, most frequent first, as (topic, share of the rows)."""
        rows = read_bin(self.shared / folder / f"{name}.fbin")
        self.assertEqual(len(rows), WORKLOAD if name.startswith("learn") else QUERIES)
        counts = collections.Counter(nearest(self.centres, rows))
        return [(topic, count / len(rows)) for topic, count in counts.most_common()]

    def test_base_is_even(self):
        """40 rows of each topic on average, which also shows that topics are told apart."""
        self.assertEqual(len(self.base_counts), TOPICS)
        self.assertGreater(min(self.base_counts.values()), BASE_ROWS / TOPICS / 2)
        self.assertLess(max(self.base_counts.values()), BASE_ROWS / TOPICS * 2)

    def test_without_skew(self):
        """No topic of the queries stands out."""
        for name in ("learn", "query", "query-indist"):
            self.assertLess(self.ranked("even", name)[0][1], 2 / TOPICS, name)

    def test_shares_follow_the_law(self):
        """Place r has about 1 / (r H_50) of the rows; the drifted files have other favourites."""
        favourites = {}
        for name in sorted(ALWAYS - {"base"} | SKEWED):
            ranked = self.ranked("skewed", name)
            print(name, "favourite, share:", *ranked[0], "by the law:", 1 / HARMONIC, flush=True)
            for place, (_, share) in enumerate(ranked[:5], 1):
                self.assertAlmostEqual(share, 1 / place / HARMONIC, delta=0.04, msg=(name, place))
            self.assertLess(sum(share for _, share in ranked[25:]), 0.2, name)
            favourites[name] = [topic for topic, _ in ranked[:3]]
        before = {tuple(favourites[name][:1]) for name in ("learn", "query", "learn-indist",
                                                           "query-indist")}
        after = {tuple(favourites[name][:1]) for name in ("learn-drift", "query-drift")}
        self.assertEqual((len(before), len(after)), (1, 1), favourites)
        self.assertNotEqual(before, after)

    def test_drift_keeps_the_distribution(self):
        """Drifted rows lie where the base lies; learn and query lie elsewhere."""
        def middle(name):
            rows = read_bin(self.shared / "skewed" / f"{name}.fbin")
            distances = sorted(min(math.dist(row, c) for c in self.centres) for row in rows)
            return distances[len(rows) // 2]
        inside, outside = middle("query-indist"), middle("query")
        for name in ("learn-indist", "learn-drift", "query-drift"):
            self.assertAlmostEqual(middle(name) / inside, 1, delta=0.03, msg=name)
        self.assertLess(abs(middle("learn") / outside - 1), 0.03)
        self.assertGreater(abs(outside / inside - 1), 0.05)


    def test_stop(self):
        """Within a second or so, also while a million clusters are drawn; nothing half-written."""
        for delay in (0.05, 0.3, 1, 2):
            output = self.folder / f"stopped-{delay}"
            process = programs.start("make-dataset", "--output", output, "--vectors", 3000000, "--dimension", 64,
                                     "--clusters", 1000000)
            self.assertTrue(programs.poll(lambda: programs.takes_signals(process)))
            time.sleep(delay)
            process.send_signal(signal.SIGINT)
            finished = programs.finish(process, timeout=10)  # a second, on a machine with nothing else to do
            self.assertEqual(finished.status, 1, finished)
            self.assertIn("stopped", finished.err)
            self.assertEqual([path for path in output.glob("*")] if output.exists() else [], [])


if __name__ == "__main__":
    programs.main()
