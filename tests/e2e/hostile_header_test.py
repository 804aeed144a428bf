"""An index with right checksums and wrong contents: no header, page or manifest is trusted blindly.

Checksums are XXH3-64, written here once more in Python so that headers can be sealed again.
"""
import json
import struct

import programs
from programs import PARTS, DatasetTest, part_of, run

PAGE = 4096
MASK = (1 << 64) - 1
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff"
    "7221b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46"
    "a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581"
    "a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428"
    "afd7fbcabb4b407e")
PRIME32_1, PRIME32_2, PRIME32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
PRIMES64 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63,
            0x27D4EB2F165667C5)


def xxh3(data, seed=0):
    """XXH3-64 of more than 240 bytes."""
    assert len(data) > 240
    secret = b"".join(struct.pack("<QQ", (low + seed) & MASK, (high - seed) & MASK)
                      for low, high in struct.iter_unpack("<QQ", SECRET))
    lanes = [PRIME32_3, PRIMES64[0], PRIMES64[1], PRIMES64[2], PRIMES64[3], PRIME32_2, PRIMES64[4],
             PRIME32_1]

    def accumulate(at, secret_at):
        stripe, keys = struct.unpack_from("<8Q", data, at), struct.unpack_from("<8Q", secret,
                                                                               secret_at)
        for i, (value, key) in enumerate(zip(stripe, keys)):
            mixed = value ^ key
            lanes[i ^ 1] = (lanes[i ^ 1] + value) & MASK
            lanes[i] = (lanes[i] + (mixed & 0xFFFFFFFF) * (mixed >> 32)) & MASK
    per_block = (len(secret) - 64) // 8
    for stripe in range((len(data) - 1) // 64):
        accumulate(64 * stripe, 8 * (stripe % per_block))
        if stripe % per_block == per_block - 1:
            for i, key in enumerate(struct.unpack_from("<8Q", secret, len(secret) - 64)):
                lanes[i] = ((lanes[i] ^ lanes[i] >> 47 ^ key) * PRIME32_1) & MASK
    accumulate(len(data) - 64, len(secret) - 64 - 7)
    result = len(data) * PRIMES64[0]
    keys = struct.unpack_from("<8Q", secret, 11)
    for i in range(0, 8, 2):
        product = (lanes[i] ^ keys[i]) * (lanes[i + 1] ^ keys[i + 1])
        result += (product & MASK) ^ (product >> 64)
    result &= MASK
    result = ((result ^ result >> 37) * 0x165667919E3779F9) & MASK
    return result ^ result >> 32


class HostileHeaderTest(DatasetTest):
    """Uses one index of 2,000 x 32 float32, max degree 64, pages of 4,096 bytes."""

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

    def sealed_header(self, part, changes, name):
        """A copy of the index whose header has other numbers and a right checksum."""
        index = self.copy_of_index(name)
        path = part_of(index, part)
        data = bytearray(path.read_bytes())
        for offset, form, value in changes:
            struct.pack_into(form, data, offset, value)
        struct.pack_into("<Q", data, 8, xxh3(bytes(data[16:PAGE])))
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
                             xxh3(data[at + 8:at + PAGE], self.page_seed(data)))

    @staticmethod
    def page_seed(data):
        """The seed of page checksums: the first eight bytes of the uuid."""
        return struct.unpack_from("<Q", data, 24)[0]

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
                  "neighbor bits": (68, "<B", (0, 1, 33, 255)),
                  "row bits": (69, "<B", (0, 10, 33, 255)),
                  "element type": (70, "<B", (0, 2, 5, 255)),
                  "metric": (71, "<B", (0, 2, 4, 255)),
                  "row count": (72, "<Q", (0, 1999, 2001, 2 ** 32, 2 ** 63, 2 ** 64 - 1)),
                  "page order": (80, "<B", (0, 3, 255)),
                  "reserved": (81, "<B", (1,)), "end": (4095, "<B", (1,))}

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

    def test_counts_that_agree_with_each_other(self):
        """More pages and rows than the file has bytes for."""
        index = self.sealed_header("pages", [(44, "<I", 2 ** 26), (48, "<I", 2 ** 30),
                                             (68, "<B", 32), (69, "<B", 32),
                                             (72, "<Q", 2 ** 32)], "copy")
        self.both_refuse(index, part_of(index, "pages"), "bytes", "found")

    def test_numbers_of_the_table_headers(self):
        """Rows and their size decide an allocation."""
        cases = [(part, *field) for part in ("codes", "codebook") for field in (
            (40, "<I", 0), (40, "<I", 3), (44, "<I", 0), (44, "<I", 2 ** 32 - 1),
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
                                              (18, "<H", 1, "format version"),
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
                struct.pack_into("<Q", data, at,
                                 xxh3(bytes(data[at + 8:at + PAGE]), self.page_seed(data)))
            path.write_bytes(data)
            return index

        def slots_and_id(value, offset, form):
            return lambda data, at: struct.pack_into(form, data, at + offset, value)

        def neighbours_everywhere(data, at):
            slots = struct.unpack_from("<H", data, at + 12)[0]
            bits = at + 16 + slots + (slots * 11 + 7) // 8
            data[bits:bits + 40] = b"\xff" * 40
        changes = {"id": slots_and_id(7 ** 9, 8, "<I"), "none": slots_and_id(0, 12, "<H"),
                   "many": slots_and_id(26, 12, "<H"), "most": slots_and_id(65535, 12, "<H"),
                   "degree": slots_and_id(65, 16, "<B"), "degrees": slots_and_id(255, 16, "<B"),
                   "sum": lambda data, at: data.__setitem__(slice(at + 16, at + 36), b"\x40" * 20),
                   "rows": lambda data, at: data.__setitem__(slice(at + 36, at + 60), b"\xff" * 24),
                   "places": neighbours_everywhere}

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
            "uuid": ("0" * 32,), "shards": ([], None)}.items() for value in values]

        def one(case):
            key, value = case
            index = self.copy_of_index(f"{key} {value}")
            body = json.loads(text)
            del body["checksum"]
            body[key] = value if key != "shards" or value is not None else body["shards"] * 2
            compact = json.dumps(body, separators=(",", ":")).encode()
            body["checksum"] = f"{xxh3(compact):016x}"
            (index / "manifest.json").write_text(json.dumps(body, indent=2) + "\n")
            refuses(index, index.name)
        programs.in_parallel(one, cases)

    def test_search_compares_the_manifest_with_the_files(self):
        """No answers from an index whose parts contradict each other."""
        self.each_manifest_number(self.search_refuses)

    def test_verify_compares_the_manifest_with_the_files(self):
        """What search-index refuses is not sound."""
        self.each_manifest_number(self.verify_refuses)

    def test_untouched_manifest_sealed_again(self):
        """The two tests above would prove nothing if sealing were wrong."""
        text = (self.index / "manifest.json").read_text()
        body = json.loads(text)
        checksum = body.pop("checksum")
        compact = json.dumps(body, separators=(",", ":")).encode()
        self.assertEqual(checksum, f"{xxh3(compact):016x}")
        self.assertEqual(text, json.dumps(body | {"checksum": checksum}, indent=2) + "\n")


if __name__ == "__main__":
    programs.main()
