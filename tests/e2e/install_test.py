"""What cmake --install leaves behind: it can be moved, and a program outside links to it."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import programs
from programs import ProgramTest, contents, gaussian_rows, write_bin

BUILD = pathlib.Path(programs.BIN).parent
SOURCE = pathlib.Path(__file__).parents[2]
PREFIX = "/opt/trackway-of-test"


def done(*command, **environment):
    """Runs a command of another project, which must succeed; what it printed."""
    finished = tried(*command, **environment)
    assert finished.returncode == 0, f"{command}\n{finished.stdout}\n{finished.stderr}"
    return finished.stdout


def tried(*command, **environment):
    """Runs a command of another project."""
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False, timeout=programs.TIMEOUT_S, cwd="/",
                          env=os.environ | {k: str(v) for k, v in environment.items()})


class InstallTest(ProgramTest):
    """One installation, staged by DESTDIR under a prefix and then moved to another place."""

    @classmethod
    def setUpClass(cls):
        shared = pathlib.Path(tempfile.mkdtemp(prefix="trackway-e2e-"))
        cls.addClassCleanup(shutil.rmtree, shared, ignore_errors=True)
        done("cmake", "--install", BUILD, "--prefix", PREFIX, DESTDIR=shared / "stage")
        cls.installed = pathlib.Path(shutil.move(f"{shared}/stage{PREFIX}", shared / "moved"))
        cls.left_in_stage = [path for path in (shared / "stage").rglob("*") if path.is_file()]

    def setUp(self):
        super().setUp()
        self.base = write_bin(self.folder / "base.fbin", gaussian_rows(400, 8))
        self.queries = write_bin(self.folder / "query.fbin", gaussian_rows(20, 8, seed=7))

    def names(self, folder):
        """The names in one folder of what was installed."""
        return sorted(path.name for path in (self.installed / folder).iterdir())

    def answers_as_search_index(self, example):
        """The example builds an index, and finds in it what search-index finds."""
        index = self.folder / "index"
        for built_before in (False, True):
            self.assertEqual(index.exists(), built_before)
            lines = done(example, self.base, self.queries, index).splitlines()
        self.verified(index)
        ids, distances = self.search(index, self.queries, "--k", 10, "--search-list", 64)
        self.assertEqual([tuple(map(int, line.split()[::2])) for line in lines], ids)
        for line, right in zip(lines, distances):
            for shown, distance in zip(line.split()[1::2], right):
                self.assertAlmostEqual(float(shown), distance, delta=1e-4 * distance)
        wrong = tried(example, self.base, self.folder / "none.fbin", index)
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("none.fbin", wrong.stderr)

    def configured(self, text, languages="CXX", **environment):
        """Configures a project of this text, which looks where Trackway was installed."""
        (self.folder / "CMakeLists.txt").write_text(
            f"cmake_minimum_required(VERSION 3.25)\nproject(user LANGUAGES {languages})\n{text}\n")
        return tried("cmake", "-S", self.folder, "-B", self.folder / "build",
                     f"-DCMAKE_PREFIX_PATH={self.installed}", **environment)

    def test_what_is_installed(self):
        """Programs that run, the contract, one library; nothing outside the prefix."""
        self.assertEqual(self.left_in_stage, [])
        self.assertEqual(self.names("include"), ["trackway"])
        self.assertEqual(self.names("include/trackway"),
                         sorted(path.name for path in SOURCE.glob("include/trackway/*.h")))
        self.assertEqual(self.names("lib"), ["cmake", "libtrackway.a", "pkgconfig"])
        self.assertLess({"build-index", "search-index"}, set(self.names("bin")))
        for name in self.names("bin"):
            version = done(self.installed / "bin" / name, "--version")
            self.assertEqual(version, self.done(name, "--version").out)

    def test_prefix(self):
        """The same bytes under any prefix; package files name none, nor the build."""
        other = self.folder / "prefix"
        done("cmake", "--install", BUILD, "--prefix", other)
        self.assertEqual(contents(other), contents(self.installed))
        packages = [*other.glob("lib/cmake/trackway/*"), other / "lib/pkgconfig/trackway.pc"]
        self.assertEqual(len(packages), 5)
        for path in packages:
            for place in (BUILD, SOURCE, PREFIX, other):
                self.assertNotIn(str(place), path.read_text(), path)

    def test_find_package(self):
        """The example, by CMake."""
        built = self.folder / "example"
        done("cmake", "-S", SOURCE / "tools/example", "-B", built,
             f"-DCMAKE_PREFIX_PATH={self.installed}")
        done("cmake", "--build", built)
        self.answers_as_search_index(built / "example")

    def test_pkg_config(self):
        """The example, by pkg-config and g++."""
        flags = done("pkg-config", "--cflags", "--libs", "trackway",
                     PKG_CONFIG_PATH=self.installed / "lib/pkgconfig").split()
        done("g++", "-std=c++20", SOURCE / "tools/example/main.cpp", *flags, "-o",
             self.folder / "example")
        self.answers_as_search_index(self.folder / "example")

    def test_wrong_version(self):
        """An older or newer minor version is not taken for this one."""
        for version in ("0.0", "0.2", "1.0"):
            refused = self.configured(f"find_package(trackway {version} REQUIRED)", "NONE")
            self.assertNotEqual(refused.returncode, 0)
            self.assertRegex(refused.stderr, rf'requested\s+version\s+"{version}"')

    def test_missing_dependency(self):
        """It is named."""
        refused = self.configured("find_package(trackway 0.1 REQUIRED)",
                                  PKG_CONFIG_LIBDIR=self.folder)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("pkg-config does not find liburing", refused.stderr)

    def test_manual_pages(self):
        """One for each program, with every option of --help; groff has nothing to say."""
        if not shutil.which("help2man"):
            self.skipTest("help2man is not installed: no manual pages were made")
        self.assertEqual(self.names("share/man/man1"),
                         [name + ".1" for name in self.names("bin")])
        for name in self.names("bin"):
            page = self.installed / "share/man/man1" / (name + ".1")
            warned = tried("groff", "-man", "-ww", "-z", page)
            self.assertEqual((warned.returncode, warned.stdout + warned.stderr), (0, ""))
            text = done("groff", "-man", "-Tascii", "-P-cbou", page)
            self.assertRegex(text, rf"(?m)^ +{name} +- +[a-z]")
            for section in ("SYNOPSIS", "   General:", "EXIT STATUS", "SEE ALSO"):
                self.assertIn(f"\n{section}\n", text)
            for line in self.done(name, "--help").out.splitlines():
                if line.startswith("  --"):
                    self.assertRegex(text, rf"(?m)^ +{line.split()[0]}( |$)")


if __name__ == "__main__":
    programs.main()
