"""An index with right checksums and wrong contents: nothing that it says is trusted blindly."""
import json
import struct

import programs
from programs import FORMAT_MINOR, PARTS, DatasetTest, gaussian_rows, part_of, run, write_bin
from sealing import seal_header, seal_page, seal_table, sealed_manifest, uuid_seed, xxh3

PAGE = 4096


class HostileHeaderTest(DatasetTest):
    """Uses one index of 2,000 x 32 float32, max degree 64, pages of 4,096 bytes."""
    BUILD_OPTIONS = ("--page-size", PAGE)

    def search_refuses(self, index, *words):
        """search-index may not take the index, crash or hang."""
        self.fails("search-index", "--index", index, "--queries", self.queries, words=words,
                   statuses=(1,))

    def verify_refuses(self, index, *words):
        """inspect-index --verify may not find the index sound, crash or hang."""
        self.fails("inspect-index", "--index", index, "--verify", words=words, statuses=(1,))

    def both_refuse(self, index, *words):
        """Neither program takes the index."""
        self.search_refuses(index, *words)
        self.verify_refuses(index, *words)

    def survives(self, finished):
        """A program may take what is harmless, but never crash."""
        self.assertIn(finished.status, (0, 1), finished)

    def relayout_survives(self, index, *words):
        """relayout-index refuses the index or makes a sound one of it."""
        finished = run("relayout-index", "--index", index, "--workload", self.workload(index),
                       "--quiet")
        self.survives(finished)
        if finished.status == 0:
            self.verified(index)
        else:
            self.refused(finished, *words)

    def workload(self, index):
        """A file of a few queries for relayout-index."""
        path = self.folder / f"workload of {index.name}.fbin"
        return write_bin(path, programs.read_bin(self.queries)[:10])

    def sealed_header(self, part, changes, name):
        """A copy of the index whose header has other numbers and a right checksum."""
        return self.header_changed(self.copy_of_index(name), part, changes)

    @staticmethod
    def header_changed(index, part, changes):
        """The index, with other numbers in one header and a right checksum."""
        path = part_of(index, part)
        data = bytearray(path.read_bytes())
        for offset, form, value in changes:
            struct.pack_into(form, data, offset, value)
        seal_header(data)
        path.write_bytes(data)
        return index

    def test_checksum_of_the_written_files(self):
        """The checksum computed here is the one that build-index wrote."""
        for part in PARTS:
            data = part_of(self.index, part).read_bytes()
            self.assertEqual(struct.unpack_from("<Q", data, 8)[0], xxh3(data[16:PAGE]), part)
        data = part_of(self.index, "pages").read_bytes()
        for at in (PAGE, len(data) - PAGE):
            self.assertEqual(struct.unpack_from("<Q", data, at)[0],
                             xxh3(data[at + 8:at + PAGE], uuid_seed(data)))

    def each_shard_number(self, refuses):
        """Zero, one too many and the largest number in every field of the shard's header."""
        most = 2 ** 32 - 1
        fields = {"page size": (40, "<I", (0, 512, 6000, 8192, 1 << 31, most)),
                  "page count": (44, "<I", (0, 1, 84, most)),
                  "vertices": (48, "<I", (0, 1, 1999, 2001, most)),
                  "vertices per page": (52, "<I", (0, 1, 65536, most)),
                  "dimension": (56, "<I", (0, 31, 33, 16384, most)),
                  "max degree": (60, "<I", (0, 63, 256, most)),
                  "entry point": (64, "<I", (100000, most)),
                  "neighbor bits": (68, "<B", (1, 11, 32, 255)),
                  "row bits": (69, "<B", (0, 10, 33, 255)),
                  "element type": (70, "<B", (0, 2, 5, 255)),
                  "metric": (71, "<B", (0, 2, 4, 255)),
                  "row count": (72, "<Q", (0, 1999, 2001, 2 ** 32, 2 ** 63, 2 ** 64 - 1)),
                  "page order": (80, "<B", (0, 2, 5, 255)),
                  "place limit": (88, "<Q", (0, 1, 1999, 2 ** 32, 2 ** 32 + 1, 2 ** 64 - 1)),
                  "first page": (96, "<I", (1, most)),
                  "graph pages": (100, "<I", (0, 1, 84, most)),
                  "graph vertices": (104, "<I", (0, 1, 1999, 2001, most)),
                  "reserved before": (81, "<B", (1,)), "reserved": (108, "<B", (1,)),
                  "end": (4095, "<B", (1,))}

        def one(case):
            field, offset, form, value = case
            index = self.sealed_header("pages", [(offset, form, value)], f"{field} {value}")
            refuses(index, part_of(index, "pages"))
        programs.in_parallel(one, [(field, offset, form, value) for field, (offset, form, values)
                                   in fields.items() for value in values])

    def test_search_checks_numbers_of_the_shard_header(self):
        """Neither a crash nor an allocation beyond all measure."""
        self.each_shard_number(self.search_refuses)

    def test_verify_checks_numbers_of_the_shard_header(self):
        """What search-index refuses is not sound."""
        self.each_shard_number(self.verify_refuses)

    def test_relayout_checks_numbers_of_the_shard_header(self):
        """It reads every page of what it reorders."""
        self.each_shard_number(self.relayout_survives)

    def test_counts_that_agree_with_each_other(self):
        """More pages and rows than the file has bytes for."""
        index = self.sealed_header("pages", [(44, "<I", 2 ** 26), (48, "<I", 2 ** 30),
                                             (100, "<I", 2 ** 26), (104, "<I", 2 ** 30),
                                             (69, "<B", 32), (72, "<Q", 2 ** 32),
                                             (88, "<Q", 2 ** 32)], "copy")
        self.both_refuse(index, part_of(index, "pages"), "bytes", "found")

    def test_numbers_of_the_table_headers(self):
        """Rows and their size decide an allocation."""
        cases = [(part, *field) for part in PARTS[1:] for field in (
            (40, "<I", 0), (40, "<I", 6), (44, "<I", 0), (44, "<I", 2 ** 32 - 1),
            (48, "<Q", 0), (48, "<Q", 2 ** 62), (48, "<Q", 2 ** 64 - 1), (56, "<Q", 12345),
            (64, "<B", 1))]

        def one(case):
            number, (part, offset, form, value) = case
            index = self.sealed_header(part, [(offset, form, value)], f"copy-{number}")
            self.both_refuse(index, part_of(index, part))
        programs.in_parallel(one, enumerate(cases))

    def test_identity_in_headers(self):
        """Another version, shard or index, each with its own message."""
        for part in PARTS:
            for offset, form, value, word in ((16, "<H", 2, "format version"),
                                              (18, "<H", FORMAT_MINOR + 1, "format version"),
                                              (20, "<I", 1, "shard"),
                                              (24, "<Q", 1, "another index")):
                index = self.sealed_header(part, [(offset, form, value)], f"{part}-{offset}")
                self.both_refuse(index, part_of(index, part), word)

    def test_contents_of_pages(self):
        """Page id, slots and degrees that cannot be, on every page, with right checksums."""
        def sealed_pages(name, change):
            index = self.copy_of_index(name)
            path = part_of(index, "pages")
            data = bytearray(path.read_bytes())
            for at in range(PAGE, len(data), PAGE):
                change(data, at)
                seal_page(data, at, PAGE)
            path.write_bytes(data)
            return index

        def slots_and_id(value, offset, form):
            return lambda data, at: struct.pack_into(form, data, at + offset, value)

        def no_neighbours(data, at):
            slots = struct.unpack_from("<H", data, at + 12)[0]
            bits = at + 16 + slots + (slots * 11 + 7) // 8
            data[bits:bits + 40] = bytes(40)  # lists without their high parts
        most_slots = struct.unpack_from("<I", part_of(self.index, "pages").read_bytes(), 52)[0]
        changes = {"id": slots_and_id(7 ** 9, 8, "<I"), "none": slots_and_id(0, 12, "<H"),
                   "many": slots_and_id(most_slots + 1, 12, "<H"),
                   "most": slots_and_id(65535, 12, "<H"),
                   "degree": slots_and_id(65, 16, "<B"), "degrees": slots_and_id(255, 16, "<B"),
                   "sum": lambda data, at: data.__setitem__(slice(at + 16, at + 36), b"\x40" * 20),
                   "rows": lambda data, at: data.__setitem__(slice(at + 36, at + 60), b"\xff" * 24),
                   "places": no_neighbours}

        def one(item):
            name, change = item
            index = sealed_pages(name, change)
            self.both_refuse(index, part_of(index, "pages"))
        programs.in_parallel(one, changes.items())

    def each_manifest_number(self, refuses):
        """Manifests with a right checksum whose numbers do not fit the other files."""
        text = (self.index / "manifest.json").read_text()
        cases = [(key, value) for key, values in {
            "dimension": (1, 31, 33, 16384), "vectors": (1, 1999, 2001, 1 << 40),
            "code_bytes": (1, 31, 33, 16384), "max_degree": (1, 63, 255),
            "element_type": ("int8", "float16"), "metric": ("ip", "cosine"),
            "page_order": ("insertion", "covisit"), "expand_share_permille": (1001, 1 << 32),
            "navigation_degree": (0, 31, 33, 255, 256), "navigation_vertices": (0, 1, 19, 21, 2001),
            "hot_vertices": (0, 1, 2001, 1 << 47), "covisit_edges": (1 << 49,),
            "uuid": ("0" * 32,), "alpha": ("nan", "x", "-5", "11", ""), "shards": ([], None)}.items() for value in values]

        def one(case):
            key, value = case
            index = self.copy_of_index(f"{key} {value}")
            body = json.loads(text)
            if key in body["shards"][0] and key != "vectors":
                body["shards"][0][key] = value
            else:
                body[key] = value if key != "shards" or value is not None else body["shards"] * 2
            (index / "manifest.json").write_text(sealed_manifest(body))
            refuses(index, index.name)
        programs.in_parallel(one, cases)

    def test_search_compares_the_manifest_with_the_files(self):
        """No answers from an index whose parts contradict each other."""
        self.each_manifest_number(self.search_refuses)

    def test_verify_compares_the_manifest_with_the_files(self):
        """What search-index refuses is not sound."""
        self.each_manifest_number(self.verify_refuses)

    def test_relayout_compares_the_manifest_with_the_files(self):
        """Or it does not need what contradicts it."""
        self.each_manifest_number(lambda index, _: self.relayout_survives(index))

    def manifest_changed(self, index, **fields):
        """The index, with other numbers in its manifest, wherever they stand."""
        path = index / "manifest.json"
        body = json.loads(path.read_text())
        for key, value in fields.items():
            place = next(part for part in (body, body["tables"], body["shards"][0]) if key in part)
            place[key] = value
        path.write_text(sealed_manifest(body))
        return index

    def test_edges_twice(self):
        """A list that leads to the same vertex again and again is not sorted and distinct."""
        index = self.copy_of_index()
        path = part_of(index, "pages")
        data = bytearray(path.read_bytes())
        row_bits, limit = data[69], struct.unpack_from("<Q", data, 88)[0]
        for at in range(PAGE, len(data), PAGE):
            slots, degree = struct.unpack_from("<H", data, at + 12)[0], data[at + 16]
            low = (limit // degree).bit_length() - 1
            start, ones = slots * row_bits, degree * low + degree
            size = ones + (limit - 1 >> low)
            begin, end = at + 16 + slots, at + PAGE - slots * 32 * 4
            stream = int.from_bytes(data[begin:end], "little")
            stream &= ~((1 << size) - 1 << start)
            stream |= (1 << ones) - 1 << start
            data[begin:end] = stream.to_bytes(end - begin, "little")
            seal_page(data, at, PAGE)
        path.write_bytes(data)
        self.survives(run("search-index", "--index", index, "--queries", self.queries))
        with self.subTest("verify"):
            self.verify_refuses(index, path)
        with self.subTest("relayout"):
            self.relayout_survives(index, path)

    def test_codes_longer_than_the_dimension(self):
        """Codes of 33 bytes, of which manifest, header and size say the same."""
        index = self.copy_of_index()
        path = part_of(index, "codes")
        data = bytearray(path.read_bytes())
        rows = struct.unpack_from("<Q", data, 48)[0]
        struct.pack_into("<I", data, 44, 33)
        seal_table(data, bytes(33 * rows))
        path.write_bytes(data)
        self.manifest_changed(index, code_bytes=33, codes_bytes=len(data))
        self.search_refuses(index, "code bytes", 32, 33)
        with self.subTest("verify"):
            self.verify_refuses(index, "code bytes", 32, 33)
        with self.subTest("relayout"):
            self.relayout_survives(index, "code bytes", 32, 33)

    def test_vertex_that_no_page_would_hold(self):
        """A largest degree that manifest and header agree on, and no vertex has."""
        vectors = write_bin(self.folder / "wide.fbin", gaussian_rows(60, 1010))
        index = self.build(vectors, self.folder / "wide", "--max-degree", 8, "--page-size", PAGE)
        self.header_changed(index, "pages", [(60, "<I", 255)])
        self.manifest_changed(index, max_degree=255)
        self.survives(run("search-index", "--index", index, "--queries", vectors))
        self.survives(run("inspect-index", "--index", index, "--verify"))
        self.survives(run("relayout-index", "--index", index, "--workload", vectors))

    def test_untouched_manifest_sealed_again(self):
        """The two tests above would prove nothing if sealing were wrong."""
        text = (self.index / "manifest.json").read_text()
        self.assertEqual(text, sealed_manifest(json.loads(text)))


if __name__ == "__main__":
    programs.main()
