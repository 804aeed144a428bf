"""bench/compare.py: its result is whole and right; what it cannot do is one clear line."""
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import time
import unittest

import programs

COMPARE = pathlib.Path(__file__).parents[2] / "bench" / "compare.py"
sys.path.append(str(COMPARE.parent))
import compare_data  # noqa: E402
import measure  # noqa: E402
from series import LOAD_FIELDS, MEMORY_FIELDS, POINT_FIELDS  # noqa: E402

SPREAD = {"median", "min", "max", "rounds"}
TOP = {"schema", "when", "command", "seed", "rounds", "threads", "machine", "dataset", "device", "device_why",
       "systems"}
SYSTEM = {"name", "label", "version", "residence", "page_size_bytes", "parameters", "build", "search_commands",
          "points", "load", "memory"}
# A system that finds all true neighbours of each query but so many, and prints made-up figures.
MADE_UP = """
import pathlib, struct, sys
truth, found, wrong, k = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
data = pathlib.Path(truth).read_bytes()
queries, width = struct.unpack_from('<II', data)
rows = struct.iter_unpack(f'<{width}I', data[8:8 + 4 * queries * width])
out = [ids[:k - wrong] + (4000000000,) * wrong for ids in rows]
pathlib.Path(found).write_bytes(struct.pack('<II', queries, k) + b''.join(struct.pack(f'<{k}I', *ids) for ids in out))
print('warming: 1.0 queries/s')
print('speed: 1234.5 queries/s, mean 0.25 ms, recall %.1f' % (100 - 100 * wrong / k))
"""


def npy(shape):
    """The header of a .npy file of float32."""
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def running(mark):
    """Whether a process runs whose command line has this in it."""
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                return True
        except (FileNotFoundError, ProcessLookupError):
            pass
    return False


class CompareTest(programs.DatasetTest):
    """A made-up system beside Trackway, and alone where something is wrong."""
    SHAPE = (2000, 16)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.truth = cls.shared / "truth.ibin"
        finished = programs.run("make-ground-truth", "--vectors", cls.base, "--queries", cls.queries, "--output",
                                cls.truth, "--k", 20)
        assert finished.status == 0, finished

    def setUp(self):
        super().setUp()
        self.output = self.folder / "out"
        (self.folder / "made_up.py").write_text(MADE_UP)
        program = [sys.executable, "{folder}/made_up.py", "{truth}", "{work}/found.bin", "{wrong}", "{k}"]
        self.adaptor = {
            "name": "made-up", "label": "Made up", "version": "1", "residence": "disk",
            "build": [[sys.executable, "-c", "open('{work}/index', 'w').write('{metric} {element_type}')"]],
            "names": {"element_type": {"float32": "float"}}, "index_files": ["{work}/index"],
            "settings": [{"wrong": 0}, {"wrong": 3}], "setting_label": "{wrong} wrong", "search": program,
            "result": "{work}/found.bin", "scale": {"latency_us_mean": 1000},
            "patterns": [r"(?P<qps>[\d.]+) queries/s", r"mean (?P<latency_us_mean>[\d.]+) ms"]}

    def compare(self, *options, **how):
        """Runs compare.py to its end."""
        return programs.finish(self.start(*options, **how), timeout=300)

    def start(self, *options, pictures=False, device=False, env=None, ignored=None, **changes):
        """Starts compare.py with the made-up system, of which some fields are changed; None removes one."""
        adaptor = {name: value for name, value in (self.adaptor | changes).items() if value is not None}
        path = self.folder / "made-up.json"
        path.write_text(json.dumps(adaptor))
        command = [sys.executable, str(COMPARE), "--vectors", self.base, "--queries", self.queries, "--ground-truth",
                   self.truth, "--output", self.output, "--bin", programs.BIN, "--rounds", 1, "--quick", "--system",
                   path, *([] if pictures else ["--no-pictures"]), *([] if device else ["--no-device"]), *options]
        return subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=env,
                                preexec_fn=ignored and (lambda: signal.signal(ignored, signal.SIG_IGN)))

    def wrong(self, *words, options=("--systems", ""), **changes):
        """compare.py must refuse with status 1 and one line, and leave no result."""
        finished = self.refused(self.compare(*options, **changes), *words, statuses=(1,))
        progress = (": builds", ": round ", "is kept", ": memory, ")
        lines = [line for line in finished.err.splitlines() if not any(part in line for part in progress)]
        self.assertEqual(len(lines), 1, finished)
        self.assertEqual(list(self.output.glob("compare.json*")), [], finished)

    def test_result_is_whole_and_right(self):
        finished = self.compare("--systems", "trackway", "--workload", self.data / "learn.fbin", pictures=True)
        self.assertEqual(finished.status, 0, finished)
        for name in ("report.html", "base-overview.png", "base-recall-qps.svg"):
            self.assertGreater((self.output / name).stat().st_size, 1000, name)
        result = json.loads((self.output / "compare.json").read_text())
        self.assertEqual(set(result), TOP)
        self.assertEqual((result["schema"], result["rounds"], result["device"]), ("trackway-compare/2", 1, []))
        self.assertEqual(set(result["machine"]), {"cpu", "cores", "memory_bytes", "kernel", "os", "disk"})
        self.assertEqual({name: value for name, value in result["dataset"].items() if name != "files"},
                         {"name": "base", "vectors": 2000, "dimension": 16, "element_type": "float32", "metric": "l2",
                          "queries": 50, "k": 10})
        self.assertEqual(set(result["dataset"]["files"]), {"base", "query", "truth", "workload"})
        trackway, made_up = result["systems"]
        for system in (trackway, made_up):
            self.system_is_whole(system)
            self.assertIn(f"| {system['label']} |", finished.out)
        self.trackway_is_right(trackway)
        self.made_up_is_right(made_up)

    @unittest.skipUnless((pathlib.Path(programs.BIN) / "hnswlib_peer").exists(), "hnswlib_peer is not built "
                         "(Debian: libhnswlib-dev)")
    def test_a_peer(self):
        """hnswlib finds nearly all; it reads nothing from disk; its program refuses what it cannot read."""
        finished = self.compare("--systems", "hnswlib")
        self.assertEqual(finished.status, 0, finished)
        hnswlib, _ = json.loads((self.output / "compare.json").read_text())["systems"]
        self.system_is_whole(hnswlib)
        self.assertGreater(hnswlib["points"][1]["recall"]["median"], 0.9)
        self.assertIsNone(hnswlib["points"][1]["pages_per_query"])
        peer = programs.run("hnswlib_peer", "--vectors", self.truth, "--queries", self.queries, "--index",
                            self.folder / "none")
        self.refused(peer, "truth.ibin", statuses=(1,))
        self.assertEqual(list(self.folder.glob("none*")), [])

    def system_is_whole(self, system):
        """Every field of the schema, every spread of one round."""
        self.assertEqual(set(system), SYSTEM)
        self.assertEqual(set(system["build"]),
                         {"commands", "seconds", "cpu_seconds", "peak_resident_bytes", "index_bytes"})
        for series, name, fields in (("points", "setting", POINT_FIELDS), ("load", "queries_in_flight", LOAD_FIELDS),
                                     ("memory", "memory_budget_bytes", MEMORY_FIELDS)):
            for point in system[series]:
                self.assertEqual(set(point), {*fields, name, "label"})
                for field in fields:
                    if point[field] is not None:
                        self.assertEqual(set(point[field]), SPREAD)
                        self.assertEqual(point[field]["rounds"], [point[field]["median"]])
                if "resident_bytes" in fields:
                    self.assertGreater(point["resident_bytes"]["median"], 0)
        self.assertEqual(len(system["search_commands"]),
                         len(system["points"]) + len(system["load"]) + len(system["memory"]))

    def trackway_is_right(self, system):
        """Recall is that of a search by hand; pages are given; all series are there."""
        self.assertEqual([point["setting"] for point in system["points"]], [{"search_list": 20}, {"search_list": 60}])
        index = self.output / "trackway" / "index"
        self.assertEqual(system["build"]["index_bytes"], sum(path.stat().st_size for path in index.iterdir()))
        by_hand = self.report(index, self.queries, "--ground-truth", self.truth, "--search-list", 60)["rows"][0]
        self.assertAlmostEqual(system["points"][1]["recall"]["median"], by_hand["recall"], delta=0.02)
        self.assertGreater(system["points"][1]["pages_per_query"]["median"], 1)
        self.assertEqual([one["queries_in_flight"] for one in system["load"]], [1, 8])
        self.assertEqual(len(system["memory"]), 2)

    def made_up_is_right(self, system):
        """Recall of the ids, the last rate printed, latency by its scale, nothing that was not printed."""
        self.assertEqual([point["recall"]["median"] for point in system["points"]], [1.0, 0.7])
        point = system["points"][1]
        self.assertEqual((point["label"], point["qps"]["median"], point["latency_us_mean"]["median"]),
                         ("3 wrong", 1234.5, 250))
        self.assertIsNone(point["pages_per_query"])
        self.assertEqual((self.output / "made-up" / "index").read_text(), "l2 float")
        self.assertEqual(system["build"]["index_bytes"], len("l2 float"))

    def test_recall_that_a_system_prints(self):
        pattern = r"(?P<qps>[\d.]+) queries/s, mean [\d.]+ ms, recall (?P<recall>[\d.]+)"
        changes = {"result": None, "patterns": [pattern], "scale": {"recall": 0.01}}
        self.assertEqual(self.compare("--systems", "", **changes).status, 0)
        points = json.loads((self.output / "compare.json").read_text())["systems"][0]["points"]
        for point, right in zip(points, (1, 0.7), strict=True):
            self.assertAlmostEqual(point["recall"]["median"], right)

    def test_wrong_adaptors(self):
        for words, changes in (
                (["'search' is missing"], {"search": None}), (["unknown 'serch'"], {"serch": []}),
                (["'settings' is empty"], {"settings": []}), (["'scale'", "expected dict"], {"scale": 3}),
                (["'residence'", "tape"], {"residence": "tape"}), (["cannot name a folder"], {"name": "../up"}),
                (["cannot name a folder"], {"name": ".."}), (["cannot name a folder"], {"name": "data"}),
                (["'index_files' is empty"], {"index_files": []}), (["'index_files' is empty"], {"index_files": [""]}),
                (["'patterns'", "(?P<qps"], {"patterns": ["(?P<qps"]}),
                (["no field 'speed'"], {"patterns": ["(?P<speed>.*)"]}), (["no group 'qps'"], {"patterns": ["x"]}),
                (["neither a group 'recall'"], {"result": None}),
                (["nothing is called {list}"], {"setting_label": "L={list}"}),
                (["element_type float32"], {"names": {"element_type": {"uint8": "uint8"}}}),
                (["expected a command", "[3]"], {"build": [[3]]}), (["expected a command", "[]"], {"search": [[]]}),
                (["'page_size_bytes': 1000"], {"page_size_bytes": 1000}),
                (["no ", "missing*"], {"index_files": ["{work}/missing*"]})):
            with self.subTest(words=words):
                self.wrong("made-up.json", *words, **changes)

    def test_metric_is_that_of_the_set(self):
        """What fetch.py wrote down holds; to ask for another is an error."""
        described = self.folder / "dataset.json"
        described.write_text(json.dumps({"metric": "cosine"}))
        self.assertEqual(compare_data.metric_of("a", self.folder, None), "cosine")
        self.assertEqual(compare_data.metric_of("a", self.folder, "cosine"), "cosine")
        for text, asked, words in (('{"metric": "cosine"}', "l2", "metric cosine, found --metric l2"),
                                   ('{"metric": "dot"}', None, '"dot", expected l2, ip or cosine'),
                                   ("{}", None, "no metric in it"), ("{", None, "no metric in it")):
            described.write_text(text)
            with self.assertRaisesRegex(measure.Failure, words):
                compare_data.metric_of("a", self.folder, asked)
        described.unlink()
        self.assertEqual(compare_data.metric_of("a", self.folder, None), "l2")
        self.assertEqual(compare_data.metric_of("a", self.folder, "ip"), "ip")

    def test_wrong_data(self):
        """Truth and vectors that are too short, of no shape, of ids that there are not, or no files at all."""
        whole, vector = self.truth.read_bytes(), self.base.read_bytes()
        fifo = self.folder / "fifo.fbin"
        os.mkfifo(fifo)
        self.wrong(fifo, "not a file", options=("--systems", "", "--vectors", fifo))
        for name, data, option, words in (
                ("short.ibin", whole[:-3], "--ground-truth", ["bytes, expected", "50 x 20"]),
                ("tiny.ibin", whole[:9], "--ground-truth", ["9 bytes, expected"]),
                ("foreign.ibin", whole[:8] + struct.pack("<I", 2000) + whole[12:], "--ground-truth",
                 ["id 2000, expected ids below 2000"]),
                ("none.ivecs", struct.pack("<i", -1) * 4, "--ground-truth", ["-1 neighbours"]),
                ("none.fvecs", struct.pack("<i", -1) * 4, "--vectors", ["expected rows"]),
                ("flat.fbin", vector[:4] + struct.pack("<I", 0), "--vectors", ["expected rows"]),
                ("flat.npy", npy("(2000,)"), "--vectors", ["expected rows"]),
                ("odd.npy", npy("(2000, 'x')"), "--vectors", ["expected rows"])):
            with self.subTest(name=name):
                path = self.folder / name
                path.write_bytes(data)
                self.wrong(name, *words, options=("--systems", "", option, path))

    def test_an_index_is_built_again_when_its_data_changed(self):
        """Also when the last record of a build was cut off."""
        def built_again():
            finished = self.compare("--systems", "")
            self.assertEqual(finished.status, 0, finished)
            return ": builds" in finished.err
        self.assertTrue(built_again())
        self.assertFalse(built_again())
        os.utime(self.base)
        self.assertTrue(built_again())
        record = self.output / "made-up" / "build.json"
        record.write_text(record.read_text()[:-5])
        self.assertTrue(built_again())
        (self.output / "made-up" / "index").unlink()
        self.assertTrue(built_again())

    def test_what_it_runs_ends_with_it(self):
        """SIGTERM ends compare.py, the program that it runs and what that started; SIGHUP does not, if it was ignored
        before, as nohup has it."""
        mark = f"{self.folder}/child"
        process = self.start("--systems", "", search=["sh", "-c", f"sh -c 'sleep 1000; : \"{mark}\"'; true"],
                             ignored=signal.SIGHUP)
        deadline = time.monotonic() + 60
        while not running(mark):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        process.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        finished = programs.finish(process, timeout=60)
        self.assertEqual(finished.status, 128 + signal.SIGTERM, finished)
        self.assertNotIn("Traceback", finished.err)
        while running(mark):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assertEqual(list(self.output.glob("compare.json*")), [])

    def test_the_disk_is_measured_where_the_index_lies(self):
        """By fio, a stand-in here: the largest file of the index, once a round for each page size."""
        fio = self.folder / "fio"
        fio.write_text(f"#!/bin/sh\necho \"$@\" >> {self.folder}/asked\necho a note\n"
                       "echo '{\"jobs\": [{\"read\": {\"iops\": 5000}}]}'\n")
        fio.chmod(0o755)
        found = self.compare("--systems", "trackway", device=True, page_size_bytes=16384,
                             env=os.environ | {"PATH": f"{self.folder}:{os.environ['PATH']}"})
        self.assertEqual(found.status, 0, found)
        result = json.loads((self.output / "compare.json").read_text())
        devices, sizes = result["device"], [result["systems"][0]["page_size_bytes"], 16384]
        self.assertEqual([device["page_size_bytes"] for device in devices], sizes)
        for device in devices:
            self.assertEqual(device["reads_per_second"], {"median": 5000, "min": 5000, "max": 5000, "rounds": [5000]})
        asked = (self.folder / "asked").read_text().splitlines()
        largest = max((self.output / "trackway" / "index").iterdir(), key=lambda path: path.stat().st_size)
        self.assertEqual(len(asked), 2)
        for line, size in zip(asked, sizes):
            self.assertIn(f"--filename={largest} ", line)
            self.assertIn(f"--bs={size} ", line)

    def test_ids_of_another_search_do_not_count(self):
        """A search that writes no ids fails, though those of the one before lie there."""
        self.assertEqual(self.compare("--systems", "").status, 0)
        (self.output / "compare.json").unlink()
        self.wrong("found.bin", "No such file", search=[sys.executable, "-c", "print('1 queries/s, mean 1 ms')"])

    def test_not_json(self):
        path = self.folder / "broken.json"
        path.write_text("{")
        self.wrong("broken.json", "not JSON", options=("--systems", "", "--system", path))

    def test_programs_that_fail(self):
        self.wrong("is not in what", "recall 100.0", patterns=["(?P<qps>[0-9]+) hours"], scale=None)
        self.wrong("qps is 'speed', not a number", patterns=["(?P<qps>speed)"], scale=None)
        self.wrong("qps is 'nan', not a number", patterns=[r"(?P<qps>\S+)"], scale=None,
                   search=[sys.executable, "-c", "print('nan')"])
        self.wrong("exit status 3", "so it is",
                   search=[sys.executable, "-c", "import sys; print('so it is'); sys.exit(3)"])
        self.wrong("exit status 2", build=[[sys.executable, "-c", "import sys; sys.exit(2)"]])
        self.wrong("/no/such/program: No such file", search=["/no/such/program"])
        self.wrong("recall 100.0, expected 0 to 1", result=None, scale={},
                   patterns=[r"(?P<qps>[\d.]+) queries/s, mean [\d.]+ ms, recall (?P<recall>[\d.]+)"])

    def test_what_is_missing(self):
        self.wrong("hnswlib_peer is missing", "libhnswlib-dev",
                   options=("--systems", "hnswlib", "--bin", self.folder))
        self.wrong("nothing.fbin: No such file", options=("--systems", "", "--queries", self.folder / "nothing.fbin"))
        self.wrong("truth.ibin: 50 x 20", "21 or more", options=("--systems", "", "--k", 21))
        self.refused(self.compare("--systems", "hnswlob"), "no system 'hnswlob'", statuses=(2,))
        self.refused(self.compare("--rounds", "0"), "1 or more", statuses=(2,))


if __name__ == "__main__":
    programs.main()
