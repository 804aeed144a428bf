"""Systems that compare.py knows: Trackway, and peers from Debian's packages through their programs."""
import json

from compare_data import Ids, recall
from measure import Failure, debian_version, run
from series import SEARCH_FIELDS

# Lists (L, ef) of graphs, in multiples of k; lists visited by IVF-PQ and its candidates, those in k.
LISTS = (1, 1.5, 2, 3, 4, 6, 9, 14, 20)
QUICK_LISTS = (2, 6)
PROBES = ((2, 5), (4, 5), (8, 10), (16, 10), (32, 20), (64, 30), (128, 50))
QUICK_PROBES = ((4, 5), (32, 20))
IN_FLIGHT = (1, 2, 4, 8, 16, 32, 64)
QUICK_IN_FLIGHT = (1, 8)
BUDGET_SHARES = (0, 0.02, 0.05, 0.1, 0.2, 0.4)  # of the index, beside the tables
QUICK_BUDGET_SHARES = (0, 0.2)
SERIES_LIST = 4  # of load and memory, in multiples of k
RECALL_SLACK = 1e-6


class Setting:
    """One search: the series that it belongs to, its values and its label."""

    def __init__(self, series, values, label):
        self.series, self.values, self.label = series, values, label


class System:
    """What all systems share: the data, a folder of their own, the command line's choices."""
    name = label = version = residence = None
    series = ("points",)
    page_size_bytes = 4096  # of what it reads from disk

    def __init__(self, args, dataset):
        self.args, self.dataset = args, dataset
        self.work = args.output / self.name
        self.work.mkdir(parents=True, exist_ok=True)
        self.parameters = {}
        self.result = None

    def result_file(self, _):
        """Where a search leaves the ids that it found; None if nowhere."""
        return self.result

    def program(self, name, advice):
        """A program of --bin, which must be there."""
        path = self.args.bin / name
        if not path.exists():
            raise Failure(f"{self.name}: {path} is missing: {advice}")
        return path

    def build_files(self):
        """The programs and the data that the index depends on."""
        return [self.dataset.files["base"]]

    def graph_lists(self):
        """Sizes of the candidate list, at least k."""
        return sorted({int(times * self.args.k) for times in (QUICK_LISTS if self.args.quick else LISTS)})


class Trackway(System):
    """Trackway itself, with the defaults of its programs."""
    name, residence = "trackway", "disk"
    series = ("points", "load", "memory")

    def __init__(self, args, dataset):
        super().__init__(args, dataset)
        self.builder = self.program("build-index", "build the programs (cmake --build --preset release)")
        self.searcher = self.program("search-index", "build the programs (cmake --build --preset release)")
        self.version = run([self.searcher, "--version"]).out.split()[-1]
        self.index, self.result = self.work / "index", self.work / "found.ibin"

    def build_commands(self):
        """build-index, by the workload where there is one."""
        workload = ["--workload", self.dataset.files["workload"]] if self.dataset.files["workload"] else []
        return [[self.builder, "--quiet", "--overwrite", "--vectors", self.dataset.files["base"], *workload,
                 "--metric", self.dataset.metric, "--threads", self.args.threads, "--seed", self.args.seed,
                 "--index", self.index]]

    def build_files(self):
        """The builder, the vectors and the workload."""
        workload = self.dataset.files["workload"]
        return [self.builder, self.dataset.files["base"], *([workload] if workload else [])]

    def index_files(self):
        """What the index takes on disk."""
        return list(self.index.iterdir())

    def settings(self):
        """Curve, load and memory; opens the index once to learn what its tables take."""
        machine, report = self.opened(Setting("points", {"search_list": self.args.k}, ""))
        self.page_size_bytes = report["page_size_bytes"]
        self.label = f"Trackway {self.version}, {self.page_size_bytes // 1024} KiB pages"
        self.parameters = {"io": machine["io_description"], "page_order": report["page_order"],
                           "queries_in_flight_per_thread": 32, "series_search_list": SERIES_LIST * self.args.k}
        quick, fixed = self.args.quick, SERIES_LIST * self.args.k
        found = [Setting("points", {"search_list": size}, f"L={size}") for size in self.graph_lists()]
        found += [Setting("load", {"search_list": fixed, "queries_in_flight": count},
                          f"{count} in flight per thread, L={fixed}")
                  for count in (QUICK_IN_FLIGHT if quick else IN_FLIGHT)]
        for share in QUICK_BUDGET_SHARES if quick else BUDGET_SHARES:
            budget = report["bytes_of_tables"] + int(share * report["bytes_on_disk"])
            found.append(Setting("memory", {"search_list": fixed, "memory_budget_bytes": budget},
                                 f"tables and {share * 100:g} % of the index, L={fixed}"))
        return found

    def opened(self, setting):
        """What search-index says of the machine and of the index. Its recall must be that of the ids which it found."""
        report = json.loads(run([*self.search_command(setting), "--ground-truth", self.dataset.files["truth"]]).out)
        said, counted = report["rows"][0]["recall"], recall(self.dataset.truth, Ids(self.result), self.args.k)
        if abs(counted - said) > RECALL_SLACK:
            raise Failure(f"trackway: recall {said} by search-index, {counted} by {self.result}")
        return report["machine"], report["index"]

    def search_command(self, setting):
        """search-index with one list. Without the truth, which no other system has to load."""
        options = {"queries_in_flight": "--queries-in-flight", "memory_budget_bytes": "--memory-budget"}
        more = [part for name, option in options.items() if name in setting.values
                for part in (option, setting.values[name])]
        return [self.searcher, "--quiet", "--index", self.index, "--queries", self.dataset.files["query"],
                "--k", self.args.k, "--threads", self.args.threads, "--search-list", setting.values["search_list"],
                *more, "--json", "-", "--result", self.result]

    def fields(self, _, ran):
        """search-index's own figures, and recall of the ids that it found."""
        (row,) = json.loads(ran.out)["rows"]
        row["recall"] = recall(self.dataset.truth, Ids(self.result), self.args.k)
        return {field: row[name] for field, name in SEARCH_FIELDS.items()}


class Peer(System):
    """A peer through its program of bench/, which prints a line of JSON per search."""
    binary = package = None
    kind = ()
    def environment(self, _):
        """Variables that its program needs, while building or searching."""
        return ()

    def __init__(self, args, dataset):
        super().__init__(args, dataset)
        self.peer = self.program(self.binary, f"install Debian's {self.package} (tools/install_packages bench), "
                                 f"then cmake --preset release && cmake --build --preset release --target "
                                 f"{self.binary}")
        self.version = debian_version(self.package)
        self.result = self.work / "found.ivecs"

    def command(self, *options, building=False):
        """The peer's program on the dataset."""
        files = self.dataset.files
        return [*self.environment(building), self.peer, *self.kind, "--vectors", files["base"], "--queries", files["query"],
                "--metric", self.dataset.metric, "--k", self.args.k, "--threads", self.args.threads,
                "--index", self.work / "index", *options]

    def build_commands(self):
        """The peer without a setting only builds."""
        return [self.command(building=True)]

    def build_files(self):
        """The peer's program and the vectors."""
        return [self.peer, self.dataset.files["base"]]

    def index_files(self):
        """The peer's index, and what it put beside."""
        return list(self.work.glob("index*"))

    def settings(self):
        """The curve over ef."""
        return [Setting("points", {"ef": size}, f"ef={size}") for size in self.graph_lists()]

    def search_command(self, setting):
        """One setting, in a process of its own."""
        options = [part for name, value in setting.values.items() for part in (f"--{name}", value)]
        return self.command(*options, "--result", self.result)

    def fields(self, _, ran):
        """The peer's figures, and recall of the ids that it found."""
        row = json.loads(ran.out)
        row["recall"] = recall(self.dataset.truth, Ids(self.result), self.args.k)
        found = {field: row[name] for field, name in SEARCH_FIELDS.items()}
        if self.residence == "memory":
            found["pages_per_query"] = found["bytes_read_per_query"] = None
        else:
            self.parameters |= {name: row[name] for name in ("lists", "code_bytes", "direct_io")}
        return found


class Hnswlib(Peer):
    """hnswlib, whole in memory."""
    name, residence, binary, package = "hnswlib", "memory", "hnswlib_peer", "libhnswlib-dev"

    def __init__(self, args, dataset):
        super().__init__(args, dataset)
        self.label = f"hnswlib {self.version}, float32 in memory, M=32"
        self.parameters = {"M": 32, "ef_construction": 100, "in_flight_per_thread": 1}


class Faiss(Peer):
    """What both indexes of faiss share."""
    binary, package = "faiss_peer", "libfaiss-dev"

    def environment(self, building):
        """OpenMP's threads must not spin where cores are few; BLAS is parallel while one thread of faiss builds."""
        return ("env", "OMP_WAIT_POLICY=passive", f"OPENBLAS_NUM_THREADS={self.args.threads if building else 1}")


class FaissHnsw(Faiss):
    """HNSW of faiss, whole in memory."""
    name, residence, kind = "faiss-hnsw", "memory", ("--kind", "hnsw")

    def __init__(self, args, dataset):
        super().__init__(args, dataset)
        self.label = f"faiss {self.version} HNSW, float32 in memory, M=32"
        self.parameters = {"M": 32, "efConstruction": 100, "in_flight_per_thread": 1}


class FaissIvfpq(Faiss):
    """IVF-PQ of faiss: codes in memory, candidates ranked by exact vectors read from disk."""
    name, residence, kind = "faiss-ivfpq", "disk", ("--kind", "ivfpq")

    def __init__(self, args, dataset):
        super().__init__(args, dataset)
        self.label = f"faiss {self.version} IVF-PQ, ranked by vectors on disk"
        self.parameters = {"in_flight_per_thread": 1}

    def settings(self):
        """Lists visited, and candidates that grow with them."""
        return [Setting("points", {"probes": probes, "candidates": times * self.args.k},
                        f"{probes} lists, {times * self.args.k} ranked")
                for probes, times in (QUICK_PROBES if self.args.quick else PROBES)]


SYSTEMS = {kind.name: kind for kind in (Trackway, Hnswlib, FaissHnsw, FaissIvfpq)}
