"""Trackway's classes in ann-benchmarks and big-ann-benchmarks, on their file layouts, driven as the frameworks do."""
import importlib
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

import numpy

import programs
from framework_stand_ins import (ADAPTORS, definitions_of, make_checkout, nearest, recall_of, write_hdf5, write_rows,
                                 write_truth)

K = 10
BUILD = {"max_degree": 16, "build_list": 30, "code_type": "pq", "threads": 1}
RUNS = 2
WITH_HDF5 = unittest.skipUnless(importlib.util.find_spec("h5py"),
                                "python3-h5py is not installed: HDF5 files of ann-benchmarks are not tried")


class CheckoutTest(programs.ProgramTest):
    """Tests inside a checkout of a framework, which is the current folder as it is for the framework."""
    FRAMEWORK = None

    @classmethod
    def setUpClass(cls):
        if cls.FRAMEWORK is None:
            raise unittest.SkipTest("the base of other tests")
        cls.checkout = pathlib.Path(tempfile.mkdtemp(prefix="trackway-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.checkout, ignore_errors=True)
        before = os.getcwd(), list(sys.path), set(sys.modules)
        cls.addClassCleanup(cls.put_back, *before)
        make_checkout(cls.checkout, cls.FRAMEWORK)
        os.chdir(cls.checkout)

    @staticmethod
    def put_back(folder, path, modules):
        """As it was before the framework was imported."""
        os.chdir(folder)
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            del sys.modules[name]

    def setUp(self):
        super().setUp()
        for name, value in (("TMPDIR", str(self.folder)), ("TRACKWAY_BIN", programs.BIN)):
            patch = unittest.mock.patch.dict(os.environ, {name: value})
            patch.start()
            self.addCleanup(patch.stop)
        tempfile.tempdir = None  # reads TMPDIR again
        self.addCleanup(setattr, tempfile, "tempdir", None)
        self.draw = numpy.random.default_rng(programs.SEED)

    def denied(self, words, function, *arguments):
        """The adaptor says no, with these words."""
        with self.assertRaises(Exception) as raised:
            function(*arguments)
        self.assertEqual(type(raised.exception).__name__, "AdaptorError", raised.exception)
        for word in words:
            self.assertIn(word, str(raised.exception))

    def rows(self, count, dimension=16):
        """Clustered whole numbers from 0 to 255."""
        centres = numpy.random.default_rng(1).uniform(40, 215, (20, dimension))
        drawn = centres[self.draw.integers(0, 20, count)] + self.draw.normal(0, 15, (count, dimension))
        return drawn.clip(0, 255).astype("uint8")

    def check_runs(self, trackway, run, queries):
        """Runs a batch several times: what the framework divides by the number of runs is their sum."""
        sums = []
        for _ in range(RUNS):
            run()
            sums.append(trackway.get_additional()["dist_comps"])
        self.assertAlmostEqual(sums[-1] / sums[0], RUNS, delta=0.2)
        found, row = trackway.get_additional(), trackway.index.row
        self.check_additional(found, queries)
        self.assertEqual(found["mean_ssd_ios"], row["pages_read_per_query"] - row["pages_joined_per_query"])

    def check_additional(self, found, queries):
        """What is stored beside a result: numbers and words that HDF5 attributes take, in the frameworks' units."""
        self.assertTrue(all(isinstance(value, (int, float, str)) for value in found.values()), found)
        self.assertGreaterEqual(found["dist_comps"], queries * K, found)
        self.assertGreater(found["trackway_pages_read_per_query"], 0, found)
        for name in ("mean_latency", "trackway_qps"):
            self.assertGreater(found[name], 0, found)

    def check_configurations(self, path, separator, metrics):
        """Every constructor and query argument of a configuration is one that the class and the programs know."""
        count = 0
        for place, algorithm, arguments, query_groups in definitions_of(path, separator):
            module = importlib.import_module(algorithm["module"] + (".module" if separator == "_" else ""))
            for metric in metrics:
                made = getattr(module, algorithm["constructor"])(
                    *(metric if argument == "@metric" else argument for argument in arguments))
                for query_arguments in query_groups:
                    made.set_query_arguments(*query_arguments)
                    count += 1
                self.assertTrue(str(made), place)
                made.done()
        self.assertGreater(count, 0, path)
        self.assertEqual(list(self.folder.iterdir()), [], "done() leaves something")

    def check_wrong_arguments(self, made):
        """Metrics, options and programs that are not there."""
        self.denied(("euclidean, angular, ip", "hamming"), made, "hamming", {})
        self.denied(("max_degree", "found degree"), made, "euclidean", {"degree": 3})
        trackway = made("euclidean", BUILD)
        for wrong in ({}, {"search_list": 20, "target_recall": 0.9}, {"search_list": [20, 40]}, {"threads": 1}):
            self.denied(("search_list or target_recall",), trackway.set_query_arguments, wrong)
        self.denied(("query arguments", "found list"), trackway.set_query_arguments, {"list": 20})
        self.denied(("query arguments", "found 20"), trackway.set_query_arguments, 20)
        trackway.done()
        with unittest.mock.patch.dict(os.environ, {"TRACKWAY_BIN": str(self.folder)}):
            self.denied(("build-index: not found", str(self.folder)), made, "euclidean", BUILD)
        self.assertEqual(list(self.folder.iterdir()), [], "a class that was not made leaves something")


class AnnBenchmarksTest(CheckoutTest):
    """ann-benchmarks: HDF5 files, batches."""
    FRAMEWORK = "ann_benchmarks"

    def made(self, *arguments):
        """The class, as the framework makes it."""
        return importlib.import_module("ann_benchmarks.algorithms.trackway.module").Trackway(*arguments)

    def measured(self, metric, parameters, dataset):
        """Builds and searches as the framework does; the class, and recall of the last argument."""
        import h5py  # only where it is installed
        with h5py.File(dataset) as file:
            train, test, truth = (numpy.array(file[name]) for name in ("train", "test", "neighbors"))
            self.assertEqual(file.attrs["distance"], metric)
        trackway = self.made(metric, parameters)
        self.addCleanup(trackway.done)
        self.assertEqual(trackway.get_memory_usage(), 0)
        trackway.fit(train)
        self.assertGreater(trackway.get_memory_usage(), 0)
        for arguments in ({"search_list": 60}, {"target_recall": 0.95, "threads": 1}):
            trackway.set_query_arguments(arguments)
            trackway.prepare_batch_query(test, K)
            self.check_runs(trackway, trackway.run_batch_query, len(test))
            found = trackway.get_batch_results()
            self.assertEqual(found.shape, (len(test), K))
            self.assertGreaterEqual(recall_of(found, truth), 0.95, arguments)
        trackway.batch_query(test[:7], 3)
        self.assertEqual(len(trackway.get_batch_results()), 7)
        return trackway

    @WITH_HDF5
    def test_angular_float64(self):
        """float64 is indexed as float32."""
        write_hdf5("angular.hdf5", self.rows(400) - 128.5, self.rows(40) - 128.5, "angular")
        trackway = self.measured("angular", BUILD, "angular.hdf5")
        self.assertIn("cosine", str(trackway))
        self.denied(("--batch", "search-index"), trackway.query, numpy.zeros(16), K)
        self.denied(("queries",), trackway.prepare_batch_query, numpy.zeros(16), K)
        trackway.done()
        self.assertEqual(list(self.folder.iterdir()), [], "done() leaves something")

    @WITH_HDF5
    def test_euclidean_in_bytes(self):
        """Whole numbers that come as float32 are indexed in a byte each, where the configuration says so."""
        write_hdf5("bytes.hdf5", self.rows(400).astype("f4"), self.rows(40).astype("f4"), "euclidean")
        trackway = self.measured("euclidean", {**BUILD, "element_type": "uint8"}, "bytes.hdf5")
        self.denied(("queries: row 1", "uint8"), trackway.prepare_batch_query, numpy.array([[7.0] * 16, [0.5] * 16]), K)

    def test_configuration(self):
        """config.yml is YAML of the framework's form, and every argument is taken."""
        self.check_configurations(self.checkout / "ann_benchmarks/algorithms/trackway/config.yml", "_",
                                  ("angular", "euclidean", "ip"))

    def test_wrong_arguments(self):
        """Clear errors before any work."""
        self.check_wrong_arguments(self.made)
        trackway = self.made("euclidean", {**BUILD, "element_type": "uint8"})
        self.addCleanup(trackway.done)
        self.denied(("fit",), trackway.batch_query, numpy.zeros((2, 16)), K)
        self.denied(("train: row 2", "uint8"), trackway.fit, numpy.array([[1.0], [255.0], [256.0]]))
        self.denied(("float32", "found int64"), self.made("euclidean", {}).fit, numpy.zeros((3, 4), dtype="int64"))
        self.denied(("float32", "found bool"), self.made("euclidean", {}).fit, numpy.zeros((3, 4), dtype="bool"))
        self.denied(("build-index ended with status", "--max-degree", "4000"),
                    self.made("euclidean", {"max_degree": 4000}).fit, self.rows(50))


class BigAnnBenchmarksTest(CheckoutTest):
    """big-ann-benchmarks: .*bin files, cropped ones, ones without extension, training queries."""
    FRAMEWORK = "big_ann_benchmarks"

    def setUp(self):
        super().setUp()
        self.addCleanup(shutil.rmtree, self.checkout / "data", ignore_errors=True)

    def made(self, *arguments, constructor="Trackway"):
        """A class, as the framework makes it."""
        return getattr(importlib.import_module("neurips23.ood.trackway.trackway"), constructor)(*arguments)

    def dataset(self, name, base, queries, **fields):
        """Writes a dataset into data/NAME and enters it among those that the framework knows; its fields."""
        folder = pathlib.Path("data", name)
        folder.mkdir(parents=True)
        module = importlib.import_module("benchmark.datasets")
        fields = {"nb": len(base), "d": base.shape[1], "nq": len(queries), "dtype": base.dtype.name, "kind": "knn",
                  "metric": "euclidean", "basedir": str(folder), "ds_fn": "base", "qs_fn": "query.public",
                  "gt_fn": "truth", **fields}
        write_rows(folder / fields["qs_fn"], queries)
        write_rows(folder / fields.pop("written", fields["ds_fn"]), base)
        write_truth(folder / fields["gt_fn"], *nearest(base[:fields["nb"]], queries, fields["metric"], K))
        module.DATASETS[name] = lambda: module.Dataset(**fields)
        return module.DATASETS[name]()

    def measured(self, trackway, name, dataset):
        """Loads or builds and searches as the framework does; small sets of inner products promise no recall."""
        if not trackway.load_index(name):
            trackway.fit(name)
        self.assertGreater(trackway.get_memory_usage(), 0)
        queries, truth = dataset.get_queries(), dataset.get_groundtruth()
        aim = {"search_list": 40} if dataset.metric == "ip" else {"target_recall": 0.95}
        for arguments in ({"search_list": 60}, {**aim, "threads": 1}):
            trackway.set_query_arguments(arguments)
            self.check_runs(trackway, lambda: trackway.query(queries, K), len(queries))
            found = trackway.get_results()
            self.assertEqual((found.shape, found.dtype), ((len(queries), K), numpy.int32))
            self.assertGreaterEqual(recall_of(found, truth), 0.95, arguments)
        trackway.done()
        self.assertEqual(list(self.folder.iterdir()), [], "done() leaves something")

    def test_cropped_bytes(self):
        """A cropped file of bytes, whose name does not end in its type; queries come as float32. The index is found
        again by a class of the same parameters, and by no other."""
        dataset = self.dataset("bigann", self.rows(500), self.rows(40), ds_fn="base.1B.u8bin",
                               written="base.1B.u8bin.crop_nb_500")
        self.measured(self.made("euclidean", BUILD, constructor="TrackwayDisk"), "bigann", dataset)
        (index,) = pathlib.Path("data/indices/T2/trackway/Dataset-500").iterdir()
        again = self.made("euclidean", BUILD, constructor="TrackwayDisk")
        folder, prefix, names = again.index_files_to_store("bigann")
        self.assertTrue(all(os.path.isfile(f"{folder}/{prefix}{name}") for name in names), names)
        self.assertIn("manifest.json", names)
        other = self.made("euclidean", {**BUILD, "max_degree": 17})
        self.assertFalse(other.load_index("bigann"))
        self.denied(("no index",), other.index_files_to_store, "bigann")
        self.denied(("status 1", ".codes"), self.without_codes, again, index)
        self.denied(("expected an index of (499", "found one of (500"), again.index.open, index, 499, 16, "uint8")
        before = self.times_of(index)
        other.done()
        self.measured(again, "bigann", dataset)
        self.assertEqual(self.times_of(index), before, "an index that stands there was built again")

    @staticmethod
    def times_of(index):
        """When the files of an index were written."""
        return {path.name: path.stat().st_mtime_ns for path in index.iterdir()}

    def without_codes(self, trackway, index):
        """Loads an index that has lost a file, which is put back."""
        (codes,) = index.glob("*.codes")
        codes.rename("data/codes")
        try:
            trackway.load_index("bigann")
        finally:
            pathlib.Path("data/codes").rename(codes)

    def test_out_of_distribution(self):
        """The first rows of a larger file, and training queries of a file downloaded in part."""
        base = (self.rows(700) - 128.0).astype("float32")
        queries, training = ((self.rows(n) * 0.4).astype("float32") for n in (40, 300))
        dataset = self.dataset("text2image", base, queries, metric="ip", ds_fn="base.1B.fbin", nb=500)
        learn = write_rows(pathlib.Path("data/text2image/query.learn.50M.fbin"), training)
        learn.write_bytes(numpy.array([50_000_000, 16], dtype="<u4").tobytes() + learn.read_bytes()[8:])
        parameters = {**BUILD, "workload": learn.name, "workload_rows": 250}
        trackway = self.made("ip", parameters)
        self.assertEqual((trackway.track(), trackway.get_memory_usage()), ("ood", 0))
        self.measured(trackway, "text2image", dataset)
        (index,) = pathlib.Path("data/indices/ood/trackway/Dataset-500").iterdir()
        self.assertIn("workload-query.learn.50M.fbin_workload_rows-250", index.name)
        self.check_built_as(index, base[:500], training[:250])
        trackway = self.made("ip", parameters)
        trackway.fit("text2image")  # the framework's --rebuild
        self.denied(("by radius",), trackway.range_query, queries, 3.0)
        trackway.done()
        for wrong, words in (({"workload": "query.public"}, ("that are measured",)),
                             ({"workload": "gone.fbin"}, ("gone.fbin", "No such file")),
                             ({"workload": learn.name, "workload_rows": 301}, ("301 x 16", "bytes"))):
            trackway = self.made("ip", {**BUILD, **wrong})
            self.denied(words, trackway.fit, "text2image")
            trackway.done()
        self.assertEqual(list(index.parent.iterdir()), [index], "builds that failed leave something")

    def check_built_as(self, index, base, workload):
        """The index has the very bytes of one that build-index makes of these rows."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.checkout))
        options = [part for name, value in BUILD.items() for part in ("--" + name.replace("_", "-"), value)]
        again = self.build(write_rows(folder / "base.fbin", base), folder / "index",
                           "--workload", write_rows(folder / "workload.fbin", workload), "--metric", "ip", *options)
        self.assertEqual(programs.contents(again), programs.contents(index))

    def test_wrong_data(self):
        """Datasets that are not of dense vectors and nearest neighbours, of another metric or shorter than it says."""
        rows = self.rows(30)
        for name, fields, words in (("range", {"kind": "range"}, ("range: expected nearest neighbours",)),
                                    ("other", {"metric": "ip"}, ("expected metric l2, found ip",)),
                                    ("short", {"nb": 31}, ("expected 31 x 16", "found 30 x 16")),
                                    ("wide", {"d": 17}, ("expected 30 x 17", "found 30 x 16")),
                                    ("type", {"dtype": "float32"}, ("float32, found",)),
                                    ("gone", {"written": "elsewhere"}, ("base.crop_nb_30", "No such file"))):
            self.dataset(name, rows, rows[:3], **fields)
            trackway = self.made("euclidean", BUILD)
            self.denied(words, trackway.fit, name)
            trackway.done()
        self.assertEqual([path for path in pathlib.Path("data/indices").rglob("*") if not path.is_dir()], [])

    def test_wrong_arguments(self):
        """Clear errors before any work."""
        self.check_wrong_arguments(self.made)

    def test_configurations(self):
        """Both files are YAML of the framework's form, and every argument is taken."""
        self.check_configurations(self.checkout / "neurips23/ood/trackway/config.yaml", "-", ("ip",))
        self.check_configurations(self.checkout / "trackway-disk.yaml", "-", ("euclidean",))
        self.assertFalse((self.checkout / "neurips23/ood/trackway/disk.yaml").exists(), "read by the wrong track")


class CopiesTest(programs.ProgramTest):
    """What goes into a checkout, and the programs that go into an image."""

    def test_options_exist(self):
        """Every option that the adaptors pass on is one of the programs."""
        sys.path.insert(0, str(ADAPTORS))
        self.addCleanup(sys.path.remove, str(ADAPTORS))
        shared = importlib.import_module("trackway_programs")
        for program, options in (("build-index", shared.BUILD_OPTIONS), ("search-index", shared.SEARCH_OPTIONS)):
            text = self.done(program, "--help").out
            for option in options:
                self.assertIn(f"--{option.replace('_', '-')} ", text)

    def test_copy_into(self):
        """A folder that is no checkout is refused; the source goes along where it is asked for."""
        refused = subprocess.run([ADAPTORS / "copy_into.py", self.folder], capture_output=True, text=True, check=False)
        self.assertEqual(refused.returncode, 1, refused)
        self.assertIn("expected a checkout", refused.stderr)
        git = subprocess.run(["git", "-C", ADAPTORS, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
        if git.returncode != 0:
            self.skipTest(f"this is no git checkout: the archive of the source is not tried: {git.stderr.strip()}")
        (self.folder / "neurips23/ood").mkdir(parents=True)
        subprocess.run([ADAPTORS / "copy_into.py", self.folder], check=True, capture_output=True)
        copied = {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}
        place = "neurips23/ood/trackway/"
        self.assertEqual(copied, {"trackway-disk.yaml", *(place + name for name in (
            "Dockerfile", "config.yaml", "trackway.py", "trackway_programs.py", "trackway.tar.gz"))})
        names = subprocess.run(["tar", "-tzf", self.folder / place / "trackway.tar.gz"], check=True,
                               capture_output=True, text=True).stdout.split()
        self.assertLessEqual({"CMakeLists.txt", "tools/install_packages", "src/base/arena.cpp"}, set(names))

    def test_bundled_programs(self):
        """Programs that bring their libraries run, and say no as they do elsewhere."""
        bundle = ADAPTORS / "bundle_programs"
        subprocess.run([bundle, programs.BIN, self.folder / "bundle"], check=True, capture_output=True)
        for program in ("build-index", "search-index", "convert-vectors"):
            path = self.folder / "bundle" / "bin" / program
            ran = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
            self.assertEqual(ran.stdout, self.done(program, "--version").out)
            self.assertEqual(subprocess.run([path, "--no"], capture_output=True, check=False).returncode, 2)
        libraries = {path.name for path in (self.folder / "bundle" / "lib").iterdir()}
        self.assertIn("libc.so.6", libraries)
        gone = subprocess.run([bundle, self.folder, self.folder / "other"], capture_output=True, text=True, check=False)
        self.assertEqual(gone.returncode, 1, gone)
        self.assertIn("no such program", gone.stderr)


if __name__ == "__main__":
    programs.main()
