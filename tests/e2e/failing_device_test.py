"""Searches of an index on a block device that fails: right answers, or an error that names the place.

An ext4 file system with direct I/O on a loop device, over nbdkit's error filter: while a certain
file exists, a share of all reads of the device fail with EIO.
"""
import os
import pathlib
import shutil
import subprocess
import unittest

import programs
from programs import DatasetTest, run

LIST = ("--search-list", 20, "--beam-width", 1)
NEEDED = ("nbdkit", "nbdfuse", "fusermount3", "losetup", "mkfs.ext4", "mount", "umount")
os.environ["PATH"] += ":/usr/sbin:/sbin"


class Forbidden(Exception):
    """What the machine lacks for a device that fails."""


def command(*words):
    """Runs a command of the system; what it prints."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise Forbidden(f"{words[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


class FailingDeviceTest(DatasetTest):
    """One index of 2,000 x 32 float32 on the device."""

    def make_device(self):
        """The folder of a file system whose device fails while the second file exists."""
        for name in NEEDED:
            if not shutil.which(name):
                raise Forbidden(f"{name} is not installed")
        if os.geteuid() != 0:
            raise Forbidden("only root may mount")
        if not pathlib.Path("/dev/fuse").exists():
            raise Forbidden("there is no /dev/fuse")
        disk, fails, mounted = (self.folder / name for name in ("disk", "fails", "mounted"))
        disk.touch()
        mounted.mkdir()
        server = subprocess.Popen(
            ["nbdfuse", disk, "--command", "nbdkit", "-s", "--exit-with-parent", "--filter=error",
             "memory", "64M", "error=EIO", "error-pread-rate=3%", f"error-file={fails}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def stop():
            subprocess.run(["fusermount3", "-u", disk], check=False, capture_output=True)
            server.kill()
            server.wait()
        self.addCleanup(stop)
        if not programs.poll(lambda: disk.stat().st_size > 0 or server.poll() is not None, 10,
                             0.05) or server.poll() is not None:
            raise Forbidden("nbdfuse cannot mount")
        device = command("losetup", "--find", "--show", "--direct-io=on", disk)
        self.addCleanup(command, "losetup", "--detach", device)
        command("mkfs.ext4", "-q", "-O", "^has_journal", device)
        command("mount", device, mounted)

        def unmount():  # the kernel lets go of a ring's files a little after the ring
            done = subprocess.run(["umount", mounted], check=False, capture_output=True)
            return done.returncode == 0
        self.addCleanup(programs.poll, unmount, 20, 0.1)
        return mounted, fails

    def each_right_or_none(self, finished, result, expected):
        """The rows of queries that are named on stderr hold no vectors, the others are right."""
        found = list(programs.read_truth(result))
        for query, ids in enumerate(found[0]):
            if f"query {query}: " in finished.err:
                self.assertEqual(set(ids), {2**32 - 1}, finished)
            else:
                self.assertEqual([rows[query] for rows in found],
                                 [rows[query] for rows in expected], finished)

    def test_searches(self):
        """Tables come from the page cache; pages past it, so their reads fail."""
        try:
            mounted, fails = self.make_device()
        except Forbidden as reason:
            self.skipTest(f"no failing device on this machine: {reason}")
        index = pathlib.Path(shutil.copytree(self.index, mounted / "index"))
        right = self.search(index, self.queries, *LIST)
        self.assertEqual(right, self.search(self.index, self.queries, *LIST))
        outcomes = {"right": 0, "page errors": 0, "other errors": 0}
        few = programs.write_bin(self.folder / "few.fbin", programs.read_bin(self.queries)[:2])
        expected = [rows[:2] for rows in right]
        fails.touch()
        for engine in ("uring", "pread"):
            for number in range(40):
                result = self.folder / f"{engine}-{number}.ibin"
                finished = run("search-index", "--index", index, "--queries", few, "--result",
                               result, "--io", engine, "--threads", 1, *LIST)
                if finished.status == 0:
                    self.assertEqual(list(programs.read_truth(result)), expected, finished)
                    outcomes["right"] += 1
                else:
                    self.refused(finished, str(index), "Input/output error", statuses=(1,))
                    is_page = ".pages: offset " in finished.err
                    if result.exists():  # some queries failed: none of their rows, all of the others'
                        self.each_right_or_none(finished, result, expected)
                    outcomes["page errors" if is_page else "other errors"] += 1
        fails.unlink()
        print(f"a device that fails 3 % of all reads: {outcomes}")
        self.assertGreater(outcomes["page errors"], 10)
        self.assertGreater(outcomes["right"], 0)
        self.assertEqual(right, self.search(index, self.queries, *LIST))


if __name__ == "__main__":
    unittest.main()
