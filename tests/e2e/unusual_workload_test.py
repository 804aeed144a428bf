"""Workloads that are wrong, small, large or unlike anything, and the probe of the disk."""
import json
import math
import os
import signal
import struct
import time

import programs
from crash_test import PATIENCE_S
from programs import (ELEMENTS, PARTS, DatasetTest, contents, gaussian_rows, make_dataset, run,
                      write_bin)

ORDERS = ("affinity", "covisit", "breadth-first", "insertion")
VECTORS, DIMENSION = 1500, 24


class UnusualWorkloadTest(DatasetTest):
    """Workloads and indexes that are small, large or wrong."""
    SHAPE = (VECTORS, DIMENSION)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.workload = cls.data / "learn.fbin"

    def test_wrong_workloads(self):
        """Named with the reason; no folder is made, and an old index stays."""
        folder = self.folder
        old = self.copy_of_index("old")
        before = contents(old)
        nan = gaussian_rows(40, DIMENSION)
        nan[17][3] = math.nan
        os.mkfifo(folder / "fifo.fbin")
        (folder / "empty.fbin").write_bytes(b"")
        (folder / "rows.fbin").write_bytes(struct.pack("<II", 0, DIMENSION))
        (folder / "cut.fbin").write_bytes(self.workload.read_bytes()[:-1])
        cases = [(write_bin(folder / f"{d}.fbin", gaussian_rows(40, d)), DIMENSION,
                  f"dimension {d}") for d in (1, DIMENSION - 1, DIMENSION + 1)]
        cases += [(write_bin(folder / f"x.{extension}", [[1] * DIMENSION] * 40), name)
                  for name, (extension, _, _) in ELEMENTS.items() if name != "float32"]
        cases += [(write_bin(folder / "nan.fbin", nan), "row 17"),
                  (write_bin(folder / "long.fbin", [[1e19] * DIMENSION] * 40), "row 0"),
                  (folder / "empty.fbin", "expected"), (folder / "rows.fbin", "row"),
                  (folder / "cut.fbin", "expected", "found"), (folder / "none.fbin", "No such"),
                  (folder / "fifo.fbin", "special file"), (folder, ""),
                  (self.index / "manifest.json", ".fbin")]
        for path, *words in cases:
            for index, options in ((folder / "index", ()), (old, ("--overwrite",))):
                self.fails("build-index", "--vectors", self.base, "--index", index, "--workload",
                           path, *options, words=(path, *words), statuses=(1,))
            self.assertFalse((folder / "index").exists(), path)
            self.assertEqual(contents(old), before, path)

    def test_small_workloads(self):
        """One query to train or to judge, two, and many that are the same."""
        rows = programs.read_bin(self.workload)
        right = self.search(self.index, self.queries, "--search-list", VECTORS)
        for number, few in enumerate((rows[:1], rows[:2], rows[:1] * 50)):
            path = write_bin(self.folder / f"few-{number}.fbin", few)
            index = self.folder / f"index-{number}"
            report = json.loads(self.done("build-index", "--vectors", self.base, "--index", index,
                                          "--workload", path, "--keep-trace", "--json", "-").out)
            self.verified(index)
            self.assertEqual(report["layout"]["queries_traced"], len(few))
            self.assertEqual(self.search(index, self.queries, "--search-list", VECTORS), right)

    def test_large_workload(self):
        """Of more queries than are traced a sample over the whole file is."""
        base = make_dataset(self.folder / "data", 300, dimension=4,
                            options=("--workload-queries", 60000))
        index = self.folder / "index"
        report = json.loads(self.done("build-index", "--vectors", base / "base.fbin", "--index",
                                      index, "--workload", base / "learn.fbin", "--json",
                                      "-").out)
        self.assertEqual(report["layout"]["queries_traced"], 24576)
        self.verified(index)

    def test_few_vectors(self):
        """One to six vectors, more queries than that, all orders; all are found."""
        rows = gaussian_rows(6, 8)
        workload = write_bin(self.folder / "workload.fbin", gaussian_rows(20, 8))

        def one(case):
            count, order = case
            base = write_bin(self.folder / f"{count}-{order}.fbin", rows[:count])
            index = self.build(base, self.folder / f"index-{count}-{order}", "--workload",
                               workload, "--page-order", order, "--keep-trace")
            self.verified(index)
            ids, _ = self.search(index, base, "--k", count)
            self.assertEqual([row[0] for row in ids], list(range(count)))
            self.assertTrue(all(sorted(row) == list(range(count)) for row in ids))
        programs.in_parallel(one, [(count, order) for count in (1, 2, 3, 6) for order in ORDERS],
                             lanes=2)

    def test_duplicates(self):
        """All vectors and all queries are the same."""
        base = write_bin(self.folder / "same.u8bin", [[3] * 16] * 700)
        for order in ORDERS:
            index = self.build(base, self.folder / order, "--workload", base, "--page-order", order)
            self.verified(index)
            _, distances = self.search(index, base, "--search-list", 20)
            self.assertEqual(set(distances), {(0,) * 10})


class ProbeTest(DatasetTest):
    """--probe-disk, which writes 256 MiB into the folder and reads them for two seconds."""
    SHAPE = (VECTORS, DIMENSION)

    def test_probe(self):
        """A size is chosen, or the file system has no direct I/O; nothing of the probe is left."""
        index = self.folder / "index"
        finished = run("build-index", "--vectors", self.base, "--index", index, "--probe-disk",
                       "--json", "-")
        if finished.status != 0:
            self.refused(finished, "no direct I/O", statuses=(1,))
            self.assertFalse(index.exists())
            return
        self.assertIn(json.loads(finished.out)["layout"]["page_size_bytes"], (4096, 8192, 16384))
        self.assertEqual(len(list(index.iterdir())), 1 + len(PARTS))
        self.verified(index)

    def test_page_size_that_was_asked_for(self):
        """A probe chooses where nothing was chosen."""
        index = self.folder / "index"
        finished = run("build-index", "--vectors", self.base, "--index", index, "--probe-disk",
                       "--page-size", 32768, "--json", "-")
        if finished.status != 0:  # no direct I/O, or that the two exclude each other
            self.refused(finished)
        else:
            self.assertEqual(json.loads(finished.out)["layout"]["page_size_bytes"], 32768)

    def begin_probe(self, index):
        """A build that is in the middle of its probe."""
        process = programs.start("build-index", "--vectors", self.base, "--index", index,
                                 "--probe-disk", "--quiet")
        programs.poll(lambda: process.poll() is not None or any(index.glob("*.partial")))
        time.sleep(0.1)
        return process

    def test_killed_probe(self):
        """What it leaves is known as left over."""
        index = self.folder / "index"
        process = self.begin_probe(index)
        process.kill()
        self.assertNotEqual(programs.finish(process).status, 0)
        self.build(self.base, index)
        self.assertEqual(contents(index), contents(self.index))

    def test_interrupted_probe(self):
        """It ends within two seconds and leaves nothing half-written."""
        index = self.folder / "index"
        process = self.begin_probe(index)
        process.send_signal(signal.SIGINT)
        finished = programs.finish(process, PATIENCE_S)
        self.refused(finished, statuses=(1,))
        self.nothing_half_written(index)


if __name__ == "__main__":
    programs.main()
