#!/usr/bin/env python3
"""Copies the adaptor of a framework into a checkout of it.

    bench/adaptors/copy_into.py CHECKOUT [--without-source]

CHECKOUT is one of ann-benchmarks or of big-ann-benchmarks; which, its folders say. The source of Trackway as last
committed goes with it for the Dockerfile, unless --without-source is given: then programs are found through
TRACKWAY_BIN, for runs without Docker.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
# A folder that tells the framework, the adaptor, and where its files go; those not named go beside the class.
ADAPTORS = (("ann_benchmarks/algorithms", "ann_benchmarks", {}),
            ("neurips23/ood", "big_ann_benchmarks", {"disk.yaml": "trackway-disk.yaml"}))


def copy_into(checkout, with_source):
    """Copies the files that belong into a checkout; where the class went."""
    for place, adaptor, elsewhere in ADAPTORS:
        if (checkout / place).is_dir():
            folder = checkout / place / "trackway"
            folder.mkdir(exist_ok=True)
            for source in (HERE / "trackway_programs.py", *sorted((HERE / adaptor).iterdir())):
                name = source.name
                if source.is_file() and name != "README.md":
                    shutil.copy(source, checkout / elsewhere[name] if name in elsewhere else folder / name)
            if with_source:
                archive = (folder / "trackway.tar.gz").absolute()
                git = subprocess.run(["git", "-C", HERE.parents[1], "archive", "--format=tar.gz", "--output", archive,
                                      "HEAD"], check=False)
                if git.returncode != 0:
                    archive.unlink(missing_ok=True)
                    sys.exit("copy_into: git could not archive the source; --without-source copies none")
            return folder
    folders = " or ".join(place for place, *_ in ADAPTORS)
    sys.exit(f"copy_into: {checkout}: expected a checkout with {folders}, found neither")


def main():
    """Reads the command line; prints where the adaptor went."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("checkout", type=pathlib.Path)
    parser.add_argument("--without-source", action="store_true", help="no archive for the Dockerfile")
    options = parser.parse_args()
    try:
        print(copy_into(options.checkout, not options.without_source), flush=True)
    except OSError as error:
        sys.exit(f"copy_into: {error.filename2 or error.filename or 'stdout'}: {error.strerror}")


if __name__ == "__main__":
    main()
