"""Separate shards: built, killed, run in parts, searched alone, together and when one is gone."""
import array
import json
import os
import random
import shutil
import time

import programs
from programs import DatasetTest, contents, finish, start

SEED = 20261122
SHARDS = 3
KILLS = int(os.environ.get("TRACKWAY_KILLS", "6"))


class SeparateShardsTest(DatasetTest):
    """6,000 x 24 float32 with a workload."""
    SHAPE = (6000, 24)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.build_options = ("build-index", "--vectors", cls.base, "--workload", cls.queries,
                             "--build-list", 40, "--max-degree", 24, "--graph", "separate",
                             "--shards", SHARDS, "--quiet")
        cls.whole = cls.shared / "whole"
        started = time.monotonic()
        finished = programs.run(*cls.build_options, "--index", cls.whole)
        assert finished.status == 0, finished
        cls.duration = time.monotonic() - started
        cls.right = contents(cls.whole)
        cls.truth = cls.shared / "truth.ibin"
        finished = programs.run("make-ground-truth", "--vectors", cls.base, "--queries",
                                cls.queries, "--output", cls.truth, "--k", 10)
        assert finished.status == 0, finished

    def row(self, index, *options):
        """The report's row of a search."""
        return json.loads(self.done("search-index", "--index", index, "--queries", self.queries,
                                    "--ground-truth", self.truth, "--search-list", 40, "--json",
                                    "-", *options).out)["rows"][0]

    def test_probes(self):
        """The fewer shards a query searches the less it finds; left to itself it finds most."""
        rows = [self.row(self.whole, "--shard-share", 1, "--shard-probes", probes)
                for probes in range(1, SHARDS + 1)]
        for probes, row in enumerate(rows, 1):
            self.assertEqual(row["shards_probed_per_query"], probes)
            self.assertEqual(row["partial_answers"], 0)
        for before, after in zip(rows, rows[1:]):
            self.assertLess(before["recall"], after["recall"])
        self.assertLess(rows[0]["pages_read_per_query"], rows[-1]["pages_read_per_query"])
        usual = self.row(self.whole)
        self.assertGreater(usual["recall"], 0.95 * rows[-1]["recall"])
        self.assertLessEqual(usual["shards_probed_per_query"], SHARDS)
        bounded = self.row(self.whole, "--memory-budget", "600KiB")
        self.assertGreater(bounded["recall"], usual["recall"] - 0.02)

    def test_inspect_and_refusals(self):
        """All shards verify; what a set of shards cannot do is said."""
        seen = self.done("inspect-index", "--index", self.whole, "--verify").out
        self.assertEqual(seen.count("verified"), SHARDS)
        for arguments, words in (
                (("--memory-budget", "10KiB"), ("--memory-budget", "largest shard")),
                (("--cache-vertices", 5), ("separate shards",)),
                (("--shard-share", 2), ("--shard-share",))):
            self.fails("search-index", "--index", self.whole, "--queries", self.queries,
                       *arguments, words=words)
        self.fails("relayout-index", "--index", self.whole, "--workload", self.queries,
                   words=("separate shards",), statuses=(1,))
        self.fails(*self.build_options, "--index", self.folder / "x", "--vector-encoding", "sq8",
                   words=("--vector-encoding", "separate"), statuses=(1,))
        self.fails(*self.build_options, "--index", self.folder / "x", "--probe-disk",
                   words=("probe", "separate"), statuses=(1,))
        self.assertFalse((self.folder / "x").exists())

    def test_shard_that_is_gone(self):
        """An error that names it, or answers that are counted as partial."""
        index = self.folder / "index"
        shutil.copytree(self.whole, index)
        folder = next(path for path in index.iterdir()
                      if path.name.startswith("shard-0001") and path.is_dir())
        alone = self.folder / "moved"
        folder.rename(alone)
        self.fails("search-index", "--index", index, "--queries", self.queries,
                   words=("shard 1", folder.name), statuses=(1,))
        finished = self.done("search-index", "--index", index, "--queries", self.queries,
                             "--allow-partial", "--json", "-")
        self.assertIn(f"left out: shard 1: {index / folder.name}", finished.err)
        self.assertEqual(len(json.loads(finished.out)["index"]["shard_errors"]), 1)
        row = self.row(index, "--allow-partial", "--shard-share", 1)
        self.assertEqual(row["partial_answers"], row["queries"])
        self.assertEqual(row["shards_probed_per_query"], SHARDS - 1)
        self.assertLess(self.row(alone)["recall"], 1)  # rows of the dataset, found in one shard
        self.assertGreater(self.row(alone)["recall"], 0.1)

    def test_shard_of_another_set(self):
        """Of as many vectors, in its place: an error, not wrong answers."""
        doubled = self.folder / "doubled.fbin"
        head, rows = self.base.read_bytes()[:8], array.array("f", self.base.read_bytes()[8:])
        doubled.write_bytes(head + array.array("f", [2 * x for x in rows]).tobytes())
        other = self.folder / "other"
        options = [doubled if option == self.base else option for option in self.build_options]
        self.done(*options, "--index", other)
        index = self.folder / "index"
        shutil.copytree(self.whole, index)
        mine, others = (next(path for path in folder.iterdir()
                             if path.name.startswith("shard-0001") and path.is_dir())
                        for folder in (index, other))
        shutil.rmtree(mine)
        shutil.copytree(others, mine)
        for command in (("search-index", "--queries", self.queries), ("inspect-index", "--verify")):
            self.fails(command[0], "--index", index, *command[1:],
                       words=(mine.name, "expected"), statuses=(1,))

    def test_kill_at_random_moments(self):
        """The next build finishes, to the same bytes."""
        draw = random.Random(SEED)
        self.killed_builds(self.build_options, self.right,
                           [draw.uniform(0, 1.1 * self.duration) for _ in range(KILLS)])

    def test_parts_and_threads(self):
        """As a cluster would, shards at the same time, with other numbers of threads."""
        index = self.folder / "index"
        options = (*self.build_options, "--index", index, "--stage")
        self.fails(*options, "graph", "--shard", 1, words=(index, "cannot open"), statuses=(1,))
        self.done(*options, "partition")
        parts = [start(*options, "graph", "--shard", shard, "--threads", 1 + shard)
                 for shard in range(SHARDS)]
        for part in parts:
            self.assertEqual(finish(part).status, 0)
        report = json.loads(self.done(*options, "finish", "--json", "-").out)
        self.assertIn("shard-0002", report["stages_resumed"])
        self.assertEqual(report["dimension"], self.SHAPE[1])
        self.assertGreater(report["codes"]["code_bytes"], 0)
        for shard in report["shards"]:
            self.assertGreater(shard["pages"], 0)
            self.assertGreater(shard["mean_degree"], 1)
        self.assertEqual(contents(index), self.right)
        self.assertFalse((index / "build.work").exists())


if __name__ == "__main__":
    programs.main()
