"""datasets/fetch.py against a file server of the test's own: slices, broken and resumed transfers, what servers and
files do wrong, every source format. All traffic goes to 127.0.0.1."""
import hashlib
import io
import json
import os
import pathlib
import pty
import random
import struct
import subprocess
import tarfile
import time

import programs
from file_server import FileServer
from programs import ProgramTest, brute_force, poll, read_bin, read_truth

FETCH = pathlib.Path(__file__).parents[2] / "datasets" / "fetch.py"
PYTHON = "/usr/bin/python3"  # Debian's, which sees Debian's numpy and h5py.
ROWS, DIMENSION, SET_ROWS, QUERIES, LEARN, K = 400, 8, 300, 12, 20, 10
ROLES = ("base", "query", "learn")
SET_BYTES = 8 + SET_ROWS * DIMENSION
STEP = "Ask the librarian."


def bytes_of_bin(rows, code="B"):
    """The rows as a .*bin file."""
    return struct.pack("<II", len(rows), len(rows[0])) + b"".join(
        struct.pack(f"<{len(row)}{code}", *row) for row in rows)


def bytes_of_vecs(rows, code):
    """The rows as an .fvecs, .bvecs or .ivecs file."""
    return b"".join(struct.pack(f"<i{len(row)}{code}", len(row), *row) for row in rows)


def bytes_rows(count, seed):
    """Rows of random bytes."""
    draw = random.Random(seed)
    return [[draw.randrange(256) for _ in range(DIMENSION)] for _ in range(count)]


def neighbours(base, queries, metric="l2", k=K):
    """Ids of the nearest, and their distances, a list per query."""
    found = [brute_force(base, query, metric, k) for query in queries]
    return [[i for i, _ in row] for row in found], [[value for _, value in row] for row in found]


def tar_gz(members):
    """A .tar.gz of files by name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


class FetchTest(ProgramTest):
    """A test with a server, and a catalogue of a set 'tiny': the first rows of a .u8bin file."""

    def setUp(self):
        super().setUp()
        self.server = FileServer()
        self.addCleanup(self.server.stop)
        self.rows = {role: bytes_rows(count, seed)
                     for seed, (role, count) in enumerate(zip(ROLES, (ROWS, QUERIES, LEARN)))}
        self.ids, self.distances = neighbours(self.rows["base"][:SET_ROWS], self.rows["query"])
        self.files = {role: bytes_of_bin(rows) for role, rows in self.rows.items()}
        self.files["truth"] = bytes_of_bin(self.ids, "I")
        sources = {role: self.source(f"/{role}.u8bin", self.files[role], "bin", rows=len(self.rows[role]),
                                     dimension=DIMENSION, element_type="uint8") for role in ROLES}
        sources["truth"] = self.source("/truth.ibin", self.files["truth"], "ibin")
        parts = zip((*ROLES, "truth"), (SET_ROWS, QUERIES, LEARN, QUERIES))
        self.catalog = self.catalog_of(sources, {role: {"source": role, "rows": rows} for role, rows in parts},
                                       element_type="uint8")
        self.output = self.folder / "sets"
        self.set = self.output / "tiny"

    def source(self, path, content, kind, **fields):
        """Serves a file; its entry in a catalogue."""
        return {"urls": [self.server.serve(path, content)], "bytes": len(content), "bytes_exact": True,
                "format": kind, "checksum": None} | fields

    def catalog_of(self, sources, parts, **fields):
        """A catalogue of one set."""
        entry = {"title": "T", "homepage": "H", "licence": "L", "manual": "M", "metric": "l2",
                 "element_type": "float32", "vectors": SET_ROWS, "dimension": DIMENSION, "queries": QUERIES,
                 "k": K, "base": None, "query": None, "learn": None, "truth": None} | parts | fields
        return {"format": 1, "checksum_rule": "first", "manuals": {"M": [STEP]},
                "licences": {"L": {"name": "none", "seen_at": "here"}}, "sources": sources, "sets": {"tiny": entry}}

    def command(self, *options):
        """The command line of fetch.py with the test's catalogue."""
        path = self.folder / "catalog.json"
        path.write_text(json.dumps(self.catalog))
        return [PYTHON, "-B", str(FETCH), "tiny", "--catalog", str(path), "--output", str(self.output),
                *map(str, options)]

    def started(self, *options, env=None, **popen):
        """Starts fetch.py; no proxy but one that the test names."""
        clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        return subprocess.Popen(self.command(*options), stdin=subprocess.DEVNULL,
                                env=clean | {"TRACKWAY_BIN": programs.BIN} | (env or {}),
                                **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | popen)

    def fetched(self, *options, **how):
        """Runs fetch.py, which must succeed."""
        finished = programs.finish(self.started(*options, **how))
        self.assertEqual(finished.status, 0, finished)
        return finished

    def refuses(self, *options, words=(), status=1, **how):
        """Runs fetch.py, which must fail with these words; no set is there."""
        finished = programs.finish(self.started("--attempts", 1, *options, **how))
        self.refused(finished, *words, statuses=(status,))
        self.assertNotIn("Traceback", finished.err)
        self.assertFalse((self.set / "dataset.json").exists())
        return finished

    def has_set(self, folder=None, rows=SET_ROWS, queries=QUERIES):
        """The set is there, byte by byte, with the right neighbours and nothing else beside it."""
        folder = folder or self.set
        for role, count in (("base", rows), ("query", queries), ("learn", LEARN)):
            self.assertEqual((folder / f"{role}.u8bin").read_bytes(), bytes_of_bin(self.rows[role][:count]), role)
        ids, distances = neighbours(self.rows["base"][:rows], self.rows["query"][:queries])
        self.assertEqual(read_truth(folder / f"gt{K}.ibin"), ([*map(tuple, ids)], [*map(tuple, distances)]))
        self.assertEqual(len(list(folder.iterdir())), 5)
        self.assertEqual(list(self.output.rglob("*.partial*")), [])

    def asked_for(self, path):
        """The ranges that were asked for, of one file."""
        return [asked for name, asked in self.server.requests if name == path]


class SliceTest(FetchTest):
    """The first rows are all that is downloaded."""

    def test_set_is_made_once(self):
        """One range of the base; a second run asks for nothing; another size of it is another set."""
        self.fetched("--quiet")
        self.has_set()
        self.assertEqual(self.asked_for("/base.u8bin"), [f"bytes=0-{SET_BYTES - 1}"])
        summary = json.loads((self.set / "dataset.json").read_text())
        self.assertEqual([summary[name] for name in ("vectors", "metric", "ground_truth")],
                         [SET_ROWS, "l2", "published"])
        before = len(self.server.requests)
        self.assertIn("already", self.fetched().out)
        self.assertEqual(len(self.server.requests), before)
        finished = programs.finish(self.started("--queries", 3))
        self.refused(finished, "expected 300 vectors and 3 queries, found 300 and 12", statuses=(1,))

    def test_parts_of_a_finished_set(self):
        """One that is gone is made again; one that was cut off, or is no file, is an error, whatever dataset.json
        says."""
        self.fetched("--quiet")
        truth, base = self.set / f"gt{K}.ibin", self.set / "base.u8bin"
        whole, summary = truth.read_bytes(), json.loads((self.set / "dataset.json").read_text())
        truth.unlink()
        self.fetched("--quiet")
        self.has_set()
        again = json.loads((self.set / "dataset.json").read_text())
        for found in (summary, again):
            found["downloaded"].sort(key=lambda record: record["url"])
        self.assertEqual(again, summary)
        for path, data in ((truth, whole[:-1]), (truth, b""), (base, base.read_bytes()[:-1])):
            kept = path.read_bytes()
            path.write_bytes(data)
            self.refused(programs.finish(self.started()), path, "expected", "remove it", statuses=(1,))
            path.write_bytes(kept)
        base.unlink()
        os.mkfifo(base)
        self.refused(programs.finish(self.started()), base, "expected a file", statuses=(1,))

    def test_records_of_other_kinds(self):
        """JSON that fetch.py never wrote, in its own files: named, no traceback."""
        self.fetched("--quiet")
        downloads = self.output / "downloads" / "checksums.json"
        for path, text, words in ((self.set / "dataset.json", "[]", ["expected an object", "[]"]),
                                  (downloads, "3", ["expected an object", "3"]),
                                  (downloads, '{"a": 5}', ["'a'", "5"]),
                                  (downloads, '{"a": {"bytes": 1, "sha256": 7}}', ["'sha256'", "7"])):
            kept = path.read_text()
            path.write_text(text)
            (self.set / "base.u8bin").unlink(missing_ok=True)
            self.refused(programs.finish(self.started()), path, *words, statuses=(1,))
            path.write_text(kept)

    def test_slice_gets_its_own_truth(self):
        """Of 50 rows and 5 queries, by make-ground-truth, though asked for last; rows of the rest are never
        downloaded."""
        options = ("--slice", 50, "--queries", 5)
        self.fetched(*options, "--no-truth")
        self.assertFalse((self.output / "tiny-50" / f"gt{K}.ibin").exists())
        self.fetched(*options)
        self.has_set(self.output / "tiny-50", 50, 5)
        self.assertEqual(self.asked_for("/base.u8bin"), [f"bytes=0-{8 + 50 * DIMENSION - 1}"])
        self.assertEqual(self.asked_for("/truth.ibin"), [])

    def test_server_without_ranges(self):
        """Its first bytes are as good; a transfer that broke off cannot go on, and says how to start over."""
        self.server.serve("/base.u8bin", self.files["base"], ranges=False, cuts=[1000])
        self.refuses(words=[self.server.address + "/base.u8bin", "ended at byte 1000", f"expected {SET_BYTES}"])
        self.refuses(words=["expected bytes from 1000", "takes no ranges", "--restart", STEP])
        self.server.serve("/base.u8bin", self.files["base"], wrong_range=True)
        self.refuses(words=["expected bytes from 1000", f"found Content-Range bytes 0-{SET_BYTES - 1}", STEP])
        self.fetched("--restart")
        self.has_set()

    def test_missing_program_is_told_before_any_download(self):
        """--bin names a folder without make-ground-truth."""
        self.refuses("--slice", 50, "--bin", self.folder, words=["make-ground-truth", "--bin"])
        self.assertEqual(self.server.requests, [])


class BrokenTransferTest(FetchTest):
    """What has arrived is not asked for again."""

    def test_goes_on_by_itself(self):
        """Two breaks in one run."""
        self.server.serve("/base.u8bin", self.files["base"], cuts=[700, 900])
        finished = self.fetched("--attempts", 3)
        self.has_set()
        self.assertEqual([asked.split("-")[0] for asked in self.asked_for("/base.u8bin")],
                         ["bytes=0", "bytes=700", "bytes=1600"])
        self.assertIn("ended at byte 700", finished.err)

    def test_goes_on_in_the_next_run(self):
        """After the last attempt; nothing has a final name before all is there."""
        self.server.serve("/base.u8bin", self.files["base"], cuts=[1000], tag='"one"')
        self.refuses(words=["ended at byte 1000", f"expected {SET_BYTES}", STEP])
        partials = list(self.output.rglob("*bin.partial"))
        self.assertEqual([partial.stat().st_size for partial in partials], [1000])
        self.assertEqual(list(self.set.iterdir()), [])
        self.fetched()
        self.has_set()
        self.assertEqual(self.asked_for("/base.u8bin")[1], f"bytes=1000-{SET_BYTES - 1}")

    def test_goes_on_after_a_kill(self):
        """SIGKILL while the server is silent."""
        self.server.serve("/base.u8bin", self.files["base"], stall_after=1200)
        process = self.started()
        self.assertTrue(poll(lambda: any(p.stat().st_size == 1200 for p in self.output.rglob("*bin.partial"))))
        process.kill()
        programs.finish(process)
        self.server.serve("/base.u8bin", self.files["base"])
        self.fetched()
        self.has_set()
        self.assertEqual(self.asked_for("/base.u8bin")[1], f"bytes=1200-{SET_BYTES - 1}")

    def test_silent_server(self):
        """--timeout ends the wait."""
        self.server.serve("/base.u8bin", self.files["base"], stall_after=100)
        began = time.monotonic()
        self.refuses("--timeout", 1, words=["at byte 100", "timed out"])
        self.assertLess(time.monotonic() - began, 20)

    def test_changed_file(self):
        """A new ETag: the two parts would not fit."""
        self.server.serve("/base.u8bin", self.files["base"], cuts=[1000], tag='"one"')
        self.refuses(words=["ended at byte 1000"])
        self.server.serve("/base.u8bin", self.files["base"], tag='"two"')
        self.refuses(words=["expected bytes from 1000", "has changed", "--restart"])

    def test_full_disk(self):
        """A file that cannot grow: where it stopped; with room, it goes on."""
        self.refuses(preexec_fn=programs.limited(programs.resource.RLIMIT_FSIZE, 1500),
                     words=["cannot write at byte 1500"])
        self.fetched()
        self.has_set()

    def test_one_at_a_time(self):
        """A second fetch.py in the same folder gives way."""
        self.server.serve("/base.u8bin", self.files["base"], stall_after=100)
        first = self.started()
        self.assertTrue(poll(lambda: self.server.requests))
        self.refuses(words=["another fetch.py"])
        self.server.go_on.set()
        self.assertEqual(programs.finish(first).status, 0)
        self.has_set()


class WrongFileTest(FetchTest):
    """Links that are dead, and files that are not what the catalogue says."""

    def test_odd_address(self):
        """One that no client can ask is a dead link."""
        self.catalog["sources"]["base"]["urls"] = ["http://[::1/base.u8bin", "http://a:b/base.u8bin"]
        self.refuses(words=["http://[::1/base.u8bin: not an address", "http://a:b/base.u8bin: not an address", STEP])

    def test_dead_link(self):
        """404 and a port that nobody listens on: the address, the manual steps, and where to put the file."""
        self.server.serve("/base.u8bin", b"", status=404)
        finished = self.refuses(words=[self.server.address + "/base.u8bin", "404", STEP, "Put the first"])
        by_hand = pathlib.Path(finished.err.split(" of it at ")[1].split(" and run")[0])
        self.catalog["sources"]["base"]["urls"] = ["http://127.0.0.1:1/base.u8bin"]
        self.refuses(words=["http://127.0.0.1:1/base.u8bin", "refused", STEP])
        by_hand.write_bytes(self.files["base"][:99])
        self.refuses(words=[by_hand, f"expected {SET_BYTES} bytes, found 99"])
        by_hand.write_bytes(self.files["base"][:SET_BYTES])
        self.fetched()
        self.has_set()

    def test_next_address_is_tried(self):
        """A dead link, then a living one behind a redirect."""
        self.server.serve("/moved", b"", redirect=self.server.address + "/base.u8bin")
        self.catalog["sources"]["base"]["urls"] = [self.server.address + "/gone", self.server.address + "/moved"]
        self.assertIn("404", self.fetched().err)
        self.has_set()
        self.assertEqual(self.asked_for("/base.u8bin"), [f"bytes=0-{SET_BYTES - 1}"])

    def test_parts_of_two_addresses(self):
        """Without a published checksum nothing tells that they fit."""
        self.server.serve("/base.u8bin", self.files["base"], cuts=[1000])
        self.refuses(words=["ended at byte 1000"])
        self.catalog["sources"]["base"]["urls"] = [self.server.serve("/mirror/base.u8bin", self.files["base"])]
        self.refuses(words=["begun from", "/base.u8bin", "/mirror/base.u8bin", "--restart"])

    def test_overloaded_server(self):
        """503 is no dead link: it is asked again."""
        self.server.serve("/base.u8bin", b"", status=503)
        finished = self.refuses("--attempts", 2, words=["503", "2 attempts"])
        self.assertEqual(len(self.asked_for("/base.u8bin")), 2, finished)

    def test_wrong_size(self):
        """Longer than the catalogue says, and shorter."""
        size = len(self.files["query"])
        for content in (self.files["query"] + b"x", self.files["query"][:-1]):
            self.server.serve("/query.u8bin", content)
            self.refuses(words=["/query.u8bin", f"expected a file of {size} bytes, found {len(content)}", STEP])

    def test_wrong_checksum(self):
        """The published one; after a --restart the right file is taken."""
        right = hashlib.md5(self.files["query"]).hexdigest()
        self.catalog["sources"]["query"]["checksum"] = {"algorithm": "md5", "value": right, "seen_at": "here"}
        wrong = self.files["query"][:-1] + bytes([self.files["query"][-1] ^ 1])
        self.server.serve("/query.u8bin", wrong)
        for _ in range(2):
            self.refuses(words=["/query.u8bin", f"expected md5 {right}", hashlib.md5(wrong).hexdigest(), "--restart"])
        self.assertFalse((self.set / "query.u8bin").exists())
        self.server.serve("/query.u8bin", self.files["query"])
        self.fetched("--restart")
        self.has_set()

    def test_other_bytes_than_at_first(self):
        """Without a published checksum the first download is trusted, and kept."""
        self.fetched()
        record = self.output / "downloads" / "checksums.json"
        known = json.loads(record.read_text())
        for path in self.set.iterdir():
            path.unlink()
        other = self.files["base"][:-1 - (ROWS - SET_ROWS) * DIMENSION] + b"\0" * (1 + (ROWS - SET_ROWS) * DIMENSION)
        self.server.serve("/base.u8bin", other)
        was = hashlib.sha256(self.files["base"][:SET_BYTES]).hexdigest()
        self.refuses(words=[f"expected sha256 {was}", "first download", "checksums.json"])
        self.assertEqual(json.loads(record.read_text()), known)
        self.server.serve("/base.u8bin", self.files["base"])
        self.fetched("--restart")
        self.has_set()

    def test_wrong_header(self):
        """Another dimension behind the right size."""
        self.server.serve("/query.u8bin", struct.pack("<II", 1, QUERIES * DIMENSION) + self.files["query"][8:])
        self.refuses(words=["offset 0", f"expected {QUERIES} x {DIMENSION}", "found 1 x"])

    def test_truth_of_other_vectors(self):
        """Neighbours in the wrong order, and an id that cannot be."""
        for ids, word in (([row[::-1] for row in self.ids], "from near to far"),
                          ([[SET_ROWS, *row[1:]] for row in self.ids], f"ids below {SET_ROWS}")):
            self.server.serve("/truth.ibin", bytes_of_bin(ids, "I"))
            self.refuses("--restart", words=["query 0", word])
            self.assertFalse((self.set / f"gt{K}.ibin").exists())
            (self.output / "downloads" / "checksums.json").unlink()
            (self.output / "downloads" / "truth" / "truth.ibin").unlink()


class ProxyTest(FetchTest):
    """The standard environment variables."""

    def test_proxy(self):
        """Addresses that only the proxy knows."""
        for source in self.catalog["sources"].values():
            source["urls"] = [source["urls"][0].replace(self.server.address, "http://data.invalid")]
        self.fetched(env={"http_proxy": self.server.address})
        self.has_set()
        self.assertTrue(all(path.startswith("http://data.invalid/") for path, _ in self.server.requests))


class FormatTest(FetchTest):
    """Sources that are not .*bin files; float rows are whole numbers, so that distances are exact."""

    def vecs_catalog(self, kind, code, element_type):
        """Base and queries in .fvecs or .bvecs files of their own."""
        sources = {role: self.source(f"/{role}.{kind}", bytes_of_vecs(self.rows[role], code), kind,
                                     rows=len(self.rows[role]), dimension=DIMENSION, element_type=element_type)
                   for role in ROLES}
        parts = zip(ROLES, (SET_ROWS, QUERIES, LEARN))
        return self.catalog_of(sources, {role: {"source": role, "rows": rows} for role, rows in parts},
                               element_type=element_type)

    def archive_catalog(self, members, kind, content):
        """All parts in one archive."""
        parts = zip((*ROLES, "truth"), members, (SET_ROWS, QUERIES, LEARN, QUERIES))
        return self.catalog_of({"archive": self.source(f"/all.{kind}", content, kind)},
                               {role: {"source": "archive", "member": name, "rows": rows}
                                for role, name, rows in parts if name})

    def has_floats(self, folder, rows, metric="l2", learn=True):
        """The rows as .fbin, and the neighbours with their distances."""
        base, query = self.rows["base"][:rows], self.rows["query"]
        for role, expected in [("base", base), ("query", query)] + [("learn", self.rows["learn"])] * learn:
            self.assertEqual(read_bin(folder / f"{role}.fbin"), [*map(tuple, expected)], role)
        ids, distances = neighbours(base, query, metric)
        found = read_truth(folder / f"gt{K}.ibin")
        self.assertEqual(found[0], [*map(tuple, ids)])
        for one, other in zip(found[1], distances):
            for a, b in zip(one, other):
                self.assertAlmostEqual(a, b, delta=1e-6 * max(1, abs(b)))

    def test_bvecs(self):
        """The bytes of a .u8bin file, of the first rows alone."""
        self.catalog = self.vecs_catalog("bvecs", "B", "uint8")
        self.fetched()
        self.has_set()
        self.assertEqual(self.asked_for("/base.bvecs"), [f"bytes=0-{SET_ROWS * (4 + DIMENSION) - 1}"])

    def test_fvecs(self):
        """The same of floats."""
        self.catalog = self.vecs_catalog("fvecs", "f", "float32")
        self.fetched()
        self.has_floats(self.set, SET_ROWS)

    def tar_of_floats(self):
        """An archive as texmex makes them."""
        return {"t/b.fvecs": bytes_of_vecs(self.rows["base"][:SET_ROWS], "f"),
                "t/q.fvecs": bytes_of_vecs(self.rows["query"], "f"),
                "t/l.fvecs": bytes_of_vecs(self.rows["learn"], "f"), "t/g.ivecs": bytes_of_vecs(self.ids, "i")}

    def test_tar_gz(self):
        """The whole set and a slice from one download."""
        members = self.tar_of_floats()
        self.catalog = self.archive_catalog(members, "tar.gz", tar_gz(members))
        self.fetched()
        self.has_floats(self.set, SET_ROWS)
        self.fetched("--slice", 100)
        self.has_floats(self.output / "tiny-100", 100)
        self.assertEqual(len(self.server.requests), 1)
        self.assertFalse([*self.output.rglob("extracted*")])

    def test_damaged_tar_gz(self):
        """A member that is missing or short, and bytes that are no archive."""
        members = self.tar_of_floats()
        names = list(members)
        whole = tar_gz(members)
        short = tar_gz(members | {"t/q.fvecs": members["t/q.fvecs"][:-4]})
        for content, words in ((tar_gz({n: members[n] for n in names[:1]}), ["t/q.fvecs", "no such member"]),
                               (short, ["t/q.fvecs", "found 428"]), (whole[:len(whole) // 2], ["damaged"]),
                               (b"x" * 500, ["damaged"])):
            self.catalog = self.archive_catalog(names, "tar.gz", content)
            self.refuses("--restart", words=["all.tar.gz", *words])
            for path in [*self.set.iterdir(), *(self.output / "downloads").rglob("*.*")]:
                path.unlink()

    def hdf5(self, **members):
        """An HDF5 file of (type, rows), made by Debian's Python; the test is skipped where h5py is missing."""
        if subprocess.run([PYTHON, "-c", "import h5py"], capture_output=True, check=False).returncode:
            self.skipTest("h5py is not installed (Debian: python3-h5py)")
        path = self.folder / "made.hdf5"
        code = ("import h5py, json, sys\nwith h5py.File(sys.argv[1], 'w') as f:\n"
                " for n, (t, r) in json.load(sys.stdin).items(): f.create_dataset(n, data=r, dtype=t)\n")
        subprocess.run([PYTHON, "-c", code, str(path)], input=json.dumps(members), text=True, check=True)
        return path.read_bytes()

    def test_hdf5(self):
        """The ann-benchmarks layout, queries in float64, cosine distance; a slice; a member of another shape."""
        base = self.rows["base"][:SET_ROWS]
        ids, _ = neighbours(base, self.rows["query"], "cosine")
        content = self.hdf5(train=("f4", base), test=("f8", self.rows["query"]), neighbors=("i4", ids))
        self.catalog = self.archive_catalog(("train", "test", None, "neighbors"), "hdf5", content)
        self.catalog["sets"]["tiny"]["metric"] = "cosine"
        self.fetched()
        self.has_floats(self.set, SET_ROWS, "cosine", learn=False)
        self.fetched("--slice", 100)
        self.has_floats(self.output / "tiny-100", 100, "cosine", learn=False)
        self.assertEqual(len(self.server.requests), 1)
        for name, words in (("none", ["expected a member 'none'", "neighbors"]), ("neighbors", ["expected 12 x 8"])):
            self.catalog["sets"]["tiny"]["query"]["member"] = name
            finished = programs.finish(self.started("--slice", 90))
            self.refused(finished, "all.hdf5", *words, statuses=(1,))

    def test_without_h5py(self):
        """The package to install is named."""
        (self.folder / "h5py.py").write_text("raise ImportError('no h5py')\n")
        self.catalog = self.archive_catalog(("train", "test", None, "neighbors"), "hdf5", b"never looked at")
        self.refuses(env={"PYTHONPATH": str(self.folder)}, words=["python3-h5py", "apt-get install"])


class TerminalTest(FetchTest):
    """What is said, and where."""

    def test_progress(self):
        """A bar on a terminal, lines elsewhere, nothing when quiet."""
        primary, secondary = pty.openpty()
        self.addCleanup(os.close, primary)
        process = self.started(stderr=secondary)
        os.close(secondary)
        shown = b""
        try:
            while block := os.read(primary, 1 << 16):
                shown += block
        except OSError:
            pass  # The other end is closed.
        self.assertEqual(programs.finish(process).status, 0)
        self.assertIn(b"\rfirst-", shown)
        self.assertIn(b"[########################] 100 %", shown)
        plain = self.fetched("--slice", 60).err
        self.assertIn("100 % of", plain)
        self.assertNotIn("\r", plain)
        self.assertEqual(self.fetched("--slice", 61, "--quiet").err, "")

    def test_command_line(self):
        """Status 2 for what cannot be; --list names every set of the catalogue in git."""
        for options, word in ((("--slice", SET_ROWS + 1), f"has {SET_ROWS} vectors"), (("--slice", 0), "--slice"),
                              (("--queries", QUERIES + 1), f"has {QUERIES} queries"), (("--nonsense",), "nonsense")):
            self.refuses(*options, words=[word], status=2)
        self.assertEqual(self.server.requests, [])
        listed = subprocess.run([PYTHON, "-B", str(FETCH), "--list"], capture_output=True, text=True, check=True)
        names = [line.split()[0] for line in listed.stdout.splitlines()[1:]]
        self.assertEqual(names, list(json.loads(FETCH.with_name("catalog.json").read_text())["sets"]))

    def test_wrong_catalogue(self):
        """A catalogue with a mistake is not used at all."""
        self.catalog["sets"]["tiny"]["metric"] = "taxi"
        self.refuses(words=["set tiny", "unknown metric 'taxi'"])


if __name__ == "__main__":
    programs.main()
