#!/usr/bin/python3
"""Gets a data set of catalog.json and makes of it the files that Trackway and its benchmarks take.

    datasets/fetch.py --list
    datasets/fetch.py NAME --output DIR [--slice N] [--queries N] [--bin DIR]

DIR/NAME (DIR/NAME-N for a slice) gets base, query and learn in .fbin, .u8bin or .i8bin, the exact nearest
neighbours in .ibin, and dataset.json, written last. DIR/downloads keeps archives, and checksums of all that was
downloaded. A transfer that breaks off goes on where it stopped. A proxy is taken from http_proxy, https_proxy and
no_proxy. The exit status is 0, 1 if the work failed, 2 if the command line is wrong.
"""
import argparse
import os
import pathlib
import sys

import catalog as catalogs
from download import Downloads, Wanted, locked, read_json, write_json
from reporting import FetchError, Progress, in_words

try:
    import convert
except ImportError as missing:
    sys.exit(f"fetch.py: {missing}: apt-get install python3-numpy, and run it by Debian's /usr/bin/python3")

DEFAULT_BIN = pathlib.Path(__file__).parents[1] / "build" / "release" / "bin"


class Job:
    """One data set on its way from the catalogue into its folder."""

    def __init__(self, catalog, options, progress):
        self.sources, self.entry = catalog["sources"], catalog["sets"][options.name]
        self.manual = catalog["manuals"][self.entry["manual"]]
        self.options, self.progress = options, progress
        self.rows = options.slice or self.entry["vectors"]
        self.queries = options.queries or self.entry["queries"]
        self.k = min(self.entry["k"], self.rows)
        whole = self.rows == self.entry["vectors"]
        self.folder = options.output / (options.name if whole else f"{options.name}-{self.rows}")
        self.truth = self.entry["truth"] if whole else None
        self.no_truth = options.no_truth
        self.downloads = None
        self.records = []

    def path_of(self, role):
        """Where a part of the set lies at the end."""
        if role == "truth":
            return self.folder / f"gt{self.k}.ibin"
        return self.folder / f"{role}.{convert.ELEMENTS[self.entry['element_type']][0]}"

    def roles(self):
        """The parts that the set shall have."""
        return ["base", "query", *(["learn"] if self.entry["learn"] else []),
                *([] if self.no_truth else ["truth"])]

    def rows_of(self, role):
        """How many vectors base, query or learn has."""
        return {"base": self.rows, "query": self.queries}.get(role) or self.entry["learn"]["rows"]

    def is_there(self, role):
        """Tells whether a part is there; one that is there but is not what it shall be is an error."""
        target = self.path_of(role)
        if not os.path.lexists(target):
            return False
        if not target.is_file():
            raise FetchError(f"{target}: expected a file, found something else")
        if role == "truth":
            convert.check_truth(target, (self.queries, self.k))
        else:
            convert.check_bin(target, (self.rows_of(role), self.entry["dimension"]), self.entry["element_type"])
        return True

    def check_programs(self):
        """Before hours of download: are the programs there that come after it?"""
        needed = {"make-ground-truth"} if not self.truth and not self.no_truth else set()
        for role in ("base", "query", "learn"):
            part = self.entry[role]
            name = part and part.get("member", "." + self.sources[part["source"]]["format"])
            if name and name.endswith(("fvecs", "bvecs")):
                needed.add("convert-vectors")
        for name in sorted(needed):
            if not os.access(self.options.bin / name, os.X_OK):
                raise FetchError(f"{self.options.bin / name}: expected a program, found none: build Trackway first "
                                 "(README.md), or name the folder of its programs with --bin or TRACKWAY_BIN")

    def run(self):
        """Makes what is missing of the set; tells whether anything was."""
        found = read_json(self.folder / "dataset.json", {"downloaded": list})
        if found:
            size = (found.get("vectors"), found.get("queries"))
            if size != (self.rows, self.queries):
                raise FetchError(f"{self.folder}: expected {self.rows} vectors and {self.queries} queries, found "
                                 f"{size[0]} and {size[1]}: remove it or give another --output")
        if found.get("ground_truth", "none") != "none":
            self.no_truth = False  # a set that has it keeps it
        missing = [role for role in self.roles() if not self.is_there(role)]
        if found and not missing:
            return False
        self.records = [one for one in found.get("downloaded", []) if isinstance(one, dict)]
        self.check_programs()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.downloads = Downloads(self.options.output / "downloads", self.options, self.progress)
        for role in missing:
            if role == "truth":
                self.make_truth()
            else:
                self.make_vectors(role)
        self.write_summary()
        return True

    def download(self, part, rows):
        """Gets the source of a part, or as much of it as so many rows take; where it lies."""
        source = self.sources[part["source"]]
        name, first = source["urls"][0].rsplit("/", 1)[-1], None
        if source["format"] in catalogs.VECTOR_FORMATS and rows < source["rows"]:
            first = catalogs.prefix_bytes(source, rows)
            name = f"first-{first}.{name}"
        path = self.options.output / "downloads" / part["source"] / name
        what = f"the first {first} bytes of it" if first else "it"
        manual = "\n".join(["By hand:", *(f"- {step}" for step in self.manual),
                            f"- Put {what} at {path} and run the same command again."])
        record = self.downloads.get(Wanted(source["urls"], path, source["bytes"], source["bytes_exact"], first,
                                           source["checksum"], manual))
        self.records = [one for one in self.records if one.get("url") != record["url"]] + [record]
        return path

    def make_vectors(self, role):
        """Makes base, query or learn."""
        part, target, rows = self.entry[role], self.path_of(role), self.rows_of(role)
        source, shape = self.sources[part["source"]], (rows, self.entry["dimension"])
        path = self.download(part, rows)
        self.progress.say(f"making {target}")
        if source["format"] == "bin":
            convert.adopt_bin(path, target, source["rows"], shape)
        elif source["format"] == "hdf5":
            convert.hdf5_to_bin(path, part["member"], target, shape, self.entry["element_type"])
        else:
            self.convert_vecs(path, part, target, rows)
        convert.check_bin(target, shape, self.entry["element_type"])

    def convert_vecs(self, path, part, target, rows):
        """An .fvecs or .bvecs file, alone or in an archive, through convert-vectors. Its first rows are a file
        of that format too."""
        if self.sources[part["source"]]["format"] == "tar.gz":
            extension = part["member"].rsplit(".", 1)[-1]
            size = catalogs.prefix_bytes({"format": extension, "dimension": self.entry["dimension"],
                                          "element_type": catalogs.FIXED_TYPES[extension]}, rows)
            path = self.extracted(path, part["member"], size)
        convert.run_program(self.options.bin, "convert-vectors", "--input", path, "--output", target,
                            "--limit", rows, "--quiet")
        path.unlink()

    def extracted(self, archive, member, size=None):
        """A member of an archive, or its first bytes, as a file of its own."""
        path = self.folder / ("extracted." + member.rsplit(".", 1)[-1])
        convert.extract(archive, member, path, size, self.progress)
        return path

    def make_truth(self):
        """Publishes the neighbours that the source gives, or finds them."""
        target, shape = self.path_of("truth"), (self.queries, self.k)
        base, query = self.path_of("base"), self.path_of("query")
        if not self.truth:
            self.progress.say(f"making {target}: {shape[0]} queries against {self.rows} vectors")
            convert.run_program(self.options.bin, "make-ground-truth", "--vectors", base, "--queries", query,
                                "--metric", self.entry["metric"], "--k", self.k, "--output", target, "--quiet")
            return
        path = self.download(self.truth, self.entry["queries"])
        self.progress.say(f"making {target}: published neighbours, exact distances")
        ids = self.published_ids(path, shape)
        element_type = self.entry["element_type"]
        convert.write_truth(target, ids, convert.open_bin(base, element_type), convert.open_bin(query, element_type),
                            self.entry["metric"])

    def published_ids(self, path, shape):
        """The neighbours that the source gives."""
        kind = self.sources[self.truth["source"]]["format"]
        if kind == "hdf5":
            return convert.ids_of_hdf5(path, self.truth["member"], shape)
        if kind == "ibin":
            return convert.ids_of_bin(path, shape)
        if kind == "ivecs":
            return convert.ids_of_ivecs(path, shape)
        path = self.extracted(path, self.truth["member"])
        ids = convert.ids_of_ivecs(path, shape)
        path.unlink()
        return ids

    def write_summary(self):
        """dataset.json, which tells that all is there."""
        truth = "none" if self.no_truth else "published" if self.truth else "make-ground-truth"
        write_json(self.folder / "dataset.json", {
            "name": self.options.name, "title": self.entry["title"], "homepage": self.entry["homepage"],
            "metric": self.entry["metric"], "element_type": self.entry["element_type"], "vectors": self.rows,
            "dimension": self.entry["dimension"], "queries": self.queries, "k": self.k, "ground_truth": truth,
            "files": {role: self.path_of(role).name for role in self.roles()}, "downloaded": self.records})


def list_sets(catalog):
    """A line for each set."""
    row = "{:<28}{:>13}{:>6}  {:<8} {:<7}{:>9}  {:>9}  {}"
    print(row.format("name", "vectors", "dim", "type", "metric", "queries", "download", "licence"))
    for name, entry in catalog["sets"].items():
        print(row.format(name, f"{entry['vectors']:,}", entry["dimension"], entry["element_type"], entry["metric"],
                         f"{entry['queries']:,}",
                         in_words(catalogs.download_bytes(entry, catalog["sources"], entry["vectors"])),
                         catalog["licences"][entry["licence"]]["name"]))


def positive(text):
    """A whole number of 1 or more."""
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", metavar="NAME", help="a data set of the catalogue")
    parser.add_argument("--list", action="store_true", help="print the catalogue and stop")
    parser.add_argument("--catalog", type=pathlib.Path, default=catalogs.CATALOG, metavar="FILE",
                        help="another catalogue of the same form")
    parser.add_argument("--output", type=pathlib.Path, default=os.environ.get("TRACKWAY_DATA"), metavar="DIR",
                        help="folder of data sets; TRACKWAY_DATA if not given")
    parser.add_argument("--slice", type=positive, metavar="N", help="only the first N vectors")
    parser.add_argument("--queries", type=positive, metavar="N", help="only the first N queries")
    parser.add_argument("--no-truth", action="store_true", help="no ground truth")
    parser.add_argument("--bin", type=pathlib.Path, default=os.environ.get("TRACKWAY_BIN") or DEFAULT_BIN,
                        metavar="DIR", help="Trackway's programs; TRACKWAY_BIN or build/release/bin if not given")
    parser.add_argument("--restart", action="store_true", help="throw away transfers that broke off")
    parser.add_argument("--attempts", type=positive, default=5, metavar="N", help="how often a transfer is begun or "
                        "continued before it has failed (default 5)")
    parser.add_argument("--timeout", type=positive, default=60, metavar="SECONDS",
                        help="how long a server may be silent (default 60)")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")
    options = parser.parse_args(arguments)
    if not options.list and (not options.name or not options.output):
        parser.error("NAME and --output DIR (or TRACKWAY_DATA) are needed, or --list")
    return parser, options


def check_request(parser, options, catalog):
    """Refuses what the catalogue cannot give."""
    if options.name not in catalog["sets"]:
        parser.error(f"no data set '{options.name}' in {options.catalog}; --list names those there are")
    entry = catalog["sets"][options.name]
    for field, name in (("slice", "vectors"), ("queries", "queries")):
        if (getattr(options, field) or 0) > entry[name]:
            parser.error(f"--{field} {getattr(options, field)}: {options.name} has {entry[name]} {name}")


def main(arguments):
    """Lists the catalogue or gets a set of it."""
    parser, options = parse(arguments)
    progress = Progress(options.quiet)
    try:
        catalog = catalogs.load(options.catalog)
        if options.list:
            list_sets(catalog)
            return 0
        check_request(parser, options, catalog)
        job = Job(catalog, options, progress)
        with locked(options.output / "downloads"):
            made = job.run()
        print(f"{job.folder}: {'ready' if made else 'is there already'}")
        return 0
    except FetchError as error:
        print(f"fetch.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"fetch.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("fetch.py: stopped; the same command goes on from here", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
