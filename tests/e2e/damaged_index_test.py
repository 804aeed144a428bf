"""An index that lost or changed bytes is refused by name and reason, and never answers wrongly."""
import os
import pathlib
import random
import shutil
import struct

import programs
from programs import FORMAT_MINOR, PARTS, SEED, DatasetTest, part_of, run

LIST = ("--search-list", 20)
PAGE = 4096
BINARY = range(1, 1 + len(PARTS))  # all_files() without the manifest
TABLES = range(2, 1 + len(PARTS))


def all_files(index):
    """The manifest and the files of a shard."""
    return [index / "manifest.json", *(part_of(index, part) for part in PARTS)]


def flip(path, offset, bit=0):
    """Changes one bit of a file."""
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << bit
    path.write_bytes(data)


class DamagedIndexTest(DatasetTest):
    """Each test damages a copy of one index of 2,000 x 32 float32, pages of 4,096 bytes."""
    BUILD_OPTIONS = ("--page-size", PAGE)

    def run_search(self, index):
        """search-index on the class's queries."""
        return run("search-index", "--index", index, "--queries", self.queries, *LIST)

    def both_refuse(self, index, *words):
        """Neither search-index nor inspect-index --verify takes the index."""
        self.refused(self.run_search(index), *words, statuses=(1,))
        self.fails("inspect-index", "--index", index, "--verify", words=words, statuses=(1,))

    def each_damage(self, damages):
        """Calls damage(file of a fresh copy) for each (number of the file, damage), in parallel.
        Both programs must refuse the copy and name the damaged file."""
        def one(item):
            number, (which, damage) = item
            index = self.copy_of_index(f"copy-{number}")
            path = all_files(index)[which]
            damage(path)
            self.both_refuse(index, path.name)
        programs.in_parallel(one, enumerate(damages))

    def test_intact_copy_at_another_place_works(self):
        """The tests below would prove nothing if any copy were refused."""
        copy = self.copy_of_index()
        self.verified(copy)
        self.assertEqual(self.search(copy, self.queries), self.search(self.index, self.queries))

    def test_missing_index(self):
        """No folder, an empty one, and a file where the folder should be."""
        empty = self.folder / "empty"
        empty.mkdir()
        for index in (self.folder / "none", empty):
            self.both_refuse(index, index, "no index here")
        self.both_refuse(self.base, self.base, "Not a directory")

    def test_missing_file(self):
        """Every file of the index is needed."""
        self.each_damage((which, os.unlink) for which in BINARY)

    def test_truncated_file(self):
        """Cut at the start, inside headers, at their end, in the middle, before the last byte."""
        sizes = [path.stat().st_size for path in all_files(self.index)]
        self.each_damage(
            (which, lambda path, keep=keep: os.truncate(path, keep))
            for which, size in enumerate(sizes)
            for keep in (0, 1, 39, 40, 100, 4095, 4096, size // 2, size - 8, size - 1)
            if keep < size)

    def test_file_that_grew(self):
        """One byte too many at the end."""
        def grow(path):
            path.write_bytes(path.read_bytes() + b"\0")
        self.each_damage((which, grow) for which in (0, *BINARY))

    def test_file_of_random_bytes(self):
        """A whole file of noise, and noise behind an intact header."""
        draw = random.Random(SEED)

        def noise(path, keep=0):
            data = path.read_bytes()
            path.write_bytes(data[:keep] + draw.randbytes(len(data) - keep))
        self.each_damage([(which, noise) for which in (0, *BINARY)] +
                         [(which, lambda path: noise(path, PAGE)) for which in BINARY])

    def test_random_damage(self):
        """A few changed bytes anywhere: --verify finds them, search refuses or answers rightly."""
        draw = random.Random(SEED)
        right = self.search(self.index, self.queries, *LIST)

        def one(number, which, where, noise):
            index = self.copy_of_index(f"copy-{number}")
            path = all_files(index)[which]
            data = bytearray(path.read_bytes())
            at = int(where * (len(data) - len(noise)))
            data[at:at + len(noise)] = bytes(a ^ b for a, b in zip(data[at:], noise))
            path.write_bytes(data)
            self.fails("inspect-index", "--index", index, "--verify", words=[path.name])
            result = self.folder / f"{number}.ibin"
            found = run("search-index", "--index", index, "--queries", self.queries, *LIST,
                        "--result", result)
            if found.status == 0:
                self.assertEqual(programs.read_truth(result), right, (path.name, at))
            else:
                self.refused(found, path.name, statuses=(1,))
        trials = [(i, i % (1 + len(PARTS)), draw.random(),
                   bytes(draw.randrange(1, 256) for _ in range(length)))
                  for i, length in enumerate(draw.choices((1, 2, 8, 64), k=40))]
        programs.in_parallel(lambda trial: one(*trial), trials)

    def test_flipped_bit_in_headers(self):
        """Magic, checksum, version, shard, uuid, first field, reserved bytes: all are covered."""
        self.each_damage((which, lambda path, at=at: flip(path, at, 3))
                         for which in BINARY for at in (0, 8, 16, 20, 24, 40, 100, 4095))

    def test_flipped_bit_in_tables(self):
        """The rows of tables and their lists of checksums."""
        def flip_share(path, share):
            size = path.stat().st_size
            flip(path, PAGE + int(share * (size - PAGE - 1)), 6)
        self.each_damage((which, lambda path, share=share: flip_share(path, share))
                         for which in TABLES for share in (0, 0.3, 0.999, 1))

    def test_flipped_bit_in_the_manifest(self):
        """Digits, names, white space: the manifest's text must be exactly the one written."""
        size = (self.index / "manifest.json").stat().st_size
        self.each_damage((0, lambda path, at=at: flip(path, at, 1)) for at in range(0, size, 37))

    def test_changed_number_in_the_manifest(self):
        """A well-formed manifest that says something else fails its checksum."""
        def replace(old, new):
            def damage(path):
                text = path.read_text()
                self.assertIn(old, text)
                path.write_text(text.replace(old, new, 1))
            return damage
        self.each_damage((0, replace(*change)) for change in (
            ('"metric": "l2"', '"metric": "ip"'), ('"dimension": 32', '"dimension": 33'),
            ('"vectors": 2000', '"vectors": 2001'), ('"vectors": 2000', '"vectors": 1e99'),
            ('"element_type": "float32"', '"element_type": "uint8"'),
            ('"metric": "l2"', '"metric": "l3"'), ('"code_bytes": 32', '"code_bytes": -32')))

    def test_manifest_of_a_later_format(self):
        """The version is named, not a checksum."""
        index = self.copy_of_index()
        manifest = index / "manifest.json"
        manifest.write_text(manifest.read_text().replace('"format_major": 1', '"format_major": 2'))
        self.both_refuse(index, manifest, "format version", f"found 2.{FORMAT_MINOR}")

    def test_flipped_bit_in_one_page(self):
        """inspect-index --verify finds it on any page and names the offset."""
        pages = part_of(self.index, "pages").stat().st_size // PAGE

        def one(page):
            index = self.copy_of_index(f"copy-{page}")
            path = part_of(index, "pages")
            flip(path, page * PAGE + (page * 977) % PAGE, page % 8)
            self.fails("inspect-index", "--index", index, "--verify",
                       words=[path, f"offset {page * PAGE}", "checksum"])
        programs.in_parallel(one, range(1, pages, 9))

    def test_flipped_bit_in_every_page(self):
        """Whichever pages a search reads, it notices."""
        index = self.copy_of_index()
        path = part_of(index, "pages")
        data = bytearray(path.read_bytes())
        for at in range(PAGE + 2000, len(data), PAGE):
            data[at] ^= 1
        path.write_bytes(data)
        for io in ("auto", "pread"):
            self.fails("search-index", "--index", index, "--queries", self.queries, "--io", io,
                       words=[path, "offset", "checksum"], statuses=(1,))

    def test_flipped_bit_behind_a_header(self):
        """The rest of the header's page is part of the file as well where pages are larger."""
        index = self.build(self.base, self.folder / "large", "--page-size", 8192)
        path = part_of(index, "pages")
        flip(path, 6000)
        self.fails("inspect-index", "--index", index, "--verify", words=[path], statuses=(1,))

    def test_pages_that_changed_places(self):
        """Each page is whole, but not the one that belongs there."""
        index = self.copy_of_index()
        path = part_of(index, "pages")
        data = path.read_bytes()
        pages = [data[at:at + PAGE] for at in range(0, len(data), PAGE)]
        path.write_bytes(b"".join([pages[0], *pages[2:], pages[1]]))
        self.both_refuse(index, path, "page id")

    def test_files_of_another_index(self):
        """Every file says which index it belongs to."""
        other = programs.make_dataset(self.folder / "other", dimension=32, seed=2)
        other = self.build(other / "base.fbin", self.folder / "other-index")
        for part in PARTS:
            index = self.copy_of_index(f"mixed-{part}")
            path = part_of(index, part)
            shutil.copy(part_of(other, part), path)
            self.both_refuse(index, path, "another index")
        index = self.copy_of_index("mixed-manifest")
        shutil.copy(other / "manifest.json", index)
        self.both_refuse(index, part_of(other, "pages").name, "No such file")

    def test_files_that_changed_names(self):
        """Codes in the codebook's place, pages in the codes' place and others."""
        for to, source in (("codes", "codebook"), ("codebook", "codes"), ("codes", "pages"),
                           ("pages", "codes"), ("hot", "navigation"), ("navigation", "hot")):
            index = self.copy_of_index(f"{to}-{source}")
            shutil.copy(part_of(self.index, source), part_of(index, to))
            self.both_refuse(index, part_of(index, to), "expected")

    def test_anything_but_a_regular_file(self):
        """A FIFO must not hang, a folder and a link to itself must not crash."""
        def fifo(path):
            path.unlink()
            os.mkfifo(path)

        def folder(path):
            path.unlink()
            path.mkdir()

        def loop(path):
            path.unlink()
            path.symlink_to(path.name)
        self.each_damage((which, damage) for which in (0, *BINARY)
                         for damage in (fifo, folder, loop))

    def test_huge_counts_in_headers(self):
        """Counts of a header are checked before anything is allocated for them."""
        def huge(path, offset, form):
            data = bytearray(path.read_bytes())
            struct.pack_into(form, data, offset, 256 ** struct.calcsize(form) - 1)
            path.write_bytes(data)
        fields = [(1, 44, "<I"), (1, 48, "<I"), (1, 56, "<I"), (1, 72, "<Q"), (1, 88, "<Q")]
        fields += [(which, *field) for which in TABLES for field in ((44, "<I"), (48, "<Q"))]
        self.each_damage((which, lambda path, at=at, form=form: huge(path, at, form))
                         for which, at, form in fields)

    def test_unreadable_folder(self):
        """A path that cannot be followed is named with the reason."""
        loop = self.folder / "loop"
        loop.symlink_to("loop")
        self.both_refuse(loop, loop, "Too many levels")
        self.both_refuse(pathlib.Path("n" * 300), "File name too long")


if __name__ == "__main__":
    programs.main()
