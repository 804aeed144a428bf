"""Builds in shards: budgets, kills, parts that run one by one, bad options and workloads."""
import json
import os
import random
import shutil
import time

import programs
from programs import DatasetTest, contents, finish, start

SEED = 20261121
SHARDS = ("--shards", 3)
KILLS = int(os.environ.get("TRACKWAY_KILLS", "12"))


class ShardsTest(DatasetTest):
    """6,000 x 24 float32 with a workload."""
    SHAPE = (6000, 24)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.build_options = ("build-index", "--vectors", cls.base, "--workload", cls.queries,
                             "--build-list", 40, "--max-degree", 24, "--quiet")
        cls.whole = cls.shared / "whole"
        started = time.monotonic()
        finished = programs.run(*cls.build_options, *SHARDS, "--index", cls.whole)
        assert finished.status == 0, finished
        cls.duration = time.monotonic() - started
        cls.right = contents(cls.whole)

    def begin(self, index, *options):
        return start(*self.build_options, *SHARDS, "--index", index, *options)

    def test_index_of_shards(self):
        """It verifies, has a page file for each shard, and is as good as one of one shard."""
        self.assertEqual(len([name for name in self.right if name.endswith(".pages")]), 3)
        self.verified(self.whole)
        one = self.folder / "one"
        self.done(*self.build_options, "--index", one)
        truth = self.folder / "truth.ibin"
        self.done("make-ground-truth", "--vectors", self.base, "--queries", self.queries,
                  "--output", truth, "--k", 10)
        rows = [json.loads(self.done(
            "search-index", "--index", index, "--queries", self.queries, "--ground-truth", truth,
            "--search-list", 30, "--cache-vertices", 0, "--beam-width", 1, "--json", "-").out)
            for index in (one, self.whole)]
        self.assertEqual([report["index"]["shards"] for report in rows], [1, 3])
        one, many = (report["rows"][0] for report in rows)
        self.assertGreaterEqual(many["recall"], one["recall"] - 0.02)
        self.assertLessEqual(many["pages_read_per_query"], 1.15 * one["pages_read_per_query"])

    def test_kill_at_random_moments(self):
        """The next build finishes, to the same bytes."""
        draw = random.Random(SEED)
        self.killed_builds((*self.build_options, *SHARDS), self.right,
                           [draw.uniform(0, 1.1 * self.duration) for _ in range(KILLS)])

    def test_kill_after_every_stage(self):
        """As soon as a stage is finished; then what it left is taken."""
        stages = ("partition", "graph-0000", "graph-0001", "graph-0002", "merge", "codes", "trace",
                  "order")

        def one(stage):
            index = self.folder / f"index-{stage}"
            process = self.begin(index)
            record = index / "build.work" / f"{stage}.stage"
            programs.poll(lambda: process.poll() is not None or record.exists())
            process.kill()
            finish(process)
            self.assertFalse((index / "manifest.json").exists(), "too late for this test")
            report = json.loads(self.done(*self.build_options, *SHARDS, "--index", index, "--json",
                                          "-").out)
            self.assertIn(stage, report["stages_resumed"])
            self.assertEqual(contents(index), self.right)
        programs.in_parallel(one, stages, lanes=2)

    def test_damaged_stages_are_made_anew(self):
        """A stage whose file was cut, changed or lost is not trusted."""
        def one(item):
            number, (stage, file) = item
            index = self.folder / f"index-{number}"
            self.done(*self.build_options, *SHARDS, "--index", index, "--stage", "codes")
            path = index / "build.work" / file
            if number % 3 == 0:
                os.truncate(path, path.stat().st_size - 1)
            elif number % 3 == 1:
                data = bytearray(path.read_bytes())
                data[len(data) // 2] ^= 1
                path.write_bytes(data)
            else:
                path.unlink()
            report = json.loads(self.done(*self.build_options, *SHARDS, "--index", index, "--json",
                                          "-").out)
            self.assertNotIn(stage, report["stages_resumed"])
            self.assertEqual(contents(index), self.right)
        cases = [("partition", "vectors.given"), ("partition", "replicas"), ("graph-0001",) * 2,
                 ("merge", "edges"), ("codes", "codec"), ("codes", "codes")]
        programs.in_parallel(one, enumerate(cases), lanes=2)

    def test_parts_one_by_one(self):
        """As a cluster would: graphs of shards at the same time, the same one twice."""
        index = self.folder / "index"
        options = (*self.build_options, *SHARDS, "--index", index, "--stage")
        self.done(*options, "partition")
        parts = [start(*options, "graph", "--shard", shard) for shard in (0, 1, 2, 1)]
        ends = [finish(process) for process in parts]
        self.assertEqual([end.status for end in ends[:1] + ends[2:3]], [0, 0], ends)
        self.assertIn(0, (ends[1].status, ends[3].status))
        for end in ends:
            if end.status != 0:
                self.refused(end, "another program is writing this file", statuses=(1,))
        self.done(*options, "merge")
        report = json.loads(self.done(*options, "finish", "--json", "-").out)
        self.assertIn("graph-0001", report["stages_resumed"])
        self.assertIn("merge", report["stages_resumed"])
        self.assertEqual(contents(index), self.right)

    def test_parts_that_cannot_run(self):
        """Each with its own message."""
        index = self.folder / "index"
        options = (*self.build_options, *SHARDS, "--index", index, "--stage")
        for arguments, words in ((("sort",), ("stage", "sort")),
                                 (("merge", "--shard", 1), ("shard", "merge")),
                                 (("graph", "--shard", 1), (index, "cannot open"))):
            self.fails(*options, *arguments, words=words,
                       statuses=(1,) if "graph" in arguments else (2,))
        index.mkdir()
        self.fails(*options, "graph", "--shard", 1, words=("unfinished build",), statuses=(1,))
        self.done(*options, "partition")
        self.fails(*options, "graph", "--shard", 3, words=("--shard", 3), statuses=(2,))

    def test_threads_change_nothing(self):
        """1 and 4 of them."""
        for threads in (1, 4):
            index = self.folder / f"index-{threads}"
            self.done(*self.build_options, *SHARDS, "--index", index, "--threads", threads)
            self.assertEqual(contents(index), self.right)

    def test_numbers_beyond_their_range(self):
        """More shards than sensible, weights and factors that mean nothing."""
        index = self.folder / "index"
        for option, value, words in (("--shards", 7, ("shards", 6, 7)),
                                     ("--workload-weight", -1, ("--workload-weight",)),
                                     ("--workload-weight", "nan", ("--workload-weight",)),
                                     ("--replica-factor", 0.9, ("--replica-factor",)),
                                     ("--replica-factor", 5, ("--replica-factor",))):
            self.fails(*self.build_options, "--index", index, option, value, words=words,
                       statuses=(2,))
            self.assertFalse(index.exists(), option)


if __name__ == "__main__":
    programs.main()
