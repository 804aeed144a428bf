"""Each system call on a file of an index fails, or is the last: the index before or the one after.

strace makes one call of build-index or relayout-index fail. TRACKWAY_SYSTEM_CALLS says how many cases
of each are tried, 0 all; calls and failures are taken evenly over the whole run.
"""
import os
import re
import shutil
import unittest

import programs
from programs import StraceTest, contents, gaussian_rows, write_bin

CASES = int(os.environ.get("TRACKWAY_SYSTEM_CALLS", "60"))
# How a call fails; the last is SIGKILL before it.
FAILURES = ("error=EIO", "error=ENOSPC", "error=EINTR", "signal=KILL")
# Those without which files cannot be removed: the next build does it.
CLEANING = {"unlink", "unlinkat", "rmdir", "openat", "getdents64", "newfstatat", "fcntl"}
CALLS = "%file,%desc"
# A merge reads rows one by one, some hundred thousand times: left out where shards are merged.
CALLS_OF_SHARDS = "!pread64"


class SystemCallTest(StraceTest):
    """Indexes of 200 x 6 float32, which take a tenth of a second."""

    def setUp(self):
        super().setUp()
        self.queries = write_bin(self.folder / "query.fbin", gaussian_rows(12, 6, seed=2))

    def calls_on_files(self, command, index, calls):
        """How often each call is made on a file in the folder, and the options that pick those."""
        log = self.folder / "strace.log"
        finished = self.traced(["--seccomp-bpf", "-y", "-o", log, "-e", f"trace={calls}"], command)
        self.assertEqual(finished.status, 0, finished)
        paths = set(re.findall(rf'["<]({re.escape(str(index))}[^">]*)[">]', log.read_text()))
        picked = [word for path in sorted(paths) for word in ("-P", path)]
        shutil.rmtree(index)
        shutil.copytree(self.before, index)
        self.traced(["--seccomp-bpf", *picked, "-o", log, "-e", f"trace={calls}"], command)
        counts = {}
        for name in re.findall(r"^\d+ +(\w+)\(", log.read_text(), re.MULTILINE):
            counts[name] = counts.get(name, 0) + 1
        return counts, picked

    def one(self, case, command_for, picked, expected):
        """One failing call: what it leaves, and what the same command does after it."""
        number, (name, occurrence, failure) = case
        index = self.folder / f"index-{number}"
        shutil.copytree(self.before, index)
        command = command_for(index)
        # The paths were those of another folder.
        own = [word.replace(str(self.folder / "index"), str(index)) for word in picked]
        finished = self.traced(
            ["--seccomp-bpf", *own, "-o", "/dev/null", "-e", f"trace={name}", "-e",
             f"inject={name}:{failure}:when={occurrence}"], command)
        told = f"{name} {occurrence} {failure}: {finished}"
        left = contents(index)
        old = contents(self.before)
        is_new, is_old = (whole.items() <= left.items() for whole in (expected, old))
        self.assertEqual(is_new, not is_old, told)
        if finished.status == 0:
            self.assertTrue(is_new, told)
        else:
            self.assertEqual(finished.status == -9, "KILL" in failure, told)
        if finished.status > 0:
            self.assertIn("-index: ", finished.err, told)
            if name not in CLEANING:  # nothing of it remains
                self.assertEqual(len(left), len(expected if is_new else old), told)
        self.verified(index)
        if is_old or command[0] == "build-index":  # what is laid out anew is another index
            again = programs.run(*command)
            self.assertEqual(again.status, 0, f"{told}\nafter it: {again}")
            self.assertTrue(contents(index) == expected, f"{told}\nafter it: {again}")
            self.assertFalse((index / "build.work").exists(), told)
        shutil.rmtree(index)
        return finished.status

    def sweep(self, command_for, cases_wanted=CASES, calls=CALLS):
        """All calls in all ways, or a sample of them."""
        index = self.folder / "index"
        shutil.copytree(self.before, index)
        command = command_for(index)
        counts, picked = self.calls_on_files(command, index, calls)
        expected = contents(index)
        cases = [(name, occurrence, failure) for name, count in sorted(counts.items())
                 for occurrence in range(1, count + 1) for failure in FAILURES]
        step = max(1, len(cases) / cases_wanted) if cases_wanted else 1
        chosen = [cases[int(i * step)] for i in range(int(len(cases) / step))]
        ended = programs.in_parallel(
            lambda case: self.one(case, command_for, picked, expected), enumerate(chosen), lanes=3)
        shutil.rmtree(index)
        print(f"{command[0]}: {sum(counts.values())} calls on files, {len(chosen)} failures tried: "
              f"{sum(status == 0 for status in ended)} did no harm, "
              f"{sum(status > 0 for status in ended)} errors, "
              f"{sum(status == -9 for status in ended)} killed")

    def test_build(self):
        """An index is replaced by one of other options."""
        self.sweep(lambda index: ("build-index", "--vectors", self.base, "--workload", self.queries,
                                  "--index", index, "--code-type", "pq", "--overwrite", "--threads",
                                  1, "--quiet"))

    def test_shards(self):
        """An index is replaced by one of two shards, merged or separate."""
        vectors = write_bin(self.folder / "more.fbin", gaussian_rows(2000, 6))
        for graphs in ("merged", "separate"):
            with self.subTest(graphs=graphs):
                self.sweep(lambda index: (
                    "build-index", "--vectors", vectors, "--workload", self.queries, "--index", index,
                    "--overwrite", "--shards", 2, "--graph", graphs, "--max-degree", 8, "--build-list", 16,
                    "--code-type", "pq", "--threads", 1, "--quiet"),
                    CASES // 3, CALLS_OF_SHARDS)

    def test_relayout(self):
        """An index is laid out anew."""
        self.sweep(lambda index: ("relayout-index", "--index", index, "--workload", self.queries,
                                  "--page-order", "covisit", "--threads", 1, "--quiet"))


if __name__ == "__main__":
    unittest.main()
