#!/usr/bin/env python3
"""Writes the seeds of tests/fuzz/corpus that are right inputs: what a fuzzer would take long to guess.

make_seeds.py BIN, the folder of the programs, builds the indexes of tests/fuzz/index anew as well.
"""
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden"
EXTENSIONS = (".fbin", ".f16bin", ".u8bin", ".i8bin", ".fvecs", ".bvecs", ".npy", ".ibin", ".ivecs")


def write(target, name, data):
    """One seed; names that begin with "seed-" are those of this script."""
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"seed-{name}").write_bytes(data if isinstance(data, bytes) else data.encode())


def npy(descr, body, version=1):
    """A .npy file of 2 x 3."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': (2, 3), }}\n".encode()
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + body


def vector_files():
    """Two rows of three numbers, and ground truth, in every format; the first byte is the extension."""
    floats, halves, octets = struct.pack("<6f", *range(6)), struct.pack("<6e", *range(6)), bytes(range(6))
    rows = {".fbin": floats, ".f16bin": halves, ".u8bin": octets, ".i8bin": octets}
    files = {name: struct.pack("<2I", 2, 3) + body for name, body in rows.items()}
    prefix = struct.pack("<I", 3)
    files[".fvecs"] = prefix + floats[:12] + prefix + floats[12:]
    files[".bvecs"] = prefix + octets[:3] + prefix + octets[3:]
    files[".ivecs"] = files[".fvecs"]
    files[".npy"] = npy("<f4", floats)
    files[".ibin"] = struct.pack("<2I", 2, 3) + floats + floats
    named = [(name[1:], name, data) for name, data in files.items()]
    named += [("ibin-without-distances", ".ibin", struct.pack("<2I", 2, 3) + floats),
              ("npy-float16", ".npy", npy("<f2", halves, 2)), ("npy-int8", ".npy", npy("|i1", octets, 3)),
              ("npy-uint8", ".npy", npy("|u1", octets))]
    for seed, extension, data in named:
        write("fuzz_vector_file", seed, bytes([EXTENSIONS.index(extension)]) + data)


def manifests():
    """One of every format version and kind."""
    for version in ("v1.0", "v1.1", "v1.2", "v1.4", "v1.5", "v1.3-shards", "v1.5-separate"):
        write("fuzz_manifest", version, (GOLDEN / version / "index" / "manifest.json").read_bytes())
    shard = next((GOLDEN / "v1.5-separate" / "index").glob("shard-0000.*/manifest.json"))
    write("fuzz_manifest", "v1.5-one-of-separate", shard.read_bytes())


def patches():
    """Fields of a manifest changed alone, in one graph and in separate shards."""
    margin = {"recall": "0.9", "recall_with_hot": "0.9", "margin": "1", "pages_per_query": "5"}
    curve = {"search_list": 20, "margins": [margin], "hot": [{"vertices": 0, "pages_per_query": "5"}]}
    of_graph = {"nothing": {}, "sizes": {"vectors": 2399, "tables": {"hot_vertices": 7}},
                "shape": {"dimension": 7, "metric": "cosine", "element_type": "int8"},
                "encoding": {"vector_encoding": "sq8", "element_type": "float32", "rerank_factor": 2},
                "version": {"format_minor": 2}, "codes": {"code_type": "rabitq", "code_bytes": 5},
                "curve": {"calibration": curve, "calibration_with_edges": curve},
                "shards": {"shards": [{"vectors": 2400, "pages_bytes": 36864}]},
                "place": {"dataset_rows": 5000, "place": {"partition": "0" * 32, "shard": 1}}}
    of_set = {"nothing": {}, "regions": {"regions": 3, "share_sought": "0.5"},
              "shards": {"shards": [{"vectors": 1680}]}, "version": {"format_minor": 3, "partition": None}}
    for name, patch in of_graph.items():
        write("fuzz_patched_manifest", name, json.dumps(patch))
        write("fuzz_separate_shards", f"shard-{name}", b"\x02" + json.dumps(patch).encode())
    for name, patch in of_set.items():
        write("fuzz_separate_shards", f"set-{name}", b"\x00" + json.dumps(patch).encode())
        write("fuzz_separate_shards", f"partial-{name}", b"\x01" + json.dumps(patch).encode())


def edits():
    """One edit of each file: of a field of its header, and of what follows."""
    for number in range(24):
        write("fuzz_index_files", f"{number}-header", bytes([number, 3, 0, 0, 9]))
        write("fuzz_index_files", f"{number}-rows", bytes([number, 1, 1, 5, 255, 0, 1, 12, 1]))
    for number in range(4, 16):
        write("fuzz_separate_shards", f"{number}-header", bytes([number, 3, 0, 0, 9]))
        write("fuzz_separate_shards", f"{number}-rows", bytes([number, 1, 1, 5, 255, 0, 1, 12, 1]))
    for expand in (0, 128, 255):
        write("fuzz_beam", f"whole-{expand}", bytes([20, expand]))
        write("fuzz_beam", f"edited-{expand}", bytes([20, expand, 1, 1, 5, 255, 0, 3, 12, 1]))


def pages():
    """Pages of the golden indexes, behind the four bytes that say what they should hold."""
    for version in ("v1.0", "v1.5"):
        page = next((GOLDEN / version / "index").glob("*.pages")).read_bytes()[4096:]
        filled = len(page.rstrip(b"\0"))
        for kind in (0, 1, 32, 33):
            write("fuzz_page", f"{version}-{kind}", bytes([0, 20, 3, kind]) + page[8:filled])


def configurations():
    """Options of every kind that the target has."""
    write("fuzz_config", "all", json.dumps({"number": 3, "share": 0.5, "text": "a\\b", "list": [1, 2],
                                             "flag": True}))
    write("fuzz_config", "texts", json.dumps({"number": "3", "list": "1,2", "flag": "false"}))
    write("fuzz_config", "wrong", json.dumps({"number": -1, "share": {}, "other": None}))
    write("fuzz_config", "none", "{}")


def indexes(programs):
    """One index for each kind of code and encoding, with every kind of table."""
    kinds = {"pq": ["--vector-encoding", "sq8"], "opq": ["--metric", "ip"],
             "rabitq": ["--metric", "cosine", "--vector-encoding", "float16"]}
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder)
        subprocess.run([programs / "make-dataset", "--output", data, "--vectors", "150", "--queries", "20", "--dimension",
                        "12", "--clusters", "4", "--intrinsic-dimension", "4", "--quiet"], check=True,
                       stdout=subprocess.DEVNULL)
        vectors, workload = sorted(data.glob("base*"))[0], sorted(data.glob("learn*"))[0]
        for code_type, options in kinds.items():
            shutil.rmtree(HERE / "index" / code_type, ignore_errors=True)
            subprocess.run([programs / "build-index", "--vectors", vectors, "--workload", workload, "--index",
                            HERE / "index" / code_type, "--max-degree", "8", "--build-list", "16", "--code-bytes", "12",
                            "--code-type", code_type, "--page-size", "4096", "--keep-trace", "--threads", "1",
                            "--quiet", *options], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        indexes(pathlib.Path(sys.argv[1]))
    for make in (vector_files, manifests, patches, edits, pages, configurations):
        make()
