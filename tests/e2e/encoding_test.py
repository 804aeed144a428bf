"""Float vectors in codes, exact ones in a side file: built, searched, inspected, damaged, laid out
anew."""
import json
import os
import struct

import programs
from programs import METRICS, ProgramTest, brute_force, contents, make_dataset, part_of, read_bin

ENCODINGS = ("float16", "sq8")
PAGE = 4096


def nearest_ids(rows, query, metric, k=10):
    """The ids that comparing with every row finds."""
    return {number for number, _ in brute_force(rows, query, metric, k)}


class EncodingTest(ProgramTest):
    """Every test makes its own small index of one float32 dataset."""

    def setUp(self):
        super().setUp()
        make_dataset(self.folder / "data", vectors=1500, queries=20, dimension=24)
        self.base, self.queries = (self.folder / "data" / name for name in ("base.fbin",
                                                                            "query.fbin"))

    def encoded(self, encoding, *options, name="index"):
        """An index of the dataset."""
        return self.build(self.base, self.folder / name, "--vector-encoding", encoding,
                          "--page-size", PAGE, *options)

    def test_recall_and_distances(self):
        """With reranking nearly all true neighbours come back, at their exact distances."""
        rows, queries = read_bin(self.base), read_bin(self.queries)
        for metric in METRICS:
            for encoding in ENCODINGS:
                index = self.encoded(encoding, "--metric", metric, name=f"{encoding}-{metric}")
                self.verified(index)
                found, distances = self.search(index, self.queries, "--search-list", 60)
                hits = sum(len(nearest_ids(rows, query, metric) & set(ids))
                           for query, ids in zip(queries, found))
                self.assertGreaterEqual(hits, 0.97 * 10 * len(queries), (metric, encoding))
                for query, ids, measured in zip(queries, found, distances):
                    for number, distance in zip(ids, measured):
                        ((_, exact),) = brute_force([rows[number]], query, metric, 1)
                        self.assertAlmostEqual(distance, exact, delta=1e-4 * max(1, abs(exact)))

    def test_reports(self):
        """Both programs say what the encoding costs."""
        built = self.done("build-index", "--vectors", self.base, "--index", self.folder / "index",
                          "--vector-encoding", "sq8", "--page-size", PAGE,
                          "--json", self.folder / "build.json")
        self.assertIn("sq8 codes alone find", built.out)
        layout = json.loads((self.folder / "build.json").read_text())["layout"]
        self.assertEqual(layout["vector_encoding"], "sq8")
        self.assertGreater(layout["encoding_recall_without_rerank"], 0.9)
        for rerank, least, most in ((0, 0, 0), (20, 1, 20), (10, 1, 10)):
            report = json.loads(self.done(
                "search-index", "--index", self.folder / "index", "--queries", self.queries,
                "--rerank", rerank, "--json", "-").out)
            self.assertEqual(report["index"]["vector_encoding"], "sq8")
            self.assertEqual(report["index"]["element_type"], "float32")
            for row in report["rows"]:
                self.assertTrue(least <= row["rerank_pages_per_query"] <= most, row)
                read = row["pages_read_per_query"] - row["pages_joined_per_query"]
                self.assertAlmostEqual(row["bytes_read_per_query"], read * PAGE, 3)
        self.assertIn("searched as   sq8", self.verified(self.folder / "index").out)
        plain = self.build(self.base, self.folder / "plain", "--json", self.folder / "plain.json")
        layout = json.loads((self.folder / "plain.json").read_text())["layout"]
        self.assertIsNone(layout["encoding_recall_without_rerank"])
        self.assertEqual(list(plain.glob("*.vectors")), [])

    def test_same_bytes_for_any_number_of_threads(self):
        """As for every index."""
        for encoding in ENCODINGS:
            one, two = (self.encoded(encoding, "--threads", n, name=f"{encoding}-{n}")
                        for n in (1, 2))
            self.assertEqual(contents(one), contents(two))

    def test_damage(self):
        """Bytes of the side file that are lost or changed are found by name and place."""
        index = self.encoded("sq8")
        path = part_of(index, "vectors")
        good = path.read_bytes()
        search = ("search-index", "--index", index, "--queries", self.queries)
        inspect = ("inspect-index", "--index", index, "--verify")

        def refused(data, *words, by=(search, inspect)):
            path.write_bytes(data)
            for command in by:
                self.fails(*command, words=[path.name, *words], statuses=(1,))
        for keep in (0, 40, 4095, PAGE, len(good) - 1):
            refused(good[:keep])
        refused(good + b"\0")
        flipped = bytearray(good)
        for at in range(PAGE + 100, len(good), PAGE):
            flipped[at] ^= 1
        refused(bytes(flipped), "offset", "checksum")
        pages = [good[at:at + PAGE] for at in range(0, len(good), PAGE)]
        refused(b"".join([pages[0], *pages[2:], pages[1]]), "page id")
        vertices = part_of(index, "pages").read_bytes()[PAGE:2 * PAGE]
        refused(b"".join([pages[0], vertices, *pages[2:]]), "checksum", by=(inspect,))
        header = bytearray(good)
        struct.pack_into("<Q", header, 48, 2 ** 60)
        refused(bytes(header), "checksum")
        os.unlink(path)
        for command in (search, inspect):
            self.fails(*command, words=[path.name], statuses=(1,))

    def test_relayout(self):
        """The encoding stays, and so do the answers."""
        for encoding in ENCODINGS:
            index = self.encoded(encoding, name=encoding)
            before = self.search(index, self.queries, "--search-list", 200)
            self.done("relayout-index", "--index", index, "--workload", self.queries, "--quiet")
            self.verified(index)
            after = self.search(index, self.queries, "--search-list", 200)
            same = sum(len(set(a) & set(b)) for a, b in zip(before[0], after[0]))
            self.assertGreaterEqual(same, 10 * len(before[0]) - 1)

    def test_wrong_options(self):
        """Types that have no such encoding, a page that is too small, a rerank for nothing."""
        data = make_dataset(self.folder / "bytes", vectors=100, dimension=16, element_type="uint8")
        new = self.folder / "new"
        self.fails("build-index", "--vectors", data / "base.u8bin", "--index", new,
                   "--vector-encoding", "sq8", words=["--vector-encoding", "uint8"], statuses=(1,))
        self.fails("build-index", "--vectors", self.base, "--index", new, "--vector-encoding",
                   "sq4", statuses=(2,))
        wide = make_dataset(self.folder / "wide", vectors=100, dimension=1200)
        self.fails("build-index", "--vectors", wide / "base.fbin", "--index", new, "--page-size",
                   4096, "--vector-encoding", "sq8", words=["4800 bytes", "4096"], statuses=(1,))
        plain = self.build(self.base, self.folder / "plain")
        self.fails("search-index", "--index", plain, "--queries", self.queries, "--rerank", 20,
                   words=["--rerank"], statuses=(2,))


if __name__ == "__main__":
    programs.main()
