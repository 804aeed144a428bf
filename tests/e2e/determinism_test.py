"""The same input, options and seed give the same bytes, names of files included."""
import hashlib
import pathlib
import shutil
import tempfile

import programs
from programs import ELEMENTS, METRICS, ProgramTest, contents, make_dataset


def digests(folder):
    """Name: digest of every file; shorter to print than the bytes when they differ."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in contents(folder).items()}


class DeterminismTest(ProgramTest):
    """Builds of 1,000 x 20 vectors of each element type."""

    @classmethod
    def setUpClass(cls):
        cls.data = pathlib.Path(tempfile.mkdtemp(prefix="trackway-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.data, ignore_errors=True)
        for name in ELEMENTS:
            make_dataset(cls.data / name, vectors=1000, dimension=20, element_type=name)

    def setUp(self):
        super().setUp()
        self.bases = {name: self.data / name / f"base.{extension}"
                      for name, (extension, _, _) in ELEMENTS.items()}

    def digest_of_build(self, name, label, *options, **settings):
        """The digests of an index built with these options, in a folder of its own."""
        index = self.folder / f"index-{name}-{label}"
        self.done("build-index", "--vectors", self.bases[name], "--index", index, "--quiet",
                  *options, **settings)
        return digests(index)

    def test_thread_count_changes_nothing(self):
        """1, 2 and 3 threads, every element type and metric."""
        def one(case):
            name, metric = case
            built = [self.digest_of_build(name, f"{metric}-{threads}", "--metric", metric,
                                          "--threads", threads) for threads in (1, 2, 3)]
            self.assertEqual(len(built[0]), 1 + len(programs.PARTS))
            self.assertEqual(built[0], built[1], case)
            self.assertEqual(built[0], built[2], case)
            return tuple(sorted(built[0].values()))
        cases = [(name, metric) for name in ELEMENTS for metric in METRICS]
        self.assertEqual(len(set(programs.in_parallel(one, cases, lanes=3))), len(cases))

    def test_thread_count_changes_nothing_in_a_larger_build(self):
        """6,000 rows, so that batches, training and pages are split among threads."""
        data = make_dataset(self.folder / "large", vectors=6000, dimension=24)
        self.bases["large"] = data / "base.fbin"
        one, many = (self.digest_of_build("large", threads, "--threads", threads, "--build-list",
                                          40, "--page-order", "insertion") for threads in (1, 7))
        self.assertEqual(one, many)

    def test_vector_instructions_change_nothing(self):
        """The scalar kernels and the best ones of this machine. What was measured with sums of
        floats may differ in its last digits, and the manifest and the rotation of OPQ with it."""
        def one(name):
            pq = ("--code-type", "pq")
            best = self.digest_of_build(name, "best", *pq)
            scalar = self.digest_of_build(name, "scalar", *pq, env={"TRACKWAY_ISA": "scalar"})
            if name in ("float32", "float16"):
                for digests in (best, scalar):
                    del digests["manifest.json"]
            self.assertEqual(best, scalar, name)
        programs.in_parallel(one, ELEMENTS)

    def test_options_that_count(self):
        """Another seed, metric or parameter gives other bytes, and another name with them."""
        options = {"plain": (), "seed": ("--seed", 2), "metric": ("--metric", "ip"),
                   "degree": ("--max-degree", 20), "list": ("--build-list", 50),
                   "alpha": ("--alpha", 1.1), "codes": ("--code-bytes", 10),
                   "page": ("--page-size", 8192), "order": ("--page-order", "insertion")}
        built = programs.in_parallel(
            lambda item: self.digest_of_build("float32", item[0], *item[1]), options.items())
        for i, (label, one) in enumerate(zip(options, built)):
            for other_label, other in list(zip(options, built))[i + 1:]:
                self.assertNotEqual(one, other, (label, other_label))
                self.assertEqual(set(one) & set(other), {"manifest.json"}, (label, other_label))

    def test_options_that_differ_a_little(self):
        """If the bytes differ, the names must differ: files of two indexes must never mix."""
        one = self.digest_of_build("uint8", "1", "--alpha", "1")
        other = self.digest_of_build("uint8", "1.0000004", "--alpha", "1.0000004")
        if one != other:
            self.assertEqual(set(one) & set(other), {"manifest.json"})

    def test_overwrite_gives_the_same_bytes(self):
        """Over the same index and over another one; nothing of the other remains."""
        right = self.digest_of_build("int8", "fresh")
        index = self.folder / "index-int8-again"
        for options in ((), (), ("--seed", 2), ()):
            self.build(self.bases["int8"], index, "--overwrite", *options)
            if not options:
                self.assertEqual(digests(index), right)
            else:
                self.assertNotEqual(digests(index), right)

    def test_place_and_name_change_nothing(self):
        """The same vectors as .npy and .fvecs, read from elsewhere: the bytes are the input's."""
        right = self.digest_of_build("float32", "plain")
        for extension in ("npy", "fvecs"):
            other = self.folder / f"elsewhere.{extension}"
            self.done("convert-vectors", "--input", self.bases["float32"], "--output", other)
            self.bases[extension] = other
            self.assertEqual(self.digest_of_build(extension, "same"), right)

    def test_datasets(self):
        """make-dataset repeats itself and changes with its seed."""
        def one(name):
            first, again, other = (
                digests(make_dataset(self.folder / f"{name}-{label}", 200, 20, 17, name, seed))
                for label, seed in (("one", 5), ("again", 5), ("other", 6)))
            self.assertEqual(first, again)
            self.assertEqual(len(set(first.values()) | set(other.values())), 8)
        programs.in_parallel(one, ELEMENTS)

    def test_ground_truth(self):
        """make-ground-truth does not depend on the number of threads."""
        truths = []
        for threads in (1, 2, 5):
            truth = self.folder / f"truth-{threads}.ibin"
            self.done("make-ground-truth", "--vectors", self.bases["float32"], "--queries",
                      self.data / "float32" / "query.fbin", "--output", truth, "--threads",
                      threads)
            truths.append(truth.read_bytes())
        self.assertEqual(len(set(truths)), 1)


if __name__ == "__main__":
    programs.main()
