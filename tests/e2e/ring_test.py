"""The kernel refuses a ring, parts of it or single calls: the same answers, or an error that says so.

strace makes the calls fail; completions that come short or fail by themselves are tried in tests/io.
"""
import unittest

from programs import StraceTest, gaussian_rows, read_truth, write_bin

# What io_uring_enter may say of a queue that is full, memory that is short, or a signal.
PASSING = ("EAGAIN", "EBUSY", "EINTR", "ENOMEM")


class RingTest(StraceTest):
    """An index of 200 x 6 float32, searched for 40 queries."""

    def setUp(self):
        super().setUp()
        self.queries = write_bin(self.folder / "query.fbin", gaussian_rows(40, 6, seed=2))
        self.numbers = 0

    def search(self, *inject, engine="uring"):
        """A search under strace: (what it left behind, its answers or None)."""
        self.numbers += 1
        result = self.folder / f"found-{self.numbers}.ibin"
        options = [word for what in inject for word in ("-e", f"inject={what}")]
        finished = self.traced(
            ["-o", self.folder / "strace.log", "-e", "trace=/io_uring", *options],
            ("search-index", "--index", self.before, "--queries", self.queries, "--k", 5,
             "--search-list", 20, "--beam-width", 1, "--threads", 1, "--queries-in-flight", 2,
             "--io", engine, "--result", result, "--quiet"))
        return finished, read_truth(result) if result.exists() else None

    def injected(self):
        """How many calls strace made fail in the last search."""
        return (self.folder / "strace.log").read_text().count("(INJECTED)")

    def test_calls_that_fail_for_now(self):
        """Every third io_uring_enter fails for a passing reason: nothing is lost or read twice."""
        _, right = self.search()
        self.assertIsNotNone(right)
        for error in PASSING:
            with self.subTest(error=error):
                finished, found = self.search(f"io_uring_enter:error={error}:when=2+3")
                self.assertEqual(finished.status, 0, finished)
                self.assertGreater(self.injected(), 10)
                self.assertEqual(found, right)

    def test_no_ring(self):
        """Without a ring: an error where one is asked for, else pread and one line that says so."""
        _, right = self.search()
        refused = "io_uring_setup:error=EPERM"
        finished, found = self.search(refused)
        self.assertEqual(finished.status, 1, finished)
        self.assertIsNone(found)
        self.assertIn("io_uring is not available", finished.err)
        finished, found = self.search(refused, engine="auto")
        self.assertEqual(finished.status, 0, finished)
        self.assertEqual(found, right)
        said = [line for line in (finished.out + finished.err).splitlines() if "io_uring is not" in line]
        self.assertEqual(len(said), 1, finished)

    def test_parts_of_a_ring(self):
        """Nothing can be registered: as files and buffers they go on; without restrictions not."""
        _, right = self.search()
        for occurrence in range(1, 8):
            finished, found = self.search(f"io_uring_register:error=ENOMEM:when={occurrence}")
            if self.injected() == 0:
                break
            with self.subTest(occurrence=occurrence):
                if finished.status == 0:
                    self.assertEqual(found, right)
                else:
                    self.assertEqual(finished.status, 1, finished)
                    self.assertIn("io_uring cannot be restricted to reads", finished.err)
                    self.assertIsNone(found)
        self.assertGreater(occurrence, 3)


if __name__ == "__main__":
    unittest.main()
