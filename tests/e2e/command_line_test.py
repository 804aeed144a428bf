"""Options, configuration files, exit statuses and reports are those of the contract."""
import json
import os
import re
import signal
import struct
import time

import programs
from programs import DatasetTest, ProgramTest, contents, read_truth, run, write_bin

NAMES = ("build-index", "search-index", "inspect-index", "relayout-index", "make-dataset",
         "make-ground-truth", "convert-vectors", "describe-vectors")
# The options that must be given, with values that parse.
REQUIRED = {"build-index": ("--vectors", "a.fbin", "--index", "b"),
            "search-index": ("--index", "b", "--queries", "a.fbin"),
            "inspect-index": ("--index", "b"), "relayout-index": ("--index", "b"),
            "make-dataset": ("--output", "b"),
            "make-ground-truth": ("--vectors", "a.fbin", "--queries", "q.fbin", "--output",
                                  "t.ibin"),
            "convert-vectors": ("--input", "a.fbin", "--output", "b.npy"),
            "describe-vectors": ("--vectors", "a.fbin")}
INDEX_KEYS = {"vectors", "dimension", "element_type", "metric", "shards", "page_size_bytes",
              "vertices_per_page", "page_order", "expand_share", "hot_vertices",
              "bytes_of_hot_vertices", "bytes_of_tables", "bytes_on_disk", "bytes_resident",
              "residence"}
ROW_KEYS = {"search_list", "stop_margin", "target_recall", "pages_joined_per_query", "k", "queries", "recall", "qps", "latency_us_mean", "latency_us_p50",
            "latency_us_p95", "latency_us_p99", "latency_us_p999", "pages_read_per_query",
            "pages_from_cache_per_query", "bytes_read_per_query", "hops_per_query",
            "estimates_per_query", "exact_distances_per_query", "cpu_us_per_query",
            "io_wait_share", "shards_probed_per_query"}
BUILD_KEYS = {"stages", "shards", "layout", "bytes_written", "peak_resident_bytes",
              "vectors_per_second_per_core"}
LAYOUT_KEYS = {"order", "page_size_bytes", "vertices_per_page", "mean_vertices_per_page",
               "workload", "queries_traced", "traced_pages_before", "traced_pages_after",
               "expand_share", "expected_pages_per_query", "expected_estimates_per_query"}
STAGES = ["read", "partition", "graph", "merge", "truth", "codes", "trace", "order", "write",
          "calibrate", "verify", "publish"]


class OptionsTest(ProgramTest):
    """What needs no index."""

    def config(self, content, name="config.json"):
        """A configuration file; text as it is, anything else as JSON."""
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def printed(self, program, *options):
        """What --print-config says."""
        return json.loads(self.done(program, *options, "--print-config").out)

    def test_help_and_version(self):
        """On stdout, status 0, every option with its default."""
        for name in NAMES:
            shown = self.done(name, "--help")
            self.assertIn("Usage: " + name, shown.out)
            for option in ("--config", "--print-config", "--version", *REQUIRED[name][::2]):
                self.assertIn(option, shown.out, name)
            self.assertRegex(self.done(name, "--version").out, r"^trackway \d+\.\d+\.\d+\n$")
        shown = self.done("build-index", "--help").out
        for option, default in (("--max-degree", "64"), ("--build-list", "100"),
                                ("--alpha", "1.2"), ("--seed", "1"), ("--metric", "l2"),
                                ("--page-size", "0"), ("--page-order", "affinity")):
            self.assertRegex(shown, rf"{option} [^\n]*={re.escape(default)}\b")
        shown = self.done("search-index", "--help").out
        for option, default in (("--k", "10"), ("--search-list", r"\[?20,40,80\]?"),
                                ("--queries-in-flight", "32"), ("--io", "auto"), ("--repeat", "1"),
                                ("--warm-up", "0"), ("--memory-budget", "0"),
                                ("--record-share", r"0\.01")):
            self.assertRegex(shown, rf"{option} [^\n]*={default}")
        for option in ("--expand-share", "--cache-vertices", "--record-trace"):
            self.assertRegex(shown, rf"{option} ")
        shown = self.done("relayout-index", "--help").out
        self.assertRegex(shown, r"--page-order [^\n]*=affinity")
        for option in ("--workload", "--trace", "--keep-trace", "--memory-budget", "--threads"):
            self.assertRegex(shown, rf"{option} ")

    def test_wrong_command_lines(self):
        """Unknown and missing options, stray words and missing values: status 2, said why."""
        for name in NAMES:
            required = REQUIRED[name]
            self.fails(name, *required, "--nonsense", words=("--nonsense",), statuses=(2,))
            self.fails(name, *required, "stray", words=("stray",), statuses=(2,))
            self.fails(name, *required, "-x", words=("-x",), statuses=(2,))
            self.fails(name, *required[:-1], words=(required[-2],), statuses=(2,))
            self.fails(name, *required, *required[:2], words=(required[0],), statuses=(2,))
            for left_out in range(0, len(required), 2):
                rest = required[:left_out] + required[left_out + 2:]
                self.fails(name, *rest, words=(required[left_out],), statuses=(2,))

    def test_options_of_later_versions(self):
        """They must not be taken silently as long as they do nothing."""
        for name, options in {
                "build-index": ("--graph=both", "--trace=x", "--shard-budget=1GiB"),
                "search-index": ("--shard-count=1", "--drop-cache",
                                 "--metric=l2"),
                "relayout-index": ("--shards=2", "--page-size=8192", "--max-degree=32",
                                   "--code-bytes=8", "--overwrite", "--vectors=x"),
        }.items():
            for option in options:
                self.fails(name, *REQUIRED[name], option, words=(option.split("=")[0],),
                           statuses=(2,))

    def test_sizes_with_units(self):
        """Powers of two, with and without i and B; anything else is named."""
        for text, size in (("512MiB", 512 << 20), ("4GiB", 4 << 30), ("1TiB", 1 << 40),
                           ("64KiB", 64 << 10), ("512 MiB", 512 << 20), ("12345", 12345),
                           ("10mib", 10 << 20), ("100B", 100), ("0", 0)):
            shown = self.printed("build-index", *REQUIRED["build-index"], "--memory-budget", text)
            self.assertEqual(shown["memory-budget"], size, text)
        for text in ("512XB", "", "1.5.2GiB", "99999999999GiB", "12 34", "1e400"):
            self.fails("build-index", *REQUIRED["build-index"], f"--memory-budget={text}",
                       words=("memory-budget",), statuses=(2,))

    def test_lists_with_commas(self):
        """One or many; broken ones are refused."""
        for given, expected in (("--search-list=30", 30), ("--search-list=20,30,40", [20, 30, 40])):
            shown = self.printed("search-index", *REQUIRED["search-index"], given)
            self.assertEqual(shown["search-list"], expected)
        for given in ("20;30", "20,x", "20,-30", "1e3", "99999999999", "", ","):
            self.fails("search-index", *REQUIRED["search-index"], f"--search-list={given}",
                       words=("search-list",), statuses=(2,))

    def test_flags_win_over_the_configuration(self):
        """Defaults, then the file, then the command line."""
        config = self.config({"vectors": "c.fbin", "metric": "ip", "max-degree": 40, "seed": 7})
        shown = self.printed("build-index", "--config", config, "--index", "x", "--max-degree", 30)
        self.assertEqual((shown["vectors"], shown["metric"], shown["max-degree"], shown["seed"],
                          shown["build-list"]), ("c.fbin", "ip", 30, 7, 100))
        config = self.config({"search-list": [20, 40], "k": 5})
        shown = self.printed("search-index", *REQUIRED["search-index"], "--config", config,
                             "--search-list", "60")
        self.assertEqual((shown["search-list"], shown["k"]), (60, 5))

    def test_print_config_round_trip(self):
        """What --print-config printed gives the same again, for all programs and options."""
        settings = {
            "build-index": [(), ("--metric", "cosine", "--alpha", 1.25, "--memory-budget", "1GiB",
                                 "--seed", 2 ** 64 - 1, "--page-order", "insertion"),
                            ("--overwrite", "--quiet", "--json", "-"),
                            ("--workload", "w.fbin", "--keep-trace", "--probe-disk",
                             "--page-order", "covisit")],
            "search-index": [(), ("--search-list", "20,50", "--io", "pread", "--k", 3),
                             ("--search-list", "20", "--ground-truth", "t.ibin", "--repeat", 2),
                             ("--target-recall", "0.9,0.95"), ("--stop-margin", "-0.5"),
                             ("--expand-share", 0.25, "--cache-vertices", 0, "--memory-budget",
                              "2GiB", "--record-trace", "t", "--record-share", 0.5)],
            "inspect-index": [(), ("--verify",), ("--covisits", 3)],
            "relayout-index": [(), ("--workload", "w.fbin", "--page-order", "breadth-first"),
                               ("--trace", "t", "--keep-trace", "--memory-budget", "1GiB")],
            "make-dataset": [(), ("--element-type", "int8", "--clusters", 3),
                             ("--family", "cross-modal", "--modality-gap", 0.5, "--normalize",
                              "--duplicate-share", 0.25, "--near-duplicate-share", 0.5),
                             ("--zipf", 1.5, "--drift-steps", 3, "--drift-share", 0.5)],
            "describe-vectors": [(), ("--queries", "a", "b", "--metric", "ip", "--sample", 7)],
            "make-ground-truth": [(), ("--metric", "ip", "--k", 7)],
            "convert-vectors": [(), ("--element-type", "uint8", "--skip", 1, "--limit", 2)]}
        changed = []
        for name, variants in settings.items():
            for options in variants:
                first = self.printed(name, *REQUIRED[name], *options)
                again = self.printed(name, "--config", self.config(first))
                changed += [(name, options, key, first.get(key), again.get(key))
                            for key in first | again if first.get(key) != again.get(key)]
        self.assertEqual(changed, [])

    def test_print_config_keeps_names_of_files(self):
        """A folder called 1.50 or 1e3 is a name, not a number."""
        changed = []
        for name in ("1.50", "1e3", "007", "true", "null", "a b", "-", "ü", '"', "[x]", "10,20"):
            config = self.config(self.printed("inspect-index", f"--index={name}"))
            again = self.printed("inspect-index", "--config", config)["index"]
            if again not in (name, json.loads(name) if name == "true" else name):
                changed.append((name, again))
        self.assertEqual(changed, [])

    def test_print_config_of_a_name_that_is_no_text(self):
        """A file name may hold any byte; JSON may not: an error, not a crash."""
        finished = run("inspect-index", "--index", os.fsdecode(b"x\xff"), "--print-config")
        self.assertIn(finished.status, (0, 1, 2), finished)

    def test_broken_configurations(self):
        """Malformed files, unknown keys, wrong values: status 2 and the name of what is wrong."""
        cases = [("{", ""), ("[]", "object"), ("", ""), ("\0\1\2", ""), ("[" * 100000, ""),
                 ({"nonsense": 1}, "nonsense"), ({"k": "ten"}, "k"), ({"k": -1}, "k"),
                 ({"k": 1.5}, "k"), ({"k": [1, 2]}, "k"), ({"k": {"a": 1}}, "k"),
                 ({"k": None}, "k"), ({"io": "mmap"}, "io"), ({"search-list": []}, "search-list"),
                 ({"search-list": [20, "x"]}, "search-list"), ({"quiet": "maybe"}, "quiet"),
                 ({"config": "x"}, "config"), ({"print-config": True}, "print-config")]
        for number, (content, word) in enumerate(cases):
            config = self.config(content, f"config-{number}.json")
            self.fails("search-index", *REQUIRED["search-index"], "--config", config,
                       words=(word,), statuses=(2,))
        for path in (self.folder / "none.json", self.folder):
            self.fails("search-index", *REQUIRED["search-index"], "--config", path,
                       words=(path,), statuses=(2,))

    def test_broken_configuration_is_named(self):
        """Whoever gets the message must know which file it is about."""
        for content in ("{", {"nonsense": 1}):
            config = self.config(content)
            with self.subTest(content=content):
                self.fails("search-index", *REQUIRED["search-index"], "--config", config,
                           words=(config,), statuses=(2,))

    def test_empty_values(self):
        """An empty text is no number, from a script's unset variable or from a file."""
        self.fails("build-index", *REQUIRED["build-index"], "--print-config", "--seed", "",
                   words=("seed",), statuses=(2,))
        self.fails("search-index", *REQUIRED["search-index"], "--print-config", "--config",
                   self.config({"k": ""}), words=("k",), statuses=(2,))

    def test_configuration_from_a_fifo(self):
        """A FIFO that nobody writes to must not hang."""
        fifo = self.folder / "fifo.json"
        os.mkfifo(fifo)
        self.fails("search-index", *REQUIRED["search-index"], "--config", fifo, words=(fifo,),
                   timeout=3)


class ReportTest(DatasetTest):
    """What the programs write for machines and people, on 2,000 x 32 float32."""

    @staticmethod
    def page_size(index):
        """What the header of .pages says."""
        return struct.unpack_from("<I", programs.part_of(index, "pages").read_bytes(), 40)[0]

    def test_search_report(self):
        """Exactly the contract's keys at least, with values that can be."""
        truth = self.folder / "truth.ibin"
        self.done("make-ground-truth", "--vectors", self.base, "--queries", self.queries,
                  "--output", truth, "--k", 20)
        report = self.report(self.index, self.queries, "--search-list", "20,100", "--ground-truth",
                             truth, "--threads", 2, "--repeat", 3, "--warm-up", 1)
        self.assertEqual({"trackway", "index", "machine", "rows"} - set(report), set())
        self.assertEqual(INDEX_KEYS - set(report["index"]), set())
        self.assertEqual({"cpu", "threads", "io", "io_description"} - set(report["machine"]), set())
        index, files = report["index"], contents(self.index)
        page_size = self.page_size(self.index)
        self.assertEqual((index["vectors"], index["dimension"], index["element_type"],
                          index["metric"], index["shards"], index["page_size_bytes"],
                          index["page_order"]),
                         (2000, 32, "float32", "l2", 1, page_size, "affinity"))
        self.assertIn(page_size, (4096, 8192, 16384))
        self.assertTrue(0 <= index["expand_share"] <= 1)
        self.assertTrue(0 < index["hot_vertices"] <= 500)
        self.assertTrue(index["hot_vertices"] * 32 * 4 <= index["bytes_of_hot_vertices"] <=
                        index["bytes_on_disk"] / 20)
        self.assertGreater(index["bytes_of_tables"], 2000 * 32)
        self.assertEqual(index["bytes_on_disk"], sum(map(len, files.values())))
        self.assertGreater(index["bytes_resident"], 2000 * 32)
        self.assertEqual(report["machine"]["threads"], 2)
        self.assertIn(report["machine"]["io"], ("uring", "pread"))
        self.assertEqual([row["search_list"] for row in report["rows"]], [20, 100])
        for row in report["rows"]:
            self.assertEqual(ROW_KEYS - set(row), set())
            self.assertEqual((row["k"], row["shards_probed_per_query"]), (10, 1))
            self.assertIn(row["queries"], (50, 150))
            self.assertTrue(0.9 <= row["recall"] <= 1)
            self.assertGreater(row["qps"], 1)
            latencies = [row["latency_us_" + key] for key in ("p50", "p95", "p99", "p999")]
            self.assertEqual(latencies, sorted(latencies))
            self.assertTrue(0 < row["latency_us_mean"] <= latencies[-1])
            self.assertGreater(row["cpu_us_per_query"], 0)
            self.assertTrue(0 <= row["io_wait_share"] <= 1)
            self.assertTrue(1 <= row["hops_per_query"] <= row["pages_read_per_query"])
            read = row["pages_read_per_query"] - row["pages_joined_per_query"]
            self.assertAlmostEqual(row["bytes_read_per_query"], read * page_size, 3)
            self.assertGreater(row["exact_distances_per_query"], row["pages_read_per_query"])
            self.assertGreater(row["estimates_per_query"], 0)
            self.assertGreater(row["pages_from_cache_per_query"], 0)

    def test_search_report_without_ground_truth(self):
        """recall is there and null."""
        for row in self.report(self.index, self.queries)["rows"]:
            self.assertIn("recall", row)
            self.assertIsNone(row["recall"])

    def test_resident_bytes_are_those_of_the_index(self):
        """They do not grow with the number of passes over the queries."""
        one = write_bin(self.folder / "one.u8bin", [[1] * 8])
        queries = write_bin(self.folder / "many.u8bin", [[1] * 8] * 2000)
        index = self.build(one, self.folder / "index")
        few, many = (json.loads(self.done(
            "search-index", "--index", index, "--queries", queries, "--k", 1, "--search-list", 1,
            "--repeat", repeat, "--json", "-").out)["index"]["bytes_resident"]
            for repeat in (1, 70))
        self.assertLess(many, few + (3 << 20))

    def test_build_report(self):
        """Stages, shards, layout and totals that agree with the files."""
        index = self.folder / "index"
        report = json.loads(self.done("build-index", "--vectors", self.base, "--index", index,
                                      "--json", "-", "--threads", 2).out)
        self.assertEqual(BUILD_KEYS - set(report), set())
        self.assertEqual(report["bytes_written"], sum(map(len, contents(index).values())))
        self.assertGreater(report["vectors_per_second_per_core"], 0)
        self.assertEqual([stage["name"] for stage in report["stages"]], STAGES)
        peaks = [stage["peak_resident_bytes"] for stage in report["stages"]]
        self.assertEqual(peaks, sorted(peaks))
        self.assertLessEqual(peaks[-1], report["peak_resident_bytes"])
        self.assertTrue(all(s["seconds"] >= 0 and s["cpu_seconds"] >= 0 for s in report["stages"]))
        (shard,) = report["shards"]
        self.assertEqual((shard["vectors"], shard["replicas"]), (2000, 0))
        self.assertTrue(1 < shard["mean_degree"] <= 64)
        layout = report["layout"]
        self.assertEqual(LAYOUT_KEYS - set(layout), set())
        page_size = self.page_size(index)
        self.assertEqual((layout["order"], layout["page_size_bytes"], layout["workload"],
                          layout["queries_traced"]), ("affinity", page_size, False, 2000))
        pages = programs.part_of(index, "pages").stat().st_size // page_size - 1
        self.assertEqual(shard["pages"], pages)
        self.assertAlmostEqual(layout["mean_vertices_per_page"], 2000 / pages)
        self.assertTrue(2000 / pages <= layout["vertices_per_page"] <= 2 * 2000 / pages)
        self.assertTrue(1 <= layout["traced_pages_after"] < layout["traced_pages_before"])
        self.assertTrue(0 <= layout["expand_share"] <= 1)
        self.assertTrue(1 <= layout["expected_pages_per_query"] <= pages)
        self.assertGreater(layout["expected_estimates_per_query"], 10)

    def test_peak_memory_is_the_programs_own(self):
        """A large program that starts the build does not count: 200 MB here."""
        ballast = bytearray(os.urandom(1)) * (200 << 20)
        report = json.loads(self.done("build-index", "--vectors", self.base, "--index",
                                      self.folder / "index", "--json", "-").out)
        self.assertEqual(len(ballast), 200 << 20)
        self.assertLess(report["peak_resident_bytes"], 100 << 20)

    def test_json_to_stdout_and_to_a_file(self):
        """With - stdout is JSON and nothing else; a file holds the same keys."""
        for name, options in (("build-index", ("--vectors", self.base, "--index",
                                               self.folder / "index", "--overwrite")),
                              ("search-index", ("--index", self.index, "--queries",
                                                self.queries))):
            alone = json.loads(self.done(name, *options, "--json", "-").out)
            path = self.folder / "report.json"
            self.assertNotEqual(self.done(name, *options, "--json", path).out, "")
            self.assertEqual(set(json.loads(path.read_text())), set(alone))
            self.assertFalse(path.with_suffix(".json.partial").exists())

    def test_quiet_silences_progress(self):
        """Progress is on stderr, in lines here; --quiet leaves nothing."""
        options = ("--vectors", self.base, "--index", self.folder / "index", "--overwrite")
        lines = self.done("build-index", *options).err.splitlines()
        for stage in STAGES:
            number = f"[{STAGES.index(stage) + 1:2}/{len(STAGES)}] "
            self.assertEqual(sum(line.startswith(number + stage) for line in lines), 1, lines)
        self.assertEqual(self.done("build-index", *options, "--quiet").err, "")
        self.assertEqual(self.done("build-index", *options, "--quiet", "--json", "-").err, "")

    def test_progress_on_a_terminal(self):
        """A bar that is drawn over and over, with rate and time left."""
        ours, theirs = os.openpty()
        process = programs.start("build-index", "--vectors", self.base, "--index",
                                 self.folder / "index", stderr=theirs)
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # how the end of a terminal shows on Linux
            pass
        os.close(ours)
        self.assertEqual(programs.finish(process).status, 0)
        self.assertRegex(shown.decode(), r"\r.*\[ 3/12\] graph +\[#*\.*\] +\d+ %")
        self.assertIn(" vectors/s, ", shown.decode())
        self.assertIn(" s in all", shown.decode())
        self.assertIn("s left", shown.decode())

    def test_io_engines_agree(self):
        """io_uring and pread give the same ids, whatever the beam and the queries in flight."""
        right = self.search(self.index, self.queries, "--io", "pread")
        probe = run("search-index", "--index", self.index, "--queries", self.queries, "--io",
                    "uring")
        if probe.status != 0:
            self.refused(probe, "io_uring", statuses=(1,))
            print("io_uring is not available here: only pread was tested", flush=True)
        for engine in ("pread", "auto") + (("uring",) if probe.status == 0 else ()):
            for options in (("--queries-in-flight", 1), ("--threads", 1), ("--threads", 5)):
                self.assertEqual(self.search(self.index, self.queries, "--io", engine, *options),
                                 right, (engine, options))
            ids = self.search(self.index, self.queries, "--io", engine, "--beam-width", 8,
                              "--search-list", 2000)
            self.assertEqual(ids, self.search(self.index, self.queries, "--search-list", 2000))

    def test_vector_instructions(self):
        """The scalar kernels find what the best ones find; an unknown name is an error."""
        data = programs.make_dataset(self.folder / "data", element_type="uint8")
        base, queries = data / "base.u8bin", data / "query.u8bin"
        index = self.build(base, self.folder / "index")
        result = self.folder / "scalar.ibin"
        self.done("search-index", "--index", index, "--queries", queries, "--result", result,
                  env={"TRACKWAY_ISA": "scalar"})
        self.assertEqual(read_truth(result), self.search(index, queries))
        search = ("search-index", "--index", index, "--queries", queries)
        truth = ("make-ground-truth", "--vectors", base, "--queries", queries, "--output",
                 self.folder / "t.ibin")
        build = ("build-index", "--vectors", base, "--index", self.folder / "new")
        for command in (search, truth, build):
            self.fails(*command, words=("TRACKWAY_ISA", "scalar", "nonsense"), statuses=(1,),
                       env={"TRACKWAY_ISA": "nonsense"})
        self.assertFalse((self.folder / "new").exists())

    def test_result_is_exact_with_a_large_list(self):
        """With L of 200 and more on 2,000 vectors every neighbour is found, distances included."""
        rows = programs.read_bin(self.base)
        for queries in (self.queries, self.data / "query-indist.fbin"):
            some = write_bin(self.folder / "some.fbin", programs.read_bin(queries)[:15])
            for length in (200, 2000):
                ids, distances = self.search(self.index, some, "--search-list", f"20,{length}")
                for query, found, at in zip(programs.read_bin(some), ids, distances):
                    right = programs.brute_force(rows, query, "l2", 10)
                    self.assertEqual(sorted(found), sorted(i for i, _ in right))
                    for distance, (_, exact) in zip(at, right):
                        self.assertAlmostEqual(distance, exact, delta=1e-4 * exact)

    def test_exit_statuses(self):
        """0 done, 1 the work failed, 2 the command line is wrong."""
        search = ("search-index", "--queries", self.queries, "--index")
        self.assertEqual(run(*search, self.index).status, 0)
        self.assertEqual(run(*search, self.folder / "none").status, 1)
        self.assertEqual(run(*search, self.index, "--k", "x").status, 2)
        self.assertEqual(run("inspect-index", "--index", self.index).status, 0)
        self.assertEqual(run("inspect-index", "--index", self.folder).status, 1)
        self.assertEqual(run("inspect-index").status, 2)

    def test_full_disk_on_stdout(self):
        """A report that cannot be written is a failure, of every program that prints one."""
        search = ("search-index", "--index", self.index, "--queries", self.queries)
        for command in ((*search, "--json", "-"), search, ("inspect-index", "--index", self.index),
                        ("describe-vectors", "--vectors", self.base),
                        ("make-dataset", "--output", self.folder / "made", "--vectors", 100, "--dimension", 4)):
            with self.subTest(command=command), open("/dev/full", "wb") as full:
                self.fails(*command, words=("cannot write", "No space left"), statuses=(1,), stdout=full)

    def test_signals_that_were_ignored_stay_ignored(self):
        """A build under nohup outlives its terminal; SIGHUP stops any other."""
        for ignored, status in ((True, 0), (False, 1)):
            index = self.folder / f"index-{ignored}"
            process = programs.start("build-index", "--vectors", self.base, "--index", index, "--max-degree", 64,
                                     "--build-list", 500, "--threads", 1,
                                     preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
                                     if ignored else None)
            while not (index / "build.work").exists() and process.poll() is None:
                time.sleep(0.001)
            process.send_signal(signal.SIGHUP)
            finished = programs.finish(process)
            self.assertEqual(finished.status, status, finished)
            self.assertEqual((index / "manifest.json").exists(), ignored, finished)

    def test_report_never_replaces_an_input(self):
        """Whatever option names the file, and by whatever path; refused before the work begins."""
        copy, link = self.folder / "copy.fbin", self.folder / "link.fbin"
        copy.write_bytes(self.base.read_bytes())
        link.symlink_to(copy)
        index = self.folder / "index"
        for name in (copy, self.folder / "." / "copy.fbin", link):
            self.fails("build-index", "--vectors", copy, "--index", index, "--json", name,
                       words=(name, "would replace", "--vectors"), statuses=(1,))
        self.fails("search-index", "--index", self.index, "--queries", copy, "--json", copy,
                   words=("would replace", "--queries"), statuses=(1,))
        self.assertEqual(copy.read_bytes(), self.base.read_bytes())
        whole = self.copy_of_index()
        before = contents(whole)
        for name in (whole / "manifest.json", whole / "new.json"):
            self.fails("search-index", "--index", whole, "--queries", self.queries, "--json", name,
                       words=(name, "--index"), statuses=(1,))
        self.assertEqual(contents(whole), before)
        out = self.folder / "out.ibin"
        self.fails("search-index", "--index", whole, "--queries", self.queries, "--result", out, "--json", out,
                   words=(out, "--result"), statuses=(1,))
        self.fails("build-index", "--vectors", copy, "--index", index, "--json", self.folder / "none" / "x",
                   words=("none/x", "No such file"), statuses=(1,))
        self.assertFalse(index.exists())

    def test_flags_in_configurations(self):
        """A flag that a file sets to false is not set; "overwrite" is the one that can hurt."""
        index = self.copy_of_index()
        config = self.folder / "config.json"
        build = ("build-index", "--config", config, "--vectors", self.base, "--index", index,
                 "--seed", 2)
        config.write_text('{"overwrite": false, "quiet": false}')
        self.fails(*build, words=("holds an index",))
        self.assertEqual(contents(index), contents(self.index))
        config.write_text('{"overwrite": true, "quiet": true}')
        self.assertEqual(self.done(*build).err, "")
        self.assertNotEqual(contents(index), contents(self.index))



if __name__ == "__main__":
    programs.main()
