"""Vectors, queries and ground truth that are not what they seem are refused by name and reason."""
import math
import os
import resource
import struct

import programs
from programs import DatasetTest, gaussian_rows, write_bin

NAN, INF = math.nan, math.inf
# The program's address space: what a header announces must not be allocated blindly.
MEMORY = 4 << 30


def npy(header, data=b"", version=1):
    """The bytes of a .npy file whose header is the given text."""
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes((version, 0)) + size + header.encode() + data


def npy_header(descr="<f4", fortran=False, shape=(4, 8)):
    """The dictionary that a .npy file begins with."""
    return f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n"


class DamagedInputTest(DatasetTest):
    """Uses one index of 2,000 x 32 float32 and its queries."""

    def each_reader_refuses(self, path, *words, **options):
        """All programs that read vectors refuse the file and name it."""
        index = self.folder / f"index-of-{path.name}"
        out = self.folder / f"out-of-{path.stem}-{path.suffix[1:]}.x"  # not another file's
        same_type = path.suffix != ".f16bin"
        base, queries = (self.base, self.queries) if same_type else (path, path)
        for command in (
                ("build-index", "--vectors", path, "--index", index),
                ("search-index", "--index", self.index, "--queries", path),
                ("make-ground-truth", "--vectors", path, "--queries", queries,
                 "--output", out.with_suffix(".ibin"), "--k", 1),
                ("make-ground-truth", "--vectors", base, "--queries", path,
                 "--output", out.with_suffix(".ibin"), "--k", 1),
                ("convert-vectors", "--input", path, "--output", out.with_suffix(".npy")),
                ("describe-vectors", "--vectors", path),
                ("describe-vectors", "--vectors", base, "--queries", path)):
            self.fails(*command, words=(path.name, *words), statuses=(1,), **options)
        self.assertFalse(index.exists(), f"{path.name}: an index folder was left")
        self.assertEqual(list(self.folder.glob(f"{out.stem}.*")), [],
                         f"{path.name}: output was left")

    def each_file_refused(self, files, **options):
        """Writes name: (bytes, words) and gives them to all readers, in parallel."""
        def one(item):
            name, (data, *words) = item
            (self.folder / name).write_bytes(data)
            self.each_reader_refuses(self.folder / name, *words, **options)
        programs.in_parallel(one, files.items())

    def test_missing_files(self):
        """The name that was given and the reason."""
        self.each_reader_refuses(self.folder / "none.fbin", "No such file")

    def test_unknown_extension(self):
        """The message lists those that are known."""
        self.each_file_refused({name: (self.base.read_bytes(), ".fbin", ".npy")
                                for name in ("base", "base.bin", "base.FBIN", "base.fbin.gz")})

    def test_empty_files(self):
        """Nothing at all in each format."""
        self.each_file_refused({f"empty.{extension}": (b"", "expected") for extension in (
            "fbin", "f16bin", "u8bin", "i8bin", "fvecs", "bvecs", "npy")})

    def test_truncated_vectors(self):
        """Cut inside the header, inside a row, between rows, and one byte too long."""
        data = self.queries.read_bytes()
        row = 4 * 32
        whole = struct.pack("<I", 32) + bytes(row)
        self.each_file_refused(
            {f"cut-{size}.fbin": (data[:size], "expected", "found")
             for size in (1, 4, 5, 7, 8, 9, 8 + row, len(data) // 2, len(data) - 1)} |
            {"long.fbin": (data + b"\0", str(len(data)), str(len(data) + 1)),
             "cut.fvecs": (whole * 3 + whole[:-1], "expected"),
             "cut.npy": (npy(npy_header(), bytes(4 * 8 * 4 - 1)), "expected")})

    def test_wrong_element_type(self):
        """The extension says another type or format than the content has."""
        data = self.base.read_bytes()
        self.each_file_refused({f"base.{extension}": (data, "expected", "found") for extension in (
            "f16bin", "u8bin", "i8bin", "fvecs", "bvecs")} | {"base.npy": (data, "NUMPY")})

    def test_numbers_of_a_header(self):
        """No rows, no dimension, too many dimensions, more rows than any file holds."""
        most = 2 ** 32 - 1

        def header(rows, dimension):
            return struct.pack("<II", rows, dimension)
        self.each_file_refused({
            "no-rows.fbin": (header(0, 8), "row"),
            "no-dimension.fbin": (header(8, 0), "dimension"),
            "wide.u8bin": (header(1, 16385) + bytes(16385), "dimension", "16385"),
            "huge.fbin": (header(most, most), "dimension", str(most)),
            "tall.fbin": (header(most, 16384), str(most), "8"),
            "tall.i8bin": (header(most, 1) + b"\0", str(most)),
            "zero.fvecs": (bytes(8), "dimension"),
            "huge.bvecs": (header(most, most), "dimension"),
            "tall.npy": (npy(npy_header(shape=(2 ** 63, 16384))), "rows"),
            "wide.npy": (npy(npy_header(shape=(1, 2 ** 40))), "dimension"),
            "beyond.npy": (npy(npy_header(shape=(10 ** 30, 4))), "shape")})

    def test_unusual_npy_files(self):
        """What NumPy writes and Trackway does not read is named, broken headers are refused."""
        self.each_file_refused({
            "double.npy": (npy(npy_header("<f8"), bytes(256)), "<f8"),
            "big-endian.npy": (npy(npy_header(">f4"), bytes(128)), ">f4"),
            "fortran.npy": (npy(npy_header(fortran=True), bytes(128)), "order"),
            "line.npy": (npy(npy_header(shape="(32,)"), bytes(128)), "shape"),
            "cube.npy": (npy(npy_header(shape=(2, 4, 4)), bytes(128)), "shape"),
            "negative.npy": (npy(npy_header(shape="(-4, 8)"), bytes(128)), "shape"),
            "no-rows.npy": (npy(npy_header(shape=(0, 8))), "row"),
            "keys.npy": (npy("{}"), "descr"),
            "version.npy": (npy(npy_header(), bytes(128), version=9), "version"),
            "header.npy": (npy(npy_header())[:60], "header"),
            "long-header.npy": (b"\x93NUMPY\x02\0\xff\xff\xff\xff" + bytes(200), "header")})

    def test_rows_that_differ_in_dimension(self):
        """A row of an .fvecs file that announces another dimension is named."""
        row = struct.pack("<I", 32) + bytes(4 * 32)
        data = row * 7 + struct.pack("<I", 31) + row[4:] + row * 12
        self.each_file_refused({"mixed.fvecs": (data, "row 7", "31")})

    def test_not_a_number(self):
        """The row is named, in base and queries, in each format that can hold NaN or infinity."""
        def binary(code, value, bad):
            rows = [[1.0] * 32 for _ in range(40)]
            rows[bad][(bad * 7) % 32] = value
            return struct.pack("<II", 40, 32) + b"".join(struct.pack(f"<32{code}", *r)
                                                         for r in rows)
        prefix = struct.pack("<I", 32)
        whole, broken = prefix + bytes(128), prefix + bytes(124) + struct.pack("<f", NAN)
        self.each_file_refused({
            "first.fbin": (binary("f", NAN, 0), "row 0", "NaN"),
            "middle.fbin": (binary("f", -INF, 17), "row 17"),
            "last.fbin": (binary("f", NAN, 39), "row 39"),
            "half.f16bin": (binary("e", NAN, 11), "row 11"),
            "infinite.f16bin": (binary("e", INF, 12), "row 12"),
            "nan.fvecs": (whole * 23 + broken, "row 23"),
            "nan.npy": (npy(npy_header(shape=(24, 32)), (bytes(128) * 23 + broken[4:])), "row 23")})

    def test_not_a_number_far_into_a_base(self):
        """Rows are counted over the blocks in which a large base is read."""
        rows = 70000
        path = self.folder / "large.fbin"
        data = bytearray(struct.pack("<II", rows, 32) + bytes(rows * 128))
        struct.pack_into("<f", data, 8 + 69999 * 128, NAN)
        path.write_bytes(data)
        self.each_reader_refuses(path, "row 69999")

    def test_queries_of_another_dimension(self):
        """Shorter and longer queries than the index has; the file is named."""
        for dimension in (1, 31, 33, 64):
            path = write_bin(self.folder / f"{dimension}.fbin", gaussian_rows(5, dimension))
            self.fails("search-index", "--index", self.index, "--queries", path,
                       words=("dimension", 32, f"found {dimension}", path), statuses=(1,))
            self.fails("make-ground-truth", "--vectors", self.base, "--queries", path, "--output",
                       self.folder / "x.ibin", words=("dimension 32", dimension, path.name))

    def test_queries_of_another_type(self):
        """Queries are not converted silently; the file is named."""
        for name in ("float16", "uint8", "int8"):
            path = write_bin(self.folder / f"q.{programs.ELEMENTS[name][0]}", [[1] * 32] * 5)
            self.fails("search-index", "--index", self.index, "--queries", path,
                       words=("float32", name, path), statuses=(1,))
            self.fails("make-ground-truth", "--vectors", self.base, "--queries", path, "--output",
                       self.folder / "x.ibin", words=("float32", name, path.name))

    def test_ground_truth_of_the_wrong_size(self):
        """Fewer queries, fewer neighbours than k, cut, garbage; the file is named."""
        truth = self.folder / "truth.ibin"
        self.done("make-ground-truth", "--vectors", self.base, "--queries", self.queries,
                  "--output", truth, "--k", 10)
        data = truth.read_bytes()
        most = 2 ** 32 - 1
        files = {
            "fewer.ibin": (struct.pack("<II", 49, 10) + bytes(49 * 10 * 8), "50", "49"),
            "shallow.ibin": (struct.pack("<II", 50, 9) + bytes(50 * 9 * 8), "10", "9"),
            "none.ibin": (struct.pack("<II", 0, 10), "above 0"),
            "flat.ibin": (struct.pack("<II", 50, 0), "above 0"),
            "huge.ibin": (struct.pack("<II", most, most) + bytes(80), "88"),
            "long.ibin": (data + b"\0", str(len(data)), str(len(data) + 1)),
            "empty.ibin": (b"", "expected"), "empty.ivecs": (b"", "expected"),
            "huge.ivecs": (struct.pack("<I", most), "expected"),
            "mixed.ivecs": ((struct.pack("<I", 10) + bytes(40)) * 49 +
                            struct.pack("<I", 9) + bytes(40), "offset"),
            "truth.txt": (data, ".ibin")}
        files |= {f"cut-{n}.ibin": (data[:n], "expected") for n in (1, 8, 9, 2000, len(data) - 1)}

        def one(item):
            name, (content, *words) = item
            path = self.folder / name
            path.write_bytes(content)
            self.fails("search-index", "--index", self.index, "--queries", self.queries,
                       "--ground-truth", path, words=(path, *words), statuses=(1,))
        programs.in_parallel(one, files.items())
        self.fails("search-index", "--index", self.index, "--queries", self.queries, "--k", 11,
                   "--ground-truth", truth, words=(truth, 11), statuses=(1,))

    def test_sparse_files_larger_than_memory(self):
        """A header and a file size that agree, but no memory for them: an error, not a crash."""
        queries, truth = self.folder / "sparse.fbin", self.folder / "sparse.ibin"
        queries.write_bytes(struct.pack("<II", 1 << 28, 32))
        os.truncate(queries, 8 + (1 << 28) * 128)
        truth.write_bytes(struct.pack("<II", 50, 1 << 27))
        os.truncate(truth, 8 + 50 * (1 << 27) * 8)
        search = ("search-index", "--index", self.index, "--threads", 1, "--queries")
        for path, command in (
                (queries, (*search, queries)),
                (queries, ("make-ground-truth", "--vectors", self.base, "--queries", queries,
                           "--output", self.folder / "x.ibin", "--threads", 1)),
                (queries, ("build-index", "--vectors", queries, "--index", self.folder / "x",
                           "--memory-budget", "900TiB", "--threads", 1)),
                (truth, (*search, self.queries, "--ground-truth", truth))):
            with self.subTest(program=command[0], file=path.name):
                words = (path.name,) if command[0] != "build-index" else ("memory",)
                self.fails(*command, words=words, statuses=(1,),
                           preexec_fn=programs.limited(resource.RLIMIT_AS, MEMORY))

    def test_anything_but_a_regular_file(self):
        """A FIFO must not hang; folders and links to themselves are named."""
        fifo, folder = self.folder / "fifo.fbin", self.folder / "folder.fbin"
        loop = self.folder / "loop.fbin"
        os.mkfifo(fifo)
        folder.mkdir()
        loop.symlink_to(loop.name)
        self.each_reader_refuses(fifo, "special file", timeout=10)
        self.each_reader_refuses(folder, "a folder")
        self.each_reader_refuses(loop, "Too many levels")
        for extension in (".ibin", ".ivecs"):
            truth = fifo.with_suffix(extension)
            os.mkfifo(truth)
            self.fails("search-index", "--index", self.index, "--queries", self.queries,
                       "--ground-truth", truth, words=(truth, "special file"), timeout=10)

    def test_files_without_permission(self):
        """The reason is given for files and folders that may not be read."""
        path = write_bin(self.folder / "secret.fbin", gaussian_rows(20, 32))
        path.chmod(0)
        self.each_reader_refuses(path, "Permission denied", preexec_fn=programs.without_rights)
        index = self.copy_of_index()
        for file in index.iterdir():
            mode = file.stat().st_mode
            file.chmod(0)
            self.fails("search-index", "--index", index, "--queries", self.queries,
                       words=(file, "Permission denied"), preexec_fn=programs.without_rights)
            file.chmod(mode)


if __name__ == "__main__":
    programs.main()
