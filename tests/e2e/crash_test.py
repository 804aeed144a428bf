"""Programs that are killed or interrupted at any moment leave nothing, or something whole."""
import json
import os
import random
import signal
import time

import programs
from programs import SEED, DatasetTest, contents, finish, make_dataset, start

# Files in the order in which a build makes them: the moments at which it is killed.
MOMENTS = (*(f"{part}.partial" for part in programs.PARTS), *programs.PARTS,
           "manifest.json.partial", "manifest.json")
PATIENCE_S = 2.0  # what an interrupted program may take to end


def appears(index, ending, known=()):
    """Tells whether a file with this ending that is not among the known ones is in the folder."""
    try:
        return any(name.endswith(ending) for name in set(os.listdir(index)) - set(known))
    except FileNotFoundError:
        return False


class CrashTest(DatasetTest):
    """Builds of 1,000 x 16 float32, which take a few tenths of a second."""
    SHAPE = (1000, 16)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.right = contents(cls.index)
        started = time.monotonic()
        finished = programs.run("build-index", "--vectors", cls.base, "--index", cls.shared / "x")
        assert finished.status == 0, finished
        cls.duration = time.monotonic() - started

    def begin(self, index, *options):
        """Starts a build."""
        return start("build-index", "--vectors", self.base, "--index", index, "--quiet", *options)

    def kill_at(self, process, delay=None, file=None):
        """SIGKILL after the delay, or as soon as (index, ending, known names) appears."""
        deadline = time.monotonic() + (programs.TIMEOUT_S if delay is None else delay)
        programs.poll(lambda: process.poll() is not None or time.monotonic() > deadline or
                      (file and appears(*file)))
        process.kill()
        return finish(process)

    def nothing_or_whole(self, index):
        """No manifest and no index, or a manifest and a sound index; tells which."""
        if (index / "manifest.json").exists():
            self.verified(index)
            self.search(index, self.queries)
            return True
        words = (index, "no index here")
        self.fails("inspect-index", "--index", index, "--verify", words=words, statuses=(1,))
        self.fails("search-index", "--index", index, "--queries", self.queries, words=words,
                   statuses=(1,))
        return False

    def killed_build(self, number, delay=None, ending=None):
        """One killed build, its folder, and the build after it."""
        index = self.folder / f"index-{number}"
        process = self.begin(index)
        self.kill_at(process, delay, ending and (index, ending))
        whole = self.nothing_or_whole(index)
        self.done("build-index", "--vectors", self.base, "--index", index, "--quiet",
                  *(["--overwrite"] if whole else []))
        self.assertEqual(contents(index), self.right)
        return whole

    def test_kill_at_random_moments(self):
        """Delays over the whole duration of a build and a little longer."""
        draw = random.Random(SEED)
        delays = [draw.uniform(0, 1.2 * self.duration) for _ in range(16)]
        whole = programs.in_parallel(lambda item: self.killed_build(item[0], delay=item[1]),
                                     enumerate(delays), lanes=3)
        self.assertIn(False, whole)

    def test_kill_when_a_file_appears(self):
        """Twice at each file: these are the moments of writing and renaming."""
        whole = programs.in_parallel(lambda item: self.killed_build(item[0], ending=item[1]),
                                     enumerate(MOMENTS * 2), lanes=3)
        self.assertIn(True, whole)

    def test_kill_while_replacing_an_index(self):
        """The old or the new index verifies at every moment; the next build makes the new one."""
        fresh = self.build(self.base, self.folder / "fresh", "--seed", 9)
        old, new = self.right, contents(fresh)
        self.assertNotEqual(set(old), set(new))

        def one(item):
            number, (delay, ending) = item
            index = self.copy_of_index(f"index-{number}")
            process = self.begin(index, "--seed", 9, "--overwrite")
            self.kill_at(process, delay, ending and (index, ending, old))
            self.assertTrue(self.nothing_or_whole(index))
            manifest = (index / "manifest.json").read_bytes()
            self.assertIn(manifest, (old["manifest.json"], new["manifest.json"]))
            which = old if manifest == old["manifest.json"] else new
            self.assertEqual({name: contents(index)[name] for name in which}, which)
            self.done("build-index", "--vectors", self.base, "--index", index, "--seed", 9,
                      "--overwrite")
            self.assertEqual(contents(index), new)
        draw = random.Random(SEED)
        moments = [(draw.uniform(0, 1.2 * self.duration), None) for _ in range(6)]
        moments += [(None, ending) for ending in MOMENTS if ending != "manifest.json"]
        programs.in_parallel(one, enumerate(moments), lanes=3)

    def test_two_builds_at_once(self):
        """One of them is refused and says why, the other is not disturbed."""
        slow = ("--build-list", 1000, "--threads", 1)
        right = contents(self.build(self.base, self.folder / "alone", *slow))
        for trial in range(3):
            index = self.folder / f"index-{trial}"
            both = [finish(p) for p in [self.begin(index, *slow), self.begin(index, *slow)]]
            both.sort(key=lambda finished: finished.status)
            self.assertEqual([finished.status for finished in both], [0, 1], str(both[1]))
            self.refused(both[1], index, "another build is at work")
            self.assertEqual(contents(index), right)

    def test_build_into_a_folder_at_work(self):
        """The second one comes late and must not clean up behind the first one's back."""
        index = self.folder / "index"
        first = self.begin(index, "--build-list", 4000, "--threads", 1)
        self.assertTrue(programs.poll(index.exists))
        self.assertTrue(programs.poll(lambda: programs.takes_signals(first)))
        for options in ((), ("--overwrite",)):
            self.fails("build-index", "--vectors", self.base, "--index", index, *options,
                       words=(index, "another build"), statuses=(1,))
        self.assertIsNone(first.poll(), "the first build was too quick for this test")
        self.assertEqual(finish(first).status, 0)
        self.verified(index)


class InterruptTest(DatasetTest):
    """Ctrl-C: an end within two seconds, status 1, nothing new, nothing lost."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.large = make_dataset(cls.shared / "large", vectors=12000, queries=100) / "base.fbin"

    def begin_long(self, index, *options):
        """Starts a build that takes seconds on any machine."""
        return start("build-index", "--vectors", self.large, "--index", index, "--threads", 1,
                     "--build-list", 1000, *options)

    def interrupted(self, process, when, sent=signal.SIGINT):
        """Sends the signal once the program handles signals and when() holds; how it ended."""
        self.assertTrue(programs.poll(lambda: programs.takes_signals(process)))
        self.assertTrue(programs.poll(lambda: process.poll() is not None or when()))
        self.assertIsNone(process.poll(), "the program was too quick for this test")
        process.send_signal(sent)
        finished = finish(process, PATIENCE_S)
        self.refused(finished, "stopped", statuses=(1,))
        return finished

    @staticmethod
    def after(seconds):
        """A condition that holds from then on."""
        deadline = time.monotonic() + seconds
        return lambda: time.monotonic() > deadline

    def test_interrupted_build_leaves_nothing(self):
        """In the middle of the graph, early and late, by SIGINT and SIGTERM."""
        draw = random.Random(SEED)

        def one(item):
            number, delay = item
            index = self.folder / f"index-{number}"
            self.interrupted(self.begin_long(index), self.after(delay),
                             signal.SIGTERM if number % 3 == 2 else signal.SIGINT)
            self.nothing_half_written(index)
        programs.in_parallel(one, enumerate(draw.uniform(0.0, 1.0) for _ in range(6)), lanes=3)

    def test_interrupted_while_writing_and_publishing(self):
        """Status 1 and nothing, or status 0 and an index: never "stopped" beside a new index."""
        def one(moment):
            index = self.folder / f"index-{moment}"
            process = start("build-index", "--vectors", self.base, "--index", index, "--quiet")
            programs.poll(lambda: process.poll() is not None or appears(index, moment))
            process.send_signal(signal.SIGINT)
            finished = finish(process, PATIENCE_S)
            if finished.status == 0:
                self.verified(index)
            else:
                self.refused(finished, "stopped", statuses=(1,))
                self.nothing_half_written(index)
        programs.in_parallel(one, MOMENTS, lanes=1)

    def test_interrupted_overwrite_leaves_the_old_index(self):
        """Every byte of it, and no other file."""
        index = self.copy_of_index()
        before = contents(index)
        for delay in (0, 0.2, 0.5):
            self.interrupted(self.begin_long(index, "--overwrite"), self.after(delay))
            self.assertEqual(contents(index), before)

    def test_interrupted_in_a_folder_that_existed(self):
        """The empty folder stays, as it was not the build's own."""
        index = self.folder / "index"
        index.mkdir()
        self.interrupted(self.begin_long(index), self.after(0.2))
        self.assertTrue(index.is_dir())
        self.nothing_half_written(index)

    def test_interrupted_search_between_passes(self):
        """--repeat for hours; no result is left."""
        result, report = self.folder / "result.ibin", self.folder / "report.json"
        process = start("search-index", "--index", self.index, "--queries", self.queries,
                        "--repeat", 1000000, "--result", result, "--json", report)
        self.interrupted(process, self.after(0.3))
        self.assertEqual(os.listdir(self.folder), [])

    def test_interrupted_search_within_a_pass(self):
        """One pass of many seconds: the contract is a second, whatever the queries cost."""
        process = start("search-index", "--index", self.index, "--queries", self.large,
                        "--threads", 1, "--search-list", 2000)
        self.interrupted(process, self.after(0.3))

    def test_interrupted_ground_truth(self):
        """No truth, no temporary file."""
        process = start("make-ground-truth", "--vectors", self.large, "--queries", self.large,
                        "--output", self.folder / "truth.ibin", "--k", 5000, "--threads", 1)
        self.interrupted(process, self.after(0.2))
        self.assertEqual(os.listdir(self.folder), [])

    def test_interrupted_dataset(self):
        """No half-written file; what was finished before may stay."""
        process = start("make-dataset", "--output", self.folder, "--vectors", 3000000,
                        "--dimension", 128)
        self.interrupted(process, self.after(0.2))
        self.assertEqual(os.listdir(self.folder), [])

    def test_interrupted_conversion(self):
        """No half-written file."""
        wide = self.folder / "wide.u8bin"
        rows, dimension = 60000, 4096
        wide.write_bytes(rows.to_bytes(4, "little") + dimension.to_bytes(4, "little"))
        os.truncate(wide, 8 + rows * dimension)
        process = start("convert-vectors", "--input", wide, "--output", self.folder / "x.fbin")
        self.interrupted(process, lambda: appears(self.folder, ".partial"))
        self.assertEqual(os.listdir(self.folder), [wide.name])

    def test_build_after_an_interrupted_one(self):
        """It finds a clean place and gives the right bytes."""
        index = self.folder / "index"
        self.interrupted(self.begin_long(index), self.after(0.1))
        finished = self.done("build-index", "--vectors", self.base, "--index", index, "--json", "-")
        self.assertEqual(json.loads(finished.out)["vectors"], 2000)
        self.assertEqual(contents(index), contents(self.index))


if __name__ == "__main__":
    programs.main()
