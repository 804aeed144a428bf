"""convert-vectors and make-ground-truth against their counterparts in Python."""
import math
import random
import struct

import programs
from programs import (ELEMENTS, SEED, ProgramTest, brute_force, gaussian_rows, read_bin,
                      read_truth, write_bin)

NPY_TYPES = {"float32": "<f4", "float16": "<f2", "uint8": "|u1", "int8": "|i1"}


def rows_of(name, count=37, dimension=19):
    """Rows that the element type holds exactly."""
    draw = random.Random(SEED)
    number = {"float32": lambda: struct.unpack("<f", struct.pack("<f", draw.gauss(0, 10)))[0],
              "float16": lambda: struct.unpack("<e", struct.pack("<e", draw.gauss(0, 10)))[0],
              "uint8": lambda: draw.randrange(256), "int8": lambda: draw.randrange(-128, 128)}[name]
    return [[number() for _ in range(dimension)] for _ in range(count)]


def parse_npy(data):
    """(dictionary of the header, rows) of a .npy file of version 1."""
    assert data[:8] == b"\x93NUMPY\x01\x00"
    size = struct.unpack_from("<H", data, 8)[0]
    assert (10 + size) % 64 == 0 and data[9 + size:10 + size] == b"\n"
    header = eval(data[10:10 + size].decode(), {"__builtins__": {}})
    code = {"<f4": "f", "<f2": "e", "|u1": "B", "|i1": "b"}[header["descr"]]
    count, dimension = header["shape"]
    rows = list(struct.Struct(f"<{dimension}{code}").iter_unpack(data[10 + size:]))
    assert len(rows) == count
    return header, rows


def texmex(rows, code):
    """The bytes of an .fvecs ("f") or .bvecs ("B") file."""
    return b"".join(struct.pack(f"<I{len(row)}{code}", len(row), *row) for row in rows)


class ConvertTest(ProgramTest):
    """convert-vectors."""

    def convert(self, source, target, *options):
        """Converts to a file of the test's folder; the file."""
        target = self.folder / target
        self.done("convert-vectors", "--input", source, "--output", target, *options)
        return target

    def refuse(self, source, target, *words):
        """Converting must fail and leave no file."""
        self.fails("convert-vectors", "--input", source, "--output", self.folder / target,
                   words=words, statuses=(1,))
        self.assertFalse((self.folder / target).exists())
        self.assertEqual(list(self.folder.glob("*.partial")), [])

    def test_files_are_those_of_the_formats(self):
        """.bin, .npy and texmex files equal what Python writes."""
        for name, (extension, code, _) in ELEMENTS.items():
            rows = rows_of(name)
            source = write_bin(self.folder / f"source.{extension}", rows)
            header, found = parse_npy(self.convert(source, f"{name}.npy").read_bytes())
            self.assertEqual(header, {"descr": NPY_TYPES[name], "fortran_order": False,
                                      "shape": (37, 19)})
            self.assertEqual(found, [tuple(row) for row in rows])
            back = self.convert(self.folder / f"{name}.npy", f"back.{extension}")
            self.assertEqual(back.read_bytes(), source.read_bytes())
            if code in "fB":
                vecs = "fvecs" if code == "f" else "bvecs"
                path = self.convert(source, f"{name}.{vecs}")
                self.assertEqual(path.read_bytes(), texmex(rows, code))
                back = self.convert(path, f"again.{extension}")
                self.assertEqual(back.read_bytes(), source.read_bytes())

    def test_chain_through_all_formats(self):
        """Numbers that all types hold survive every step and come back byte for byte."""
        draw = random.Random(SEED)
        source = write_bin(self.folder / "source.fbin",
                           [[draw.randrange(128) for _ in range(33)] for _ in range(50)])
        path = source
        for step, extension in enumerate(("u8bin", "fvecs", "i8bin", "npy", "f16bin", "bvecs",
                                          "npy", "fvecs", "fbin")):
            path = self.convert(path, f"step-{step}.{extension}")
        self.assertEqual(path.read_bytes(), source.read_bytes())

    def test_element_type_of_npy(self):
        """--element-type decides for .npy; other extensions may only agree."""
        source = write_bin(self.folder / "source.fbin", [[1, 2, 3], [4, 5, 6]])
        for name, descr in NPY_TYPES.items():
            path = self.convert(source, f"{name}.npy", "--element-type", name)
            header, rows = parse_npy(path.read_bytes())
            self.assertEqual((header["descr"], rows), (descr, [(1, 2, 3), (4, 5, 6)]))
        self.convert(source, "fits.u8bin", "--element-type", "uint8")
        self.fails("convert-vectors", "--input", source, "--output", self.folder / "x.u8bin",
                   "--element-type", "int8", words=("x.u8bin", "uint8", "int8"), statuses=(1,))

    def test_float16_rounds_to_the_nearest(self):
        """Ties go to even, small numbers become subnormal or zero; too large ones are refused."""
        values = [1 / 3, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 65504, -65504, 65519, 6e-8, 1e-9, -2.5e-8,
                  6.1e-5, 2 ** -24, 2 ** -25, 1.5 * 2 ** -25, -0.0, 0.1, 1234.567]
        source = write_bin(self.folder / "source.fbin", [values])
        single = [struct.unpack("<f", struct.pack("<f", value))[0] for value in values]
        path = self.convert(source, "half.f16bin")
        self.assertEqual(path.read_bytes()[8:], struct.pack(f"<{len(values)}e", *single))
        for value in (65520.0, 70000.0, -1e30):
            source = write_bin(self.folder / "large.fbin", [[1.0, 2.0], [3.0, value]])
            self.refuse(source, "large.f16bin", source, "row 1", "element 1", "float16")

    def test_inexact_integers_are_refused(self):
        """Fractions and numbers out of range, with their place; nothing is clipped silently."""
        for target, value in (("u8bin", 0.5), ("u8bin", -1), ("u8bin", 256), ("u8bin", 1e30),
                              ("i8bin", 128), ("i8bin", -129), ("i8bin", 3.0001), ("bvecs", 255.5)):
            rows = [[1.0] * 5 for _ in range(9)]
            rows[7][3] = value
            source = write_bin(self.folder / "source.fbin", rows)
            self.refuse(source, f"target.{target}", source, "row 7", "element 3", "int8")
        bytes_ = write_bin(self.folder / "source.u8bin", [[127, 128]])
        self.refuse(bytes_, "target.i8bin", bytes_, "row 0", "element 1", "int8")
        signed = write_bin(self.folder / "source.i8bin", [[0], [-1]])
        self.refuse(signed, "target.u8bin", signed, "row 1", "element 0", "uint8")

    def test_skip_and_limit(self):
        """A slice; the row in an error is that of the input."""
        rows = rows_of("uint8")
        source = write_bin(self.folder / "source.u8bin", rows)
        for options, part in ((("--skip", 10), rows[10:]), (("--limit", 5), rows[:5]),
                              (("--skip", 30, "--limit", 100), rows[30:]),
                              (("--skip", 36, "--limit", 1), rows[36:])):
            found = read_bin(self.convert(source, "part.u8bin", *options))
            self.assertEqual(found, [tuple(row) for row in part])
        self.fails("convert-vectors", "--input", source, "--output", self.folder / "x.npy",
                   "--skip", 37, words=(source, 37), statuses=(1,))
        source = write_bin(self.folder / "source.fbin", [[1.0]] * 20 + [[0.5]])
        self.fails("convert-vectors", "--input", source, "--output", self.folder / "x.u8bin",
                   "--skip", 15, words=("row 20",), statuses=(1,))

    def test_large_file_in_blocks(self):
        """Blocks of several MiB are put together in the right order."""
        count, dimension = 5000, 1000
        source = self.folder / "source.u8bin"
        data = random.Random(SEED).randbytes(count * dimension)
        source.write_bytes(struct.pack("<II", count, dimension) + data)
        floats = self.convert(source, "large.fvecs")
        back = self.convert(floats, "back.u8bin")
        self.assertEqual(back.read_bytes(), source.read_bytes())

    def test_output_over_the_input(self):
        """The input is replaced only by a whole output."""
        path = write_bin(self.folder / "same.fbin", rows_of("float32"))
        before = path.read_bytes()
        self.convert(path, path.name)
        self.assertEqual(path.read_bytes(), before)
        self.convert(path, path.name, "--limit", 3)
        self.assertEqual(path.read_bytes(), struct.pack("<II", 3, 19) + before[8:8 + 3 * 19 * 4])


class GroundTruthTest(ProgramTest):
    """make-ground-truth."""

    def truth(self, base, queries, *options):
        """Ids and distances that make-ground-truth finds."""
        path = self.folder / "truth.ibin"
        self.done("make-ground-truth", "--vectors", base, "--queries", queries, "--output", path,
                  *options)
        return read_truth(path)

    def compare(self, name, metric, rows, queries):
        """Ids and distances of k = 12 equal those of Python, except that rounding may swap."""
        extension = ELEMENTS[name][0]
        base = write_bin(self.folder / f"base.{extension}", rows)
        query_file = write_bin(self.folder / f"queries.{extension}", queries)
        rows = read_bin(base)
        ids, distances = self.truth(base, query_file, "--metric", metric, "--k", 12)
        self.assertEqual(len(ids), len(queries))
        for query, found, at in zip(read_bin(query_file), ids, distances):
            right = brute_force(rows, query, metric, 12)
            self.assertEqual(len(set(found)), 12)
            for i, distance, (exact_i, exact) in zip(found, at, right):
                delta = 2e-6 * (1 + max(abs(exact), sum(value * value for value in query)))
                self.assertAlmostEqual(distance, exact, delta=delta, msg=(name, metric))
                if metric != "cosine" and "int" in name:
                    self.assertEqual(i, exact_i, (name, metric))

    def test_against_python(self):
        """All element types and metrics, in dimensions that fill no register."""
        for name in ELEMENTS:
            for metric in programs.METRICS:
                rows = gaussian_rows(300, 23, 30)
                if "int" in name:
                    shift = 128 if name == "uint8" else 0
                    rows = [[min(max(round(v) + shift, shift - 128), shift + 127) for v in row]
                            for row in rows]
                self.compare(name, metric, rows[:280], rows[280:])

    def test_ties_go_to_the_smaller_row(self):
        """Every vector three times: ids in ascending order at equal distance."""
        rows = rows_of("uint8", 40, 6)
        base = write_bin(self.folder / "base.u8bin", rows * 3)
        ids, distances = self.truth(base, base, "--k", 9)
        for query, found, at in zip(rows * 3, ids, distances):
            right = brute_force(rows * 3, query, "l2", 9)
            self.assertEqual(list(found), [i for i, _ in right])
            self.assertEqual(list(at), [float(d) for _, d in right])

    def test_extremes_of_integers(self):
        """Distances of 4,096 dimensions of -128 and 127, which need more than 24 bits."""
        low, high = [-128] * 4096, [127] * 4096
        base = write_bin(self.folder / "base.i8bin", [low, high, [0] * 4096])
        for metric, right in (("l2", [0, 128 ** 2 * 4096, 255 ** 2 * 4096]),
                              ("ip", [128 ** 2 * 4096, 0, -128 * 127 * 4096])):
            query = write_bin(self.folder / "query.i8bin", [low])
            ids, distances = self.truth(base, query, "--metric", metric, "--k", 3)
            self.assertEqual(ids, [(0, 2, 1)])
            for found, exact in zip(distances[0], right):
                self.assertTrue(math.isclose(found, exact, rel_tol=1e-6), (metric, found, exact))

    def test_ivecs_holds_the_same_ids(self):
        """k before each row, as texmex has it."""
        base = write_bin(self.folder / "base.fbin", gaussian_rows(100, 8))
        ids, _ = self.truth(base, base, "--k", 5)
        path = self.folder / "truth.ivecs"
        self.done("make-ground-truth", "--vectors", base, "--queries", base, "--output", path,
                  "--k", 5)
        self.assertEqual(path.read_bytes(), texmex(ids, "I"))

    def test_limits_of_k(self):
        """All rows at most, one at least; the output's extension is checked."""
        base = write_bin(self.folder / "base.fbin", gaussian_rows(20, 8))
        ids, _ = self.truth(base, base, "--k", 20)
        self.assertTrue(all(sorted(row) == list(range(20)) for row in ids))
        command = ("make-ground-truth", "--vectors", base, "--queries", base, "--output")
        for k in (0, 21, 4 * 10 ** 9):
            self.fails(*command, self.folder / "x.ibin", "--k", k, words=("--k:", k), statuses=(2,))
        self.fails(*command, self.folder / "x.bin", "--k", 5, words=("x.bin", ".ibin"),
                   statuses=(1,))
        self.assertEqual(list(self.folder.glob("x.*")), [])


if __name__ == "__main__":
    programs.main()
