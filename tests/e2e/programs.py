"""Runs Trackway's programs and reads and writes the files that they take: what all tests share."""
import concurrent.futures
import ctypes
import itertools
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

BIN = os.environ.get("TRACKWAY_BIN", "")
if not os.path.isfile(os.path.join(BIN, "build-index")):
    sys.exit(f"TRACKWAY_BIN must name the folder that holds build-index and the others, is '{BIN}'")

SEED = 20240607
TIMEOUT_S = 60
# Element type: extension of its .*bin file, code of struct, bytes.
ELEMENTS = {"float32": ("fbin", "f", 4), "float16": ("f16bin", "e", 2),
            "uint8": ("u8bin", "B", 1), "int8": ("i8bin", "b", 1)}
METRICS = ("l2", "ip", "cosine")
PARTS = ("pages", "codes", "codebook", "navigation", "hot")
VERSION_HEADER = pathlib.Path(__file__).parents[2] / "include" / "trackway" / "version.h"
FORMAT_MINOR = int(re.search(r"kFormatMinor = (\d+)", VERSION_HEADER.read_text()).group(1))
NUMBERS = itertools.count()


def with_beam_width(options):
    """The options, with beam width 1 unless they give one."""
    return options if "--beam-width" in options else (*options, "--beam-width", 1)


class Finished:
    """What a program left behind: status is negative when a signal ended it."""

    def __init__(self, command, status, out, err):
        self.command, self.status, self.out, self.err = command, status, out, err

    def __str__(self):
        shown = " ".join(map(str, self.command)).encode(errors="replace").decode()
        return f"{shown}\nstatus {self.status}\nstdout: {self.out}\nstderr: {self.err}"


def command_of(program, *arguments):
    """The command line of one of the programs."""
    return [os.path.join(BIN, program), *map(str, arguments)]


def start(program, *arguments, **options):
    """Starts a program that the test ends itself; finish() takes its output."""
    return subprocess.Popen(command_of(program, *arguments), stdin=subprocess.DEVNULL,
                            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options)


def finish(process, timeout=TIMEOUT_S):
    """Waits for a started program. One that hangs is killed, and the test fails."""
    hung = False
    try:
        output = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        hung, output = True, process.communicate()
    finished = Finished(process.args, process.returncode,
                        *((text or b"").decode(errors="replace") for text in output))
    if hung:
        raise AssertionError(f"still at work after {timeout} s: {finished}")
    return finished


def run(program, *arguments, timeout=TIMEOUT_S, env=None, **options):
    """Runs a program to its end; env is added to the environment."""
    environment = {k: v for k, v in os.environ.items() if k != "TRACKWAY_ISA"} | (env or {})
    return finish(start(program, *arguments, env=environment, **options), timeout)


def in_parallel(function, items, lanes=8):
    """function of each item, several at a time: a program spends much of its time waiting. All
    items are tried; what failed is reported together."""
    def attempt(item):
        try:
            return function(item), None
        except AssertionError as failure:
            return None, str(failure)
    with concurrent.futures.ThreadPoolExecutor(lanes) as pool:
        results = list(pool.map(attempt, items))
    failures = [failure for _, failure in results if failure is not None]
    if failures:
        raise AssertionError(f"{len(failures)} of {len(results)}:\n" + "\n".join(failures))
    return [result for result, _ in results]


def poll(condition, timeout=TIMEOUT_S, pause=0.0003):
    """Waits until condition() holds; tells whether it did in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def takes_signals(process):
    """Tells whether a started program has come so far that it handles Ctrl-C itself."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    blocked = int(status.split("SigBlk:")[1].split()[0], 16)
    return bool(blocked >> (signal.SIGINT - 1) & 1)


def limited(limit, value):
    """A preexec_fn that gives the program a resource limit (RLIMIT_...)."""
    return lambda: resource.setrlimit(limit, (value, value))


def without_rights():
    """A preexec_fn: even root obeys the permissions of files."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH; PR_CAPBSET_DROP is 24
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


def without_io_uring():
    """A preexec_fn: io_uring_setup fails with EPERM, as in many containers (seccomp)."""
    setup, eperm = 425, 0x00050000 | 1
    code = b"".join(struct.pack("<HBBI", *line) for line in (
        (0x20, 0, 0, 0),       # load the number of the system call
        (0x15, 0, 1, setup),   # skip one line unless it is io_uring_setup
        (0x06, 0, 0, eperm), (0x06, 0, 0, 0x7fff0000)))
    program = ctypes.create_string_buffer(code, len(code))
    filter_of_lines = struct.pack("@HxxxxxxP", len(code) // 8, ctypes.addressof(program))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    if libc.prctl(22, 2, ctypes.c_char_p(filter_of_lines), 0, 0) != 0:  # PR_SET_SECCOMP
        raise OSError(ctypes.get_errno(), "no seccomp")


def strace_refusal():
    """Why strace cannot be used here; none if it can."""
    if not shutil.which("strace"):
        return "strace is not installed"
    tried = subprocess.run(["strace", "-qq", "-e", "trace=none", "true"], capture_output=True,
                           text=True, check=False)
    return tried.stderr.strip() if tried.returncode else None


def write_bin(path, rows):
    """Writes rows as the .*bin file whose extension path has."""
    code = next(c for extension, c, _ in ELEMENTS.values() if path.suffix == "." + extension)
    row = struct.Struct(f"<{len(rows[0])}{code}")
    path.write_bytes(struct.pack("<II", len(rows), len(rows[0])) +
                     b"".join(row.pack(*values) for values in rows))
    return path


def read_bin(path):
    """The rows of a .*bin file."""
    code, size = next(e[1:] for e in ELEMENTS.values() if path.suffix == "." + e[0])
    data = path.read_bytes()
    count, dimension = struct.unpack_from("<II", data)
    assert len(data) == 8 + count * dimension * size, f"{path}: {len(data)} bytes"
    return list(struct.Struct(f"<{dimension}{code}").iter_unpack(data[8:]))


def read_truth(path):
    """Ids and distances, a tuple per query, of an .ibin file."""
    data = path.read_bytes()
    count, k = struct.unpack_from("<II", data)
    assert len(data) == 8 + 8 * count * k, f"{path}: {len(data)} bytes"
    half = 8 + 4 * count * k
    return (list(struct.Struct(f"<{k}I").iter_unpack(data[8:half])),
            list(struct.Struct(f"<{k}f").iter_unpack(data[half:])))


def brute_force(base, query, metric, k):
    """(id, distance) of the k rows nearest to the query; ties go to the smaller row."""
    def measure(row):
        if metric == "l2":
            return sum((a - b) * (a - b) for a, b in zip(query, row))
        if metric == "ip":
            return -sum(a * b for a, b in zip(query, row))
        lengths = (sum(a * a for a in query) ** 0.5, sum(b * b for b in row) ** 0.5)
        if 0 in lengths:
            return 1  # zeros have no direction
        return sum((a / lengths[0] - b / lengths[1]) ** 2 for a, b in zip(query, row)) / 2
    nearest = sorted((measure(row), i) for i, row in enumerate(base))[:k]
    return [(i, -value if metric == "ip" else value) for value, i in nearest]


def gaussian_rows(count, dimension, scale=1.0, seed=SEED):
    """Rows of random numbers; the same for the same seed."""
    draw = random.Random(seed)
    return [[draw.gauss(0, scale) for _ in range(dimension)] for _ in range(count)]


def contents(folder):
    """The bytes of every file of a folder, by path; not those of stages that a build has kept."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and "build.work" not in path.relative_to(folder).parts}


def manifest_of(index):
    """The fields of an index's manifest, those of its tables and its one shard among them."""
    fields = json.loads((index / "manifest.json").read_text())
    (shard,) = fields.pop("shards")
    return shard | fields.pop("tables") | fields


def part_of(index, part):
    """The one file of an index that ends in .part."""
    (path,) = index.glob(f"*.{part}")
    return path


class ProgramTest(unittest.TestCase):
    """A test with a folder of its own and words for what programs do."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="trackway-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def done(self, program, *arguments, **options):
        """Runs a program that must succeed."""
        finished = run(program, *arguments, **options)
        self.assertEqual(finished.status, 0, finished)
        return finished

    def nothing_half_written(self, index):
        """No folder, or one with nothing but stages that a build has finished."""
        if not index.exists():
            return
        self.assertLessEqual({path.name for path in index.iterdir()}, {"build.work"})
        if (index / "build.work").exists():
            left = {path.suffix for path in (index / "build.work").iterdir()}
            self.assertNotIn(".partial", left)
            self.assertIn(".stage", left)

    def refused(self, finished, *words, statuses=(1, 2)):
        """The program said no: by a status, not a signal, with these words on stderr."""
        self.assertIn(finished.status, statuses, finished)
        for word in words:
            self.assertIn(str(word), finished.err, finished)
        self.assertNotEqual(finished.err.strip(), "", finished)
        return finished

    def fails(self, program, *arguments, words=(), statuses=(1, 2), **options):
        """Runs a program that must refuse."""
        return self.refused(run(program, *arguments, **options), *words, statuses=statuses)

    def build(self, vectors, index, *options):
        """Builds an index that must succeed; its folder."""
        self.done("build-index", "--vectors", vectors, "--index", index, "--quiet", *options)
        return index

    def search(self, index, queries, *options):
        """Searches, which must succeed: ids and distances found, a tuple per query. With beam
        width 1, unless it is said, so that answers do not depend on what else runs."""
        result = self.folder / f"result-{next(NUMBERS)}.ibin"
        self.done("search-index", "--index", index, "--queries", queries, "--result", result,
                  *with_beam_width(options))
        return read_truth(result)

    def report(self, index, queries, *options):
        """The JSON report of a search that must succeed, with beam width 1 unless it is said."""
        return json.loads(self.done("search-index", "--index", index, "--queries", queries,
                                    "--json", "-", *with_beam_width(options)).out)

    def verified(self, index):
        """inspect-index finds nothing wrong."""
        return self.done("inspect-index", "--index", index, "--verify")

    def killed_builds(self, command, right, moments):
        """A build that is killed after so many seconds is finished by the next, to these bytes."""
        def one(item):
            number, moment = item
            index = self.folder / f"index-{number}"
            process = start(*command, "--index", index)
            time.sleep(moment)
            process.kill()
            finish(process)
            whole = (index / "manifest.json").exists()
            self.done(*command, "--index", index, *(["--overwrite"] if whole else []))
            self.assertEqual(contents(index), right)
            self.assertFalse((index / "build.work").exists())
            shutil.rmtree(index)
        in_parallel(one, enumerate(moments), lanes=2)


class StraceTest(ProgramTest):
    """Programs under strace; self.before is an index of 200 x 6 float32 of self.base."""

    def setUp(self):
        super().setUp()
        reason = strace_refusal()
        if reason:
            self.skipTest(f"system calls cannot be traced here: {reason}")
        self.base = write_bin(self.folder / "base.fbin", gaussian_rows(200, 6))
        self.before = self.folder / "before"
        self.build(self.base, self.before, "--max-degree", 8)

    def traced(self, options, command):
        """Runs a command of a program under strace with these options."""
        line = command_of(*command)
        return finish(subprocess.Popen(
            ["strace", "-f", "-qq", *map(str, options), *line], cwd="/", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE))


class DatasetTest(ProgramTest):
    """A test whose class made float32 vectors, queries and an index of them."""
    SHAPE = (2000, 32)
    BUILD_OPTIONS = ()

    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="trackway-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        cls.data = make_dataset(cls.shared / "data", vectors=cls.SHAPE[0], dimension=cls.SHAPE[1])
        cls.base, cls.queries = cls.data / "base.fbin", cls.data / "query.fbin"
        cls.index = cls.shared / "index"
        finished = run("build-index", "--vectors", cls.base, "--index", cls.index, "--quiet",
                       *cls.BUILD_OPTIONS)
        assert finished.status == 0, finished

    def copy_of_index(self, name="copy"):
        """A copy of the class's index for the test to damage."""
        return pathlib.Path(shutil.copytree(self.index, self.folder / name))


def make_dataset(folder, vectors=2000, queries=50, dimension=32, element_type="float32", seed=1,
                 options=()):
    """Calls make-dataset; the folder of base, learn, query and query-indist."""
    finished = run("make-dataset", "--output", folder, "--vectors", vectors, "--queries", queries,
                   "--dimension", dimension, "--element-type", element_type, "--seed", seed,
                   *options)
    assert finished.status == 0, finished
    return folder


def main():
    """Runs the tests of the calling script."""
    print(f"seed {SEED}", flush=True)
    unittest.main()
