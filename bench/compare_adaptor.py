"""Systems that a JSON file describes: their commands, and regular expressions for what they print."""
import json
import math
import pathlib
import re
import shutil
import string

from compare_data import Ids, recall
from compare_systems import SYSTEMS, Setting, System
from measure import Failure
from series import SEARCH_FIELDS

NEEDED = {"name": str, "label": str, "version": str, "residence": str, "index_files": list, "search": list,
          "settings": list, "setting_label": str, "patterns": list}
OPTIONAL = {"build": list, "names": dict, "scale": dict, "result": str, "parameters": dict, "page_size_bytes": int}
TAKEN = (*SYSTEMS, "data", "compare.json", "report.html")
CODE_BYTES = 32  # per vector: what {code_gib} stands for


def described(path):
    """The fields of an adaptor's file, of the right kinds."""
    try:
        fields = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise Failure(f"{path}: not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise Failure(f"{path}: expected an object")
    for name, kind in (NEEDED | OPTIONAL).items():
        if name in NEEDED and name not in fields:
            raise Failure(f"{path}: '{name}' is missing")
        if name in fields and not isinstance(fields[name], kind):
            raise Failure(f"{path}: '{name}': expected {kind.__name__}, found {type(fields[name]).__name__}")
    unknown = sorted(set(fields) - set(NEEDED) - set(OPTIONAL))
    if unknown:
        raise Failure(f"{path}: unknown '{unknown[0]}'")
    if not re.fullmatch(r"[A-Za-z0-9]+([._-][A-Za-z0-9]+)*", fields["name"]) or fields["name"] in TAKEN:
        raise Failure(f"{path}: 'name': '{fields['name']}' cannot name a folder here: expected letters and digits, "
                      f"single ., _ and - between them, and none of {', '.join(TAKEN)}")
    if fields["residence"] not in ("disk", "memory"):
        raise Failure(f"{path}: 'residence': '{fields['residence']}', expected disk or memory")
    for name in ("search", "settings", "patterns", "index_files"):
        if not fields[name] or "" in fields[name]:
            raise Failure(f"{path}: '{name}' is empty")
    for command in (fields["search"], *fields.get("build", [])):
        if not isinstance(command, list) or not command or not all(isinstance(part, str) for part in command):
            raise Failure(f"{path}: expected a command, a list of texts, found {json.dumps(command)}")
    page_size = fields.get("page_size_bytes", 512)
    if page_size < 512 or page_size & (page_size - 1):
        raise Failure(f"{path}: 'page_size_bytes': {page_size}, expected a power of two of 512 or more")
    return fields


def compiled(path, patterns):
    """The regular expressions; every named group is a field of a point."""
    found = []
    for pattern in patterns:
        try:
            found.append(re.compile(pattern, re.MULTILINE))
        except (re.error, TypeError) as error:
            raise Failure(f"{path}: 'patterns': '{pattern}': {error}") from error
        for group in found[-1].groupindex:
            if group not in SEARCH_FIELDS:
                raise Failure(f"{path}: 'patterns': no field '{group}', expected one of {', '.join(SEARCH_FIELDS)}")
    return found


class Adapted(System):
    """A system of a JSON file."""

    def __init__(self, path, args, dataset):
        self.path, self.described = path, described(path)
        self.name = self.described["name"]
        super().__init__(args, dataset)
        for field in ("label", "version", "residence"):
            setattr(self, field, self.described[field])
        self.page_size_bytes = self.described.get("page_size_bytes", self.page_size_bytes)
        self.parameters = self.described.get("parameters", {})
        self.patterns = compiled(path, self.described["patterns"])
        groups = {group for pattern in self.patterns for group in pattern.groupindex}
        if "qps" not in groups:
            raise Failure(f"{path}: 'patterns': no group 'qps'")
        if "recall" not in groups and "result" not in self.described:
            raise Failure(f"{path}: neither a group 'recall' in 'patterns' nor 'result', a file of ids")
        stray = set(self.described.get("scale", {})) - groups
        if stray:
            raise Failure(f"{path}: 'scale': '{min(stray)}' is no group of 'patterns'")
        self.build_commands()  # now, not after other systems have been built
        for setting in self.settings():
            self.search_command(setting)

    def places(self):
        """What stands for the names in braces."""
        files, names = self.dataset.files, self.described.get("names", {})
        found = {"vectors": files["base"], "queries": files["query"], "truth": files["truth"], "work": self.work,
                 "bin": self.args.bin, "folder": pathlib.Path(self.path).resolve().parent, "k": self.args.k,
                 "threads": self.args.threads, "seed": self.args.seed,
                 "code_gib": f"{(CODE_BYTES + 0.5) * self.dataset.vectors / 2 ** 30:.12f}"}
        if files["workload"]:
            found["workload"] = files["workload"]
        for kind in ("metric", "element_type"):
            value = getattr(self.dataset, kind)
            if kind in names and value not in names[kind]:
                raise Failure(f"{self.path}: 'names' does not say what it calls the {kind} {value}")
            found[kind] = names.get(kind, {}).get(value, value)
        return found

    def filled(self, text, values=()):
        """A text with what its names in braces stand for."""
        try:
            return string.Formatter().vformat(text, (), self.places() | dict(values))
        except (KeyError, IndexError) as error:
            raise Failure(f"{self.path}: '{text}': nothing is called {{{error.args[0]}}}") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise Failure(f"{self.path}: '{text}': {error}") from error

    def build_commands(self):
        """Commands that make the index, in this order."""
        return [[self.filled(part) for part in command] for command in self.described.get("build", [])]

    def build_files(self):
        """The programs that are found, the vectors and the workload."""
        programs = [path for command in self.build_commands() if (path := shutil.which(command[0]))]
        workload = self.dataset.files["workload"]
        return [*programs, self.dataset.files["base"], *([workload] if workload else [])]

    def index_files(self):
        """Files of the index, of which there must be some."""
        found = []
        for pattern in self.described["index_files"]:
            path = pathlib.Path(self.filled(pattern))
            matched = sorted(path.parent.glob(path.name))
            if not matched:
                raise Failure(f"{self.path}: 'index_files': no {path}")
            found += matched
        return found

    def settings(self):
        """One point for each."""
        found = []
        for values in self.described["settings"]:
            if not isinstance(values, dict):
                raise Failure(f"{self.path}: 'settings': expected objects, found {values!r}")
            found.append(Setting("points", values, self.filled(self.described["setting_label"], values)))
        return found

    def search_command(self, setting):
        """The search with one setting."""
        return [self.filled(part, setting.values) for part in self.described["search"]]

    def result_file(self, setting):
        """Its file of ids, if it writes one."""
        if "result" not in self.described:
            return None
        return pathlib.Path(self.filled(self.described["result"], setting.values))

    def number(self, field, text):
        """A measured value."""
        try:
            value = float(text)
        except (TypeError, ValueError):
            value = math.nan
        if not 0 <= value < math.inf:
            raise Failure(f"{self.path}: 'patterns': {field} is '{text}', not a number of 0 or more")
        return value

    def fields(self, setting, ran):
        """What the expressions find in what it printed; of several matches the last counts."""
        found = dict.fromkeys(SEARCH_FIELDS)
        scale = self.described.get("scale", {})
        for pattern in self.patterns:
            matches = list(pattern.finditer(ran.out))
            if not matches:
                printed = ran.out.strip().splitlines()
                raise Failure(f"{self.path}: '{pattern.pattern}' is not in what '{' '.join(ran.command)}' printed; "
                              f"its last line: '{printed[-1] if printed else ''}'")
            for field, text in matches[-1].groupdict().items():
                found[field] = self.number(field, text) * scale.get(field, 1)
        path = self.result_file(setting)
        if path:
            found["recall"] = recall(self.dataset.truth, Ids(path), self.args.k)
        if not 0 <= found["recall"] <= 1:
            raise Failure(f"{self.path}: recall {found['recall']}, expected 0 to 1 ('scale' multiplies)")
        return found
