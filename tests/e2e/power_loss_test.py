"""The power goes out at any moment of a build: what the disk had not been told to keep is lost.

strace records what build-index does to files. A model of a disk replays it up to some call and then
keeps of what no fsync covers any part: sectors of 512 bytes one by one, names and renames one by one.
The index before or the one after must open, and the next build must end in the same bytes.
TRACKWAY_POWER_LOSSES says how many moments are tried.
"""
import os
import random
import re
import shutil
import unittest

import programs
from programs import SEED, StraceTest, contents

LOSSES = int(os.environ.get("TRACKWAY_POWER_LOSSES", "60"))
SECTOR = 512
CALLS = ("openat,pwrite64,ftruncate,fallocate,fsync,fdatasync,rename,renameat2,unlink,unlinkat,mkdir,"
         "rmdir,close")


def plain(text):
    """The bytes of a string as strace -xx prints it."""
    return bytes.fromhex(text.replace("\\x", ""))


class Inode:
    """A file: what is on the disk, and what has been written since."""

    def __init__(self, data=b""):
        self.kept, self.now = bytearray(data), bytearray(data)

    def write(self, offset, data):
        """Not yet on the disk."""
        self.now.extend(bytes(max(0, offset + len(data) - len(self.now))))
        self.now[offset:offset + len(data)] = data

    def cut(self, size):
        """The same of its length."""
        self.now.extend(bytes(max(0, size - len(self.now))))
        del self.now[size:]

    def sync(self):
        """All is on the disk."""
        self.kept = bytearray(self.now)

    def after_loss(self, draw):
        """Of each sector the old bytes or the new ones; of both lengths one."""
        size = draw.choice((len(self.kept), len(self.now)))
        left = bytearray(size)
        for at in range(0, size, SECTOR):
            source = draw.choice((self.kept, self.now))[at:min(at + SECTOR, size)]
            left[at:at + len(source)] = source
        return bytes(left)


class Disk:
    """Folders and files of one index folder, as a disk would have them after a loss of power."""

    def __init__(self, source, root):
        self.root = os.fsencode(root)
        self.kept = {}   # path: inode, or None for a folder
        self.now = {}
        self.since = []  # changes of names that no sync of their folder covers
        self.open = {}   # descriptor: (path, inode)
        for path in [source, *sorted(source.rglob("*"))]:
            inode = None if path.is_dir() else Inode(path.read_bytes())
            named = os.fsencode(root / path.relative_to(source))
            self.kept[named] = self.now[named] = inode

    def change(self, *changes):
        """Names that change together or not at all."""
        self.apply(self.now, changes)
        self.since.append(changes)

    def sync(self, path, inode):
        """fsync() of a file, or of a folder: then its names are kept."""
        if inode is not None:
            return inode.sync()
        left = []
        for changes in self.since:
            if os.path.dirname(changes[-1][0]) == path:
                self.apply(self.kept, changes)
            else:
                left.append(changes)
        self.since = left
        return None

    @staticmethod
    def apply(names, changes):
        """On the disk now."""
        for path, what in changes:
            if what == "gone":
                names.pop(path, None)
            else:
                names[path] = what

    def do(self, name, arguments, result):
        """One system call that succeeded."""
        paths = [plain(text) for text in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', arguments)]
        numbers = [word.strip() for word in re.sub(r'"[^"]*"|<[^>]*>', "", arguments).split(",")]
        descriptor = numbers[0]
        if name == "openat":
            path = paths[0]
            if "O_CREAT" in arguments and path not in self.now:
                self.change((path, Inode()))
            self.open[re.match(r"\d+", result).group()] = (path, self.now.get(path))
        elif name == "close":
            self.open.pop(descriptor, None)
        elif name == "pwrite64":
            self.open[descriptor][1].write(int(numbers[-1]), paths[0][:int(result)])
        elif name == "ftruncate":
            self.open[descriptor][1].cut(int(numbers[1]))
        elif name == "fallocate":
            inode = self.open[descriptor][1]
            inode.cut(max(len(inode.now), int(numbers[2]) + int(numbers[3])))
        elif name in ("fsync", "fdatasync"):
            self.sync(*self.open[descriptor])
        elif name in ("rename", "renameat2"):
            self.change((paths[0], "gone"), (paths[1], self.now[paths[0]]))
        elif name in ("unlink", "unlinkat", "rmdir"):
            self.change((paths[0], "gone"))
        elif name == "mkdir":
            self.change((paths[0], None))

    def lose_power(self, draw, folder):
        """Writes what is left of the root as this folder."""
        names = dict(self.kept)
        for changes in self.since:
            if draw.random() < 0.5:
                self.apply(names, changes)
        for path in sorted(names):
            inode, to = names[path], os.fsencode(folder) + path[len(self.root):]
            if inode is None:
                os.makedirs(to, exist_ok=True)
            elif names.get(os.path.dirname(path), 0) is None or path == self.root:
                with open(to, "wb") as file:
                    file.write(inode.after_loss(draw))


class PowerLossTest(StraceTest):
    """Indexes of 200 x 6 float32, one replaced by one of other options."""

    def command_for(self, index):
        """The build that is interrupted."""
        return ("build-index", "--vectors", self.base, "--index", index, "--overwrite",
                "--threads", 1, "--quiet")

    def recorded(self, index):
        """(name, arguments, result) of each call on a file in the folder that succeeded."""
        log = self.folder / "strace.log"
        finished = self.traced(["-y", "-xx", "-s", 10_000_000, "-o", log, "-e", f"trace={CALLS}"],
                               self.command_for(index))
        self.assertEqual(finished.status, 0, finished)
        calls, begun = [], {}
        inside = "".join(f"\\x{byte:02x}" for byte in os.fsencode(index))
        for text in log.read_text().splitlines():
            process, rest = text.split(maxsplit=1)
            if rest.endswith("<unfinished ...>"):
                begun[process] = rest.removesuffix("<unfinished ...>")
                continue
            resumed = re.match(r"<\.\.\. \w+ resumed>", rest)
            if resumed:
                rest = begun.pop(process) + rest[resumed.end():]
            call = re.fullmatch(r"(\w+)\((.*)\) += (\d+.*)", rest)
            if call and inside in rest:
                calls.append(call.groups())
        return calls

    def test_build(self):
        """Any moment, anything lost."""
        index = self.folder / "index"
        shutil.copytree(self.before, index)
        start = Disk(index, index)
        calls = self.recorded(index)
        expected, old = contents(index), contents(self.before)
        for call in calls:
            start.do(*call)
        left = {path: inode for path, inode in start.now.items() if inode is not None}
        self.assertEqual({path: bytes(inode.now) for path, inode in left.items()},
                         {os.fsencode(index / name): data for name, data in expected.items()})
        outcomes = {"before": 0, "after": 0}

        def lose(seed, told_calls, folder):
            disk = Disk(self.before, index)
            for call in told_calls:
                disk.do(*call)
            disk.lose_power(random.Random(seed), folder)
            left = contents(folder)
            return left, [name for name, files in (("before", old), ("after", expected))
                          if files.items() <= left.items()]

        def one(item):
            number, moment = item
            folder = self.folder / f"left-{number}"
            left, whole = lose(SEED + number, calls[:moment], folder)
            told = f"seed {SEED + number}, {moment} of {len(calls)} calls: {sorted(left)}"
            self.assertEqual(len(whole), 1, told)
            outcomes[whole[0]] += 1
            self.verified(folder)
            again = programs.run(*self.command_for(folder))
            self.assertEqual(again.status, 0, f"{told}\n{again}")
            self.assertTrue(contents(folder) == expected, told)
            shutil.rmtree(folder)
        moments = [1 + i * len(calls) // LOSSES for i in range(LOSSES)]
        programs.in_parallel(one, enumerate(moments), lanes=3)
        print(f"{len(calls)} calls, {LOSSES} losses of power: {outcomes}")
        self.assertGreater(min(outcomes.values()), 0)
        # The model does lose what nobody asked to be kept.
        careless = [call for call in calls if call[0] not in ("fsync", "fdatasync")]
        wholes = [lose(seed, careless, self.folder / f"careless-{seed}")[1] for seed in range(10)]
        self.assertIn([], wholes)


if __name__ == "__main__":
    unittest.main()
