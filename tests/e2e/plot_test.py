"""bench/plot.py: pictures and the interactive report of made-up results and of a real search, checked in Chromium."""
import copy
import html.parser
import json
import math
import os
import pathlib
import shutil
import struct
import subprocess
import unittest
import xml.etree.ElementTree

import programs

PYTHON = "/usr/bin/python3"
PLOT = pathlib.Path(__file__).parents[2] / "bench" / "plot.py"
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
# Twelve pictures take 5 seconds of CPU, and minutes where twenty others want it.
DRAWING_TIMEOUT_S = 300
HOSTILE = "</script><b>\"R&D\" 'index', $1 at $k_{1}$"
PANELS = ("recall-qps", "recall-pages", "latency-load", "memory-qps")
AXES = {"recall-qps": ("recall@10, spaced by the logarithm of 1 - recall", "queries per second (QPS)"),
        "recall-pages": ("recall@10, spaced by the logarithm of 1 - recall", "pages read per query"),
        "latency-load": ("queries per second (QPS)", "latency, ms"),
        "memory-qps": ("resident memory, MiB", "queries per second (QPS)")}
# What a visitor does, and what there is to see then, as JSON in an element of its own.
VISIT = """<script>{
const seen = {};
const all = (root, selector) => [...root.querySelectorAll(selector)];
const curves = () => Object.fromEntries(all(document, "figure").map(f => [f.dataset.panel, all(f, "g.curve").map(c =>
    [c.dataset.series, c.dataset.kind, all(c, "path").length])]));
const figure = document.querySelector("figure[data-panel=recall-qps]");
const ticks = () => all(figure, "svg text").map(t => t.textContent);
const press = (place, number) => document.querySelectorAll(`#${place} button`)[number].click();
const table = document.querySelector("table");
const systems = () => all(table, "tbody tr").filter(r => !r.hidden).map(r => r.dataset.series);
seen.curves = curves();
seen.ticks = ticks();
seen.systems = systems();
press("legend", 1);
seen.hidden = [curves()["recall-qps"], systems(), location.hash];
press("legend", 1);
press("switches", 0);
seen.linear = [ticks(), location.hash];
press("switches", 0);
press("switches", 2);
seen.noBars = all(figure, ".bar").length;
press("switches", 2);
seen.again = curves();
const mark = figure.querySelector("[data-series=trackway][data-kind=main]").lastChild.getBoundingClientRect();
const tip = document.getElementById("tip");
const move = (clientX, clientY) => figure.querySelector("svg").dispatchEvent(
    new PointerEvent("pointermove", {clientX, clientY}));
move(mark.x + mark.width / 2 + 2, mark.y + mark.height / 2);
seen.tip = tip.hidden ? "" : tip.textContent;
const box = figure.querySelector("svg").getBoundingClientRect();
move(box.right - 2, box.top + 2);
seen.far = tip.hidden;
all(table, "th button").find(b => b.textContent === "QPS").click();
seen.sorted = systems();
seen.loaded = performance.getEntriesByType("resource").length;
const text = document.createElement("pre");
text.id = "seen";
text.textContent = JSON.stringify(seen);
document.body.append(text);
console.error("the end of the visit");
}</script>"""


def spread(median, share=0.05):
    """A measured value with its range."""
    return {"median": median, "min": median * (1 - share), "max": median * (1 + share), "rounds": []}


def point(label, recall, qps, pages):
    """A row of a system."""
    return {"setting": {"list": label}, "label": label, "recall": spread(recall, 0), "qps": spread(qps),
            "latency_us_mean": spread(900), "latency_us_p50": spread(800), "latency_us_p99": spread(2000),
            "pages_per_query": pages and spread(pages, 0), "bytes_read_per_query": pages and spread(pages * 4096, 0),
            "resident_bytes": spread(2 ** 24), "cpu_us_per_query": spread(200)}


def system(name, label, residence, points):
    """A system of a result file."""
    return {"name": name, "label": label, "version": "1", "residence": residence, "page_size_bytes": 4096,
            "parameters": {"degree": 64},
            "build": {"commands": [["build", "--index", "a folder"]], "seconds": 1.5, "cpu_seconds": 3,
                      "peak_resident_bytes": 2 ** 25, "index_bytes": 2 ** 26},
            "search_commands": [["search", "--index", "a folder"]], "points": points, "load": [], "memory": []}


def compared():
    """A result file: one system on disk, with load and memory, one in memory, one whose label is hostile."""
    trackway = system("trackway", "Trackway, 4 KiB pages", "disk", [
        point("L=20", 0.9, 8000, 9), point("L=40", 0.99, 4000, 16), point("L=80", 0.999, 1000, 40)])
    trackway["load"] = [{"queries_in_flight": n, "label": f"{n} in flight", "recall": spread(0.95, 0),
                         "qps": spread(qps), "latency_us_p50": spread(n * 500), "latency_us_p99": spread(n * 900)}
                        for n, qps in ((1, 1900), (4, 5000), (16, 7000))]
    trackway["memory"] = [{"memory_budget_bytes": mib << 20, "label": f"{mib} MiB", "resident_bytes": spread(mib << 20),
                           "recall": spread(0.95, 0), "qps": spread(mib * 300), "pages_per_query": None}
                          for mib in (12, 24)]
    hostile = system("hostile", HOSTILE, "disk", [point("L=9", 0.97, 2000, 25)])
    hostile["page_size_bytes"] = 8192  # and queries share reads: 20 of 25 pages
    hostile["points"][0]["bytes_read_per_query"] = spread(20 * 8192, 0)
    return {"schema": "trackway-compare/2", "when": "2026-11-28T02:00:00Z", "seed": 1, "rounds": 5, "threads": 2,
            "command": ["bench/compare.py", "--to", "my dir"],
            "machine": {"cpu": "A Processor", "cores": 2, "memory_bytes": 2 ** 33, "kernel": "6.1", "os": "Debian 12",
                        "disk": "A Disk"},
            "dataset": {"name": "made up", "vectors": 250000, "dimension": 128, "element_type": "uint8", "metric": "l2",
                        "queries": 100, "k": 10, "files": {"base": "base.u8bin"}},
            "device": [{"page_size_bytes": 4096, "command": ["fio", "--rw=randread"],
                        "reads_per_second": spread(78000)},
                       {"page_size_bytes": 8192, "command": ["fio"], "reads_per_second": spread(60000, 0)}],
            "systems": [trackway, system("memory", "A graph", "memory", [
                point("ef=20", 0.95, 20000, None), point("ef=999", 1, 900, None)]), hostile]}


def broken(change):
    """A result file after a change."""
    value = copy.deepcopy(compared())
    change(value)
    return json.dumps(value)


def plot(*arguments):
    """Runs bench/plot.py to its end."""
    return programs.finish(subprocess.Popen([PYTHON, PLOT, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE), DRAWING_TIMEOUT_S)


class Elements(html.parser.HTMLParser):
    """All elements of a page, and the text of those that have an id."""

    def __init__(self, text):
        super().__init__()
        self.found, self.texts, self.id = [], {}, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self.id = dict(attrs).get("id", self.id)

    def handle_data(self, data):
        self.texts[self.id] = self.texts.get(self.id, "") + data


class PlotTest(programs.ProgramTest):
    """A folder with a result file."""

    def setUp(self):
        super().setUp()
        self.result = self.folder / "compare.json"
        self.result.write_text(json.dumps(compared()))

    def plotted(self, *arguments):
        """Runs plot.py, which must succeed; skips the test where matplotlib is missing."""
        finished = plot(*arguments)
        if "matplotlib is missing" in finished.err:
            self.skipTest("python3-matplotlib is not installed")
        self.assertEqual(finished.status, 0, finished)
        return finished

    def svg(self, path):
        """The texts of a picture, and the places of the points of each curve."""
        root = xml.etree.ElementTree.parse(path).getroot()
        name = "{http://www.w3.org/2000/svg}"
        texts = ["".join(text.itertext()) for text in root.iter(f"{name}text")]
        places = {group.get("id"): [(float(mark.get("x")), float(mark.get("y"))) for mark in group.iter(f"{name}use")]
                  for group in root.iter(f"{name}g")}
        return texts, places

    def is_png(self, path):
        """The file is a PNG picture of some size."""
        data = path.read_bytes()
        self.assertEqual(data[:8], b"\x89PNG\r\n\x1a\n", path)
        self.assertEqual(data[-8:-4], b"IEND", path)
        self.assertGreater(min(struct.unpack(">II", data[16:24])), 500, path)


class PictureTest(PlotTest):
    """Pictures."""

    def test_every_panel_is_drawn_with_units_and_labels(self):
        finished = self.plotted(self.result, "--output-dir", self.folder / "out", "--output", self.folder / "one.svg")
        names = {f"made-up-{panel}.{kind}" for panel in (*PANELS, "overview") for kind in ("png", "svg")}
        self.assertEqual({path.name for path in (self.folder / "out").iterdir()}, names | {"report.html"})
        self.assertEqual(finished.err, "")
        for panel in PANELS:
            texts, _ = self.svg(self.folder / "out" / f"made-up-{panel}.svg")
            for text in (*AXES[panel], "Trackway, 4 KiB pages"):
                self.assertIn(text, texts, panel)
            self.is_png(self.folder / "out" / f"made-up-{panel}.png")
        overview = self.folder / "out" / "made-up-overview.svg"
        texts, _ = self.svg(overview)
        labels = ("A graph (in memory)", HOSTILE, "device limit")
        for text in (*labels, *(text for axes in AXES.values() for text in axes)):
            self.assertIn(text, texts)
        self.assertIn("A Processor, 2 cores, A Disk, fio 78,000 (74,100 to 81,900) reads of 4 KiB a second, "
                      "60,000 reads of 8 KiB a second",
                      "".join(texts))
        self.assertEqual(overview.read_bytes(), (self.folder / "one.svg").read_bytes())
        self.check_places(self.svg(self.folder / "out" / "made-up-recall-qps.svg")[1])

    def check_places(self, places):
        """Points stand where recall (0.9, 0.99, 0.999) and the logarithm of QPS (8000, 4000, 1000) put them."""
        (x0, y0), (x1, y1), (x2, y2) = places["trackway-main"]
        self.assertAlmostEqual((x2 - x1) / (x1 - x0), 1, places=3)
        self.assertAlmostEqual((y2 - y1) / (y1 - y0), math.log(4) / math.log(2), places=3)
        self.assertGreater(y2, y0)
        (near, _), (one, _) = places["memory-main"]
        self.assertTrue(x0 < near < x1 and one > x2, places)

    def test_signs_that_no_picture_shows(self):
        """Control characters, halves of pairs: the picture is XML all the same, with another sign for them."""
        value = compared()
        value["systems"][0]["label"] = "a\x00b\x1bc\udc80d\uffffe\n"
        self.result.write_text(json.dumps(value))
        self.plotted(self.result, "--output", self.folder / "odd.svg")
        self.assertIn("a\ufffdb\ufffdc\ufffdd\ufffde\ufffd", self.svg(self.folder / "odd.svg")[0])

    def test_reports_of_search_index_are_drawn_too(self):
        data = programs.make_dataset(self.folder / "data", vectors=500, dimension=8, queries=20)
        self.done("make-ground-truth", "--vectors", data / "base.fbin", "--queries", data / "query.fbin", "--output",
                  data / "truth.ibin")
        index = self.build(data / "base.fbin", self.folder / "index", "--max-degree", 8)
        options = ("--ground-truth", data / "truth.ibin", "--search-list", "10,20,40")
        search = self.folder / "search.json"
        search.write_text(json.dumps(self.report(index, data / "query.fbin", *options)))
        finished = self.plotted(search, self.result, "--output", self.folder / "both.svg")
        self.assertIn("500-x-8-float32: no latency-load: no rows of load", finished.err)
        texts, places = self.svg(self.folder / "both.svg")
        for text in ("500 x 8 float32, l2, k = 10", "pages read per query", "L=40", HOSTILE):
            self.assertIn(text, " | ".join(texts))
        self.assertEqual(len(places["trackway-main"]), 3)
        search.write_text(json.dumps(self.report(index, data / "query.fbin")))
        refused = plot(search, "--output", self.folder / "none.svg")
        self.refused(refused, search, "no recall", "--ground-truth", statuses=(1,))
        self.assertFalse((self.folder / "none.svg").exists())


class PageTest(PlotTest):
    """The interactive report; its curves need Chromium."""

    def setUp(self):
        super().setUp()
        self.page = self.folder / "report.html"
        self.assertEqual(plot(self.result, "--output", self.page).status, 0)

    def opened(self, address="", script=""):
        """The page in headless Chromium, with one more script: its elements, what the console says."""
        if not CHROMIUM:
            self.skipTest("no Chromium (Debian: chromium-headless-shell)")
        visited = self.folder / "visited.html"
        visited.write_text(self.page.read_text().replace("</body>", script + "</body>"))
        process = subprocess.Popen(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.folder / 'profile'}",
             "--enable-logging=stderr", "--window-size=1400,1000", "--dump-dom", f"file://{visited}{address}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        finished = programs.finish(process, DRAWING_TIMEOUT_S)
        self.assertEqual(finished.status, 0, finished)
        return Elements(finished.out), [line for line in finished.err.splitlines() if "CONSOLE" in line]

    def test_nothing_is_loaded(self):
        text = self.page.read_text()
        for word in ("http://", "https://", "url(", "@import", "import(", "fetch(", "XMLHttpRequest"):
            self.assertNotIn(word, text)
        elements = Elements(text).found
        self.assertEqual([a for tag, a in elements if {"src", "href", "srcset", "action"} & a.keys()], [])
        self.assertFalse({"link", "img", "iframe", "object", "embed"} & {tag for tag, _ in elements})
        policy = next(a["content"] for _, a in elements if a.get("http-equiv") == "Content-Security-Policy")
        self.assertTrue(policy.startswith("default-src 'none';"), policy)

    def test_tables_machine_and_commands_need_no_script(self):
        texts = "".join(Elements(self.page.read_text().split("<script")[0]).texts.values())
        for text in ("A Processor", "A Disk", "bench/compare.py --to 'my dir'", "fio --rw=randread", HOSTILE,
                     "build --index 'a folder'", "search --index 'a folder'", "8,000 (7,600 to 8,400)", "12 MiB",
                     "16 in flight", "peak memory, MiB", '{"degree": 64}'):
            self.assertIn(text, texts)

    def test_a_visit(self):
        elements, console = self.opened(script=VISIT)
        self.assertEqual(len(console), 1, console)
        self.assertIn("the end of the visit", console[0])
        seen = json.loads(elements.texts["seen"])
        self.check_curves(seen)
        without, systems, address = seen["hidden"]
        self.assertEqual({id for id, _, _ in without}, {"trackway", "hostile"})
        self.assertEqual(systems, ["trackway"] * 3 + ["hostile"])
        self.assertEqual(address, "#hide=memory")
        ticks, address = seen["linear"]
        self.assertIn("0", ticks)
        self.assertNotIn("0", seen["ticks"])
        self.assertEqual(address, "#log=0")
        self.assertEqual(seen["noBars"], 0)
        self.assertTrue(seen["far"])
        self.assertEqual(seen["tip"].split("\n")[:4], [
            "Trackway, 4 KiB pages", "L=80: list = L=80", "recall 0.9990", "QPS 1,000 (950 to 1,050)"])
        self.assertEqual(seen["sorted"], ["memory", "trackway", "hostile", "trackway", "trackway", "memory"])
        self.assertEqual(seen["loaded"], 0)

    def check_curves(self, seen):
        """Every panel has its curves, with a line and two marks for each point."""
        self.assertEqual(tuple(seen["curves"]), PANELS)
        self.assertEqual(sorted(seen["curves"]["recall-qps"]), sorted([
            ["trackway", "main", 7], ["memory", "main", 5], ["hostile", "main", 3],
            ["trackway", "limit", 1], ["hostile", "limit", 1]]))
        self.assertEqual({(id, kind) for id, kind, _ in seen["curves"]["latency-load"]},
                         {("trackway", "main"), ("trackway", "tail")})
        self.assertEqual({id for id, _, _ in seen["curves"]["recall-pages"]}, {"trackway", "hostile"})
        self.assertEqual({id for id, _, _ in seen["curves"]["memory-qps"]}, {"trackway", "memory", "hostile"})
        self.assertEqual(seen["again"], seen["curves"])
        for text in (*AXES["recall-qps"], "0.9", "0.99", "0.999", "1", "10,000"):
            self.assertIn(text, seen["ticks"])

    def test_the_address_says_what_is_shown(self):
        elements, console = self.opened("#hide=hostile,nobody&limits=0&spread=0")
        self.assertEqual(console, [])
        curves = [a for tag, a in elements.found if tag == "g" and a.get("class") == "curve"]
        self.assertEqual({a["data-series"] for a in curves}, {"trackway", "memory"})
        self.assertNotIn("limit", {a["data-kind"] for a in curves})
        rows = [a for tag, a in elements.found if tag == "tr" and a.get("data-series") == "hostile"]
        self.assertTrue(rows and all("hidden" in a for a in rows), rows)
        pressed = [a["aria-pressed"] for tag, a in elements.found if tag == "button" and "aria-pressed" in a]
        self.assertEqual(pressed, ["true", "true", "false", "true", "false", "true", "false"])

    def test_what_the_device_allows(self):
        """Reads a second of the system's page size over its own reads, of which queries may share some."""
        data = json.loads(self.page.read_text().split('id="data">')[1].split("</script>")[0])
        limits = {curve["id"]: [dot["y"]["median"] for dot in curve["dots"]] for panel in data["experiments"][0]
                  for curve in panel["curves"] if curve["kind"] == "limit"}
        self.assertEqual(limits, {"trackway": [78000 / 9, 78000 / 16, 78000 / 40], "hostile": [60000 / 20]})

    def looks_of(self, *results):
        """The looks of the series of these results, and how many panels each dataset has."""
        self.assertEqual(plot(*results, "--output", self.page).status, 0)
        data = json.loads(self.page.read_text().split('id="data">')[1].split("</script>")[0])
        return list(data["looks"].values()), [len(shown) for shown in data["experiments"]]

    def test_files_of_one_dataset_are_drawn_together(self):
        other = json.loads(self.result.read_text())
        other["dataset"]["name"] = "another"
        elsewhere = self.folder / "elsewhere.json"
        elsewhere.write_text(json.dumps(other))
        again = self.folder / "again.json"
        again.write_text(self.result.read_text())
        looks, panels = self.looks_of(self.result, again)
        self.assertEqual(panels, [4])
        self.assertEqual([look["label"] for look in looks[::3]],
                         ["Trackway, 4 KiB pages (compare)", "Trackway, 4 KiB pages (again)"])
        self.assertEqual(len({(look["colour"], look["marker"]) for look in looks}), 6)
        looks, panels = self.looks_of(self.result, elsewhere)
        self.assertEqual(panels, [4, 4])
        self.assertEqual([look["label"] for look in looks],
                         ["Trackway, 4 KiB pages", "A graph (in memory)", HOSTILE])


class BadInputTest(PlotTest):
    """What cannot be drawn is refused, and nothing is written."""
    FILES = {
        "not JSON": ("{", ["not JSON", "line 1"]),
        "not a number": ('{"schema": NaN}', ["not JSON", "NaN"]),
        "not text": ("\udcff", ["not JSON"]),
        "a list": ("[1]", ["expected an object", "[1]"]),
        "another schema": (broken(lambda v: v.update(schema="trackway-compare/3")), ["schema", "trackway-compare/2"]),
        "another file": ('{"stages": []}', ["bench/compare.py", "search-index", "stages"]),
        "no systems": (broken(lambda v: v.update(systems=[])), ["no rows"]),
        "no rows": (broken(lambda v: [s.update(points=[], load=[], memory=[]) for s in v["systems"]]), ["no rows"]),
        "nothing known": (broken(lambda v: [p.update(recall=None, qps=None) or s.update(load=[], memory=[])
                                            for s in v["systems"] for p in s["points"]]), ["nothing to draw"]),
        "no dimension": (broken(lambda v: v["dataset"].pop("dimension")), ["dataset", "'dimension'"]),
        "no QPS": (broken(lambda v: v["systems"][1]["points"][0].pop("qps")), ["systems[1].points[0]", "'qps'"]),
        "a number alone": (broken(lambda v: v["systems"][0]["load"][2].update(qps=5)), ["systems[0].load[2].qps", "5"]),
        "no range": (broken(lambda v: v["systems"][0]["points"][1]["qps"].pop("max")), ["points[1].qps", "max"]),
        "a wrong range": (broken(lambda v: v["systems"][0]["points"][1]["qps"].update(min=1e9)),
                          ["points[1].qps", "min <= median"]),
        "recall 1.5": (broken(lambda v: v["systems"][0]["points"][1].update(recall=spread(1.5))), ["points[1].recall"]),
        "a residence": (broken(lambda v: v["systems"][2].update(residence="tape")), ["systems[2].residence", "tape"]),
        "a fault of fio": (broken(lambda v: v.update(device="none")), ["device", "none"]),
        "a rate alone": (broken(lambda v: v["device"][0].update(reads_per_second=5)), ["device[0].reads_per_second", "5"]),
        "a number too great": (broken(lambda v: v.update(seed=5)).replace('"seed": 5', '"seed": 1e999'), ["1e999"]),
        "a thousand digits": (broken(lambda v: v.update(seed=5)).replace('"seed": 5', '"seed": ' + "9" * 1000), ["999"]),
        "a build's time": (broken(lambda v: v["systems"][0]["build"].update(seconds="long")), ["build.seconds", "long"]),
        "a command in one": (broken(lambda v: v["systems"][0].update(search_commands=["a b"])), ["search_commands"]),
        "a setting": (broken(lambda v: v["systems"][0]["points"][0].update(setting=[1])), ["points[0].setting"]),
        "rounds": (broken(lambda v: v.update(rounds="many")), ["rounds", "many"])}

    def test_bad_files(self):
        def one(item):
            name, (text, words) = item
            path, output = self.folder / f"{name}.json", self.folder / name
            path.write_text(text, errors="surrogateescape")
            self.refused(plot(path, "--output-dir", output), name, *words, statuses=(1,))
            self.assertFalse(output.exists(), name)
        programs.in_parallel(one, self.FILES.items(), lanes=2)

    def test_bad_command_lines_and_places(self):
        missing, output = self.folder / "missing.json", self.folder / "out.html"
        fifo = self.folder / "fifo.json"
        os.mkfifo(fifo)
        self.refused(plot(fifo, "--output", output), fifo, "not a file", statuses=(1,))
        fifo.unlink()
        self.refused(plot(self.result, missing, "--output", output), missing, "No such file", statuses=(1,))
        self.refused(plot(self.result), "--output", statuses=(2,))
        self.refused(plot(self.result, "--output", self.folder / "out.pdf"), "out.pdf", ".svg", statuses=(2,))
        self.refused(plot(self.result, "--output", self.result / "out.html"), self.result, "File exists", statuses=(1,))
        output.mkdir()
        self.refused(plot(self.result, "--output", output), output, "Is a directory", statuses=(1,))
        self.assertEqual({path.name for path in self.folder.iterdir()}, {"compare.json", "out.html"})


if __name__ == "__main__":
    programs.main()
