"""From the sources' formats to Trackway's: .*bin vectors, and ground truth with exact distances."""
import contextlib
import os
import struct
import subprocess
import tarfile
import zlib

import numpy

from reporting import FetchError

# Element type: extension of the .*bin file, numpy's name.
ELEMENTS = {"float32": ("fbin", "<f4"), "float16": ("f16bin", "<f2"), "uint8": ("u8bin", "|u1"),
            "int8": ("i8bin", "|i1")}
BLOCK_BYTES = 8 << 20
# Published neighbours were sorted by distances of lower precision: so much disorder is none.
ORDER_TOLERANCE = 1e-3


@contextlib.contextmanager
def whole_file(path):
    """A file that gets its name only when all is written."""
    partial = path.with_name(path.name + ".partial")
    try:
        with open(partial, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise FetchError(f"{path}: cannot write: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)


def bin_bytes(shape, element_type):
    """The size of a .*bin file."""
    return 8 + shape[0] * shape[1] * numpy.dtype(ELEMENTS[element_type][1]).itemsize


def check_bin(path, shape, element_type):
    """Refuses a .*bin file whose header or size says something else."""
    check_matrix(path, shape, bin_bytes(shape, element_type))


def check_truth(path, shape):
    """Refuses a ground truth of other queries, of another k, or that ends before its distances do."""
    check_matrix(path, shape, 8 + 8 * shape[0] * shape[1])


def check_matrix(path, shape, size):
    """Refuses a file that does not begin with this shape or has another size."""
    with open(path, "rb") as file:
        head = file.read(8)
    found = struct.unpack("<II", head) if len(head) == 8 else (0, 0)
    if found != tuple(shape):
        raise FetchError(f"{path}: offset 0: expected {shape[0]} x {shape[1]}, found {found[0]} x {found[1]}; remove "
                         "it and run the same command again")
    if path.stat().st_size != size:
        raise FetchError(f"{path}: expected {size} bytes, found {path.stat().st_size}; remove it and run the same "
                         "command again")


def open_bin(path, element_type):
    """The rows of a .*bin file, left on disk."""
    shape = tuple(numpy.fromfile(path, "<u4", 2).tolist())
    return numpy.memmap(path, ELEMENTS[element_type][1], "r", 8, shape)


def adopt_bin(source, target, source_rows, shape):
    """Makes the first rows of a downloaded .*bin file a file of their own: the header is written anew, and
    nothing is copied. A source whose header says so already is one of a run that was killed here."""
    with open(source, "r+b") as file:
        head = file.read(8)
        rows, dimension = struct.unpack("<II", head) if len(head) == 8 else (0, 0)
        if dimension != shape[1] or rows not in (source_rows, shape[0]):
            raise FetchError(f"{source}: offset 0: expected {source_rows} x {shape[1]}, found {rows} x {dimension}")
        file.seek(0)
        file.write(struct.pack("<II", *shape))
    os.replace(source, target)


def run_program(bin_folder, name, *arguments):
    """Runs one of Trackway's programs; what it complains of is the error."""
    finished = subprocess.run([str(bin_folder / name), *map(str, arguments)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if finished.returncode:
        raise FetchError(f"{name} {' '.join(map(str, arguments))}: status {finished.returncode}: "
                         f"{finished.stderr.strip()}")


def extract(archive, member, target, first_bytes, progress):
    """Writes a member of a .tar.gz, or its first bytes, to a file."""
    try:
        with tarfile.open(archive, "r|gz") as tar:
            for entry in tar:
                if entry.name.removeprefix("./") != member or not entry.isfile():
                    continue
                size = first_bytes or entry.size
                if entry.size < size:
                    raise FetchError(f"{archive}: {member}: expected {size} bytes or more, found {entry.size}")
                progress.begin(f"extracting {member}", size)
                with whole_file(target) as file, tar.extractfile(entry) as content:
                    while size and (block := content.read(min(size, BLOCK_BYTES))):
                        file.write(block)
                        size -= len(block)
                        progress.advance(len(block))
                progress.end()
                return
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise FetchError(f"{archive}: expected a .tar.gz, found a damaged one: {error}; remove it to "
                         "download it anew") from None
    raise FetchError(f"{archive}: expected {member}, found no such member")


def open_hdf5(path):
    """An HDF5 file, where Debian's h5py is installed."""
    try:
        import h5py  # pylint: disable=import-outside-toplevel
    except ImportError:
        raise FetchError(f"{path}: HDF5 needs Debian's package python3-h5py and Debian's Python: "
                         "apt-get install python3-h5py, then /usr/bin/python3 datasets/fetch.py") from None
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise FetchError(f"{path}: expected an HDF5 file, found {error}; remove it to download it anew") from None


def member_of_hdf5(file, path, member, shape):
    """A two-dimensional member that holds at least these rows."""
    if member not in file:
        raise FetchError(f"{path}: expected a member '{member}', found {', '.join(sorted(file))}")
    found = file[member].shape
    if len(found) != 2 or found[0] < shape[0] or found[1] != shape[1]:
        raise FetchError(f"{path}: {member}: expected {shape[0]} x {shape[1]}, found "
                         f"{' x '.join(map(str, found))}")
    return file[member]


def hdf5_to_bin(source, member, target, shape, element_type):
    """Writes the first rows of a member of an HDF5 file as a .*bin file."""
    rows, dimension = shape
    step = max(1, BLOCK_BYTES // (8 * dimension))
    with open_hdf5(source) as file:
        values = member_of_hdf5(file, source, member, shape)
        with whole_file(target) as output:
            output.write(struct.pack("<II", rows, dimension))
            for row in range(0, rows, step):
                output.write(values[row:min(row + step, rows)].astype(ELEMENTS[element_type][1]).tobytes())


def ids_of_hdf5(source, member, shape):
    """The neighbours' ids that an HDF5 file holds."""
    with open_hdf5(source) as file:
        return member_of_hdf5(file, source, member, shape)[:shape[0]].astype(numpy.int64)


def ids_of_bin(path, shape):
    """The ids of a ground truth with or without distances behind them (uint32 queries, uint32 k, ids)."""
    size = path.stat().st_size
    head = tuple(numpy.fromfile(path, "<u4", 2).tolist()) if size >= 8 else (0, 0)
    expected = {8 + width * head[0] * head[1] for width in (4, 8)}
    if head[0] < shape[0] or head[1] != shape[1] or size not in expected:
        raise FetchError(f"{path}: expected neighbours {shape[0]} x {shape[1]}, found {head[0]} x {head[1]} "
                         f"in {size} bytes")
    return numpy.fromfile(path, "<u4", shape[0] * shape[1], offset=8).reshape(shape).astype(numpy.int64)


def ids_of_ivecs(path, shape):
    """The ids of an .ivecs file."""
    values = numpy.fromfile(path, "<i4", shape[0] * (shape[1] + 1))
    if len(values) != shape[0] * (shape[1] + 1) or (values[::shape[1] + 1] != shape[1]).any():
        raise FetchError(f"{path}: expected {shape[0]} rows of {shape[1]} ids, found other rows or fewer")
    return values.reshape(shape[0], -1)[:, 1:].astype(numpy.int64)


def distances_to(rows, query, metric):
    """The contract's distances of rows (.., k, d) to their queries (.., d)."""
    if metric == "l2":
        return ((rows - query[:, None]) ** 2).sum(-1)
    products = numpy.einsum("qkd,qd->qk", rows, query)
    if metric == "ip":
        return products
    norms = numpy.sqrt((rows ** 2).sum(-1) * (query ** 2).sum(-1)[:, None])
    return 1 - numpy.divide(products, norms, out=numpy.zeros_like(products), where=norms > 0)


def write_truth(target, ids, base, queries, metric):
    """Writes published neighbours with their exact distances, which also tell whether they are neighbours at
    all: in the order in which they are given, none may be nearer than the one before."""
    if ids.min(initial=0) < 0 or ids.max(initial=0) >= len(base):
        query = int(numpy.argmax(((ids < 0) | (ids >= len(base))).any(1)))
        raise FetchError(f"{target}: query {query}: expected ids below {len(base)}, found others")
    distances = numpy.empty(ids.shape, "<f4")
    step = max(1, BLOCK_BYTES // (8 * ids.shape[1] * base.shape[1]))
    for first in range(0, len(ids), step):
        part = slice(first, first + step)
        rows = base[ids[part].ravel()].reshape(*ids[part].shape, -1).astype(numpy.float64)
        exact = distances_to(rows, queries[part].astype(numpy.float64), metric)
        drops = numpy.diff(exact if metric != "ip" else -exact)
        scale = numpy.abs(exact).max(1, initial=1e-6)[:, None]
        wrong = numpy.argwhere(drops < -ORDER_TOLERANCE * scale)
        if len(wrong):
            query, place = wrong[0].tolist()
            raise FetchError(
                f"{target}: query {first + query}: expected neighbours from near to far, found number {place + 1} at "
                f"{exact[query, place + 1]:g} after {exact[query, place]:g}: this truth belongs to other vectors "
                "or to another metric")
        distances[part] = exact
    with whole_file(target) as file:
        file.write(struct.pack("<II", *ids.shape))
        file.write(ids.astype("<u4").tobytes())
        file.write(distances.tobytes())
