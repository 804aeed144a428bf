"""relayout-index killed or interrupted at any moment leaves the old index or the new one."""
import pathlib
import random
import shutil
import signal
import time

import programs
from crash_test import MOMENTS, PATIENCE_S, appears
from programs import SEED, DatasetTest, contents, finish, make_dataset, start


def begin(index, workload, *options):
    """Starts a relayout."""
    return start("relayout-index", "--index", index, "--workload", workload, *options)


class KillTest(DatasetTest):
    """SIGKILL in relayouts of 1,000 x 16 float32, which take a few tenths of a second."""
    SHAPE = (1000, 16)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.workload = cls.data / "learn.fbin"
        cls.old = contents(cls.index)
        index, cls.durations = cls.shared / "relaid", []
        made = pathlib.Path(shutil.copytree(cls.index, index))
        cls.chain = [cls.old]  # what one relayout after the other gives
        for _ in range(2):
            started = time.monotonic()
            finished = finish(begin(made, cls.workload))
            assert finished.status == 0, finished
            cls.durations.append(time.monotonic() - started)
            cls.chain.append(contents(made))

    def killed(self, item):
        """One killed relayout, what it left, and the relayout after it; tells whether the first
        one had come to its end."""
        number, (delay, ending) = item
        index = self.copy_of_index(f"index-{number}")
        process = begin(index, self.workload)
        deadline = time.monotonic() + (programs.TIMEOUT_S if delay is None else delay)
        programs.poll(lambda: process.poll() is not None or time.monotonic() > deadline or
                      (ending and appears(index, ending, self.old)))
        process.kill()
        finish(process)
        left = contents(index)
        manifests = [made["manifest.json"] for made in self.chain[:2]]
        self.assertIn(left["manifest.json"], manifests)
        which = manifests.index(left["manifest.json"])
        self.assertEqual({name: left[name] for name in self.chain[which]}, self.chain[which])
        self.verified(index)
        self.assertEqual(self.search(index, self.queries, "--search-list", 1000), self.right)
        self.assertEqual(finish(begin(index, self.workload)).status, 0)
        self.assertEqual(contents(index), self.chain[which + 1])
        return which == 1

    def setUp(self):
        super().setUp()
        self.right = self.search(self.index, self.queries, "--search-list", 1000)

    def test_kill_at_random_moments(self):
        """Delays over the whole duration and a little longer."""
        draw = random.Random(SEED)
        delays = [(draw.uniform(0, 1.2 * max(self.durations)), None) for _ in range(16)]
        self.assertIn(False, programs.in_parallel(self.killed, enumerate(delays), lanes=2))

    def test_kill_when_a_file_appears(self):
        """The moments of writing and renaming."""
        endings = [(None, ending) for ending in MOMENTS if ending != "manifest.json"]
        programs.in_parallel(self.killed, enumerate(endings), lanes=2)

    def test_kill_behind_the_manifest(self):
        """The new index is there; files of the old one may be left and are no trouble."""
        for number in range(4):
            index = self.copy_of_index(f"index-{number}")
            process = begin(index, self.workload)
            programs.poll(lambda: process.poll() is not None or
                          (index / "manifest.json").read_bytes() != self.old["manifest.json"])
            process.kill()
            finish(process)
            self.assertEqual({name: contents(index)[name] for name in self.chain[1]}, self.chain[1])
            self.assertEqual(self.search(index, self.queries, "--search-list", 1000), self.right)
            self.assertEqual(finish(begin(index, self.workload)).status, 0)
            self.assertEqual(contents(index), self.chain[2])


class InterruptTest(DatasetTest):
    """Ctrl-C: an end within two seconds, status 1 and the old index, or status 0 and the new one.
    The stages behind the graph take seconds on any machine."""
    SHAPE = (8000, 32)
    BUILD_OPTIONS = ("--build-list", 30, "--max-degree", 32)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.old = contents(cls.index)
        cls.workload = make_dataset(cls.shared / "large", vectors=100, queries=20000,
                                    dimension=32) / "learn.fbin"

    def interrupted(self, process, before, sent=signal.SIGINT):
        """Sends the signal once the stage before has ended; the program ends with status 1."""
        said = b""
        while f"] {before} ".encode() not in said and not said.startswith(before.encode()) and (said := process.stderr.readline()):
            pass
        self.assertTrue(said, f"the program never came to the end of {before}")
        process.send_signal(sent)
        finished = finish(process, PATIENCE_S)
        self.refused(finished, "stopped", statuses=(1,))

    def test_relayout_in_every_long_stage(self):
        """By SIGINT and SIGTERM, soon after the stage began."""
        index = self.copy_of_index()
        for before, sent in (("read", signal.SIGINT), ("trace", signal.SIGTERM),
                             ("write", signal.SIGINT)):
            self.interrupted(begin(index, self.workload, "--threads", 1), before, sent)
            self.assertEqual(contents(index), self.old, before)
        self.assertEqual(finish(begin(index, self.workload)).status, 0)
        self.verified(index)

    def test_build_in_every_long_stage(self):
        """The stages that a build shares with a relayout; only finished stages are left."""
        index = self.folder / "index"
        for before in ("codes", "trace", "write"):
            self.interrupted(start(
                "build-index", "--vectors", self.base, "--index", index, "--workload",
                self.workload, "--threads", 1, *self.BUILD_OPTIONS), before)
            self.nothing_half_written(index)

    def test_relayout_at_random_moments(self):
        """Status 1 and "stopped" with the old index, or status 0 with a new one."""
        draw = random.Random(SEED)
        small = self.data / "learn.fbin"

        def one(number):
            index = self.copy_of_index(f"index-{number}")
            process = begin(index, small, "--quiet")
            delay = time.monotonic() + draw.uniform(0, 1.5)
            programs.poll(lambda: programs.takes_signals(process))
            programs.poll(lambda: process.poll() is not None or time.monotonic() > delay)
            process.send_signal(signal.SIGINT)
            finished = finish(process, PATIENCE_S)
            if finished.status == 0:
                self.assertNotEqual(set(contents(index)), set(self.old))
                self.verified(index)
            else:
                self.refused(finished, "stopped", statuses=(1,))
                self.assertEqual(contents(index), self.old)
        programs.in_parallel(one, range(8), lanes=1)

    def test_interrupted_while_writing_and_publishing(self):
        """Never "stopped" beside a new index."""
        small = self.data / "learn.fbin"
        for moment in MOMENTS[::3]:
            index = self.copy_of_index(f"index-{moment}")
            process = begin(index, small, "--quiet")
            programs.poll(lambda: process.poll() is not None or appears(index, moment, self.old))
            process.send_signal(signal.SIGINT)
            finished = finish(process, PATIENCE_S)
            if finished.status == 0:
                self.verified(index)
                self.assertNotEqual(set(contents(index)), set(self.old))
            else:
                self.refused(finished, "stopped", statuses=(1,))
                self.assertEqual(contents(index), self.old, moment)

    def test_two_programs_in_one_folder(self):
        """The second one is refused and says why, the first is not disturbed."""
        index = self.copy_of_index()
        first = begin(index, self.workload, "--threads", 1)
        self.assertTrue(programs.poll(lambda: programs.takes_signals(first)))
        first.stderr.readline()  # it has read the index, and so holds the folder
        for command in (("relayout-index", "--index", index, "--workload", self.workload),
                        ("build-index", "--vectors", self.base, "--index", index, "--overwrite")):
            self.fails(*command, words=(index, "another build"), statuses=(1,))
        self.search(index, self.queries)  # the old index answers meanwhile
        self.assertIsNone(first.poll(), "the first program was too quick for this test")
        first.send_signal(signal.SIGINT)
        self.assertEqual(finish(first).status, 1)
        self.assertEqual(contents(index), self.old)


if __name__ == "__main__":
    programs.main()
