"""The catalogue of data sets: read, and checked entry by entry before anything is done with it."""
import json
import pathlib
import re

from reporting import FetchError

CATALOG = pathlib.Path(__file__).with_name("catalog.json")
METRICS = ("l2", "ip", "cosine")
ELEMENT_BYTES = {"float32": 4, "float16": 2, "uint8": 1, "int8": 1}
# What a source can be: one matrix of vectors, one of neighbours, or an archive of members.
VECTOR_FORMATS, TRUTH_FORMATS, ARCHIVES = ("bin", "fvecs", "bvecs"), ("ibin", "ivecs"), ("tar.gz", "hdf5")
FIXED_TYPES = {"fvecs": "float32", "bvecs": "uint8"}
HEX_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64}
TOP = {"format": int, "checksum_rule": str, "manuals": dict, "licences": dict, "sources": dict, "sets": dict}
SOURCE = {"urls": list, "bytes": int, "bytes_exact": bool, "format": str, "checksum": (dict, type(None))}
MATRIX = {"rows": int, "dimension": int, "element_type": str}
CHECKSUM = {"algorithm": str, "value": str, "seen_at": str}
LICENCE = {"name": str, "seen_at": str}
SET = {"title": str, "homepage": str, "licence": str, "manual": str, "metric": str, "element_type": str,
       "vectors": int, "dimension": int, "queries": int, "k": int, "base": dict, "query": dict,
       "learn": (dict, type(None)), "truth": (dict, type(None))}
PART, OPTIONAL_PART = {"source": str, "rows": int}, {"member": str}


def wrong_fields(where, value, fields, optional=()):
    """Fields that are missing, unknown or of another type."""
    if not isinstance(value, dict):
        yield f"{where}: expected an object, found {value!r}"
        return
    for name in sorted(value.keys() - fields.keys() - set(optional)):
        yield f"{where}: unknown field '{name}'"
    for name, kind in {**fields, **{n: k for n, k in dict(optional).items() if n in value}}.items():
        if name not in value:
            yield f"{where}: no field '{name}'"
        elif not isinstance(value[name], kind) or (kind is int and isinstance(value[name], bool)):
            yield f"{where}: '{name}' has the wrong type: {value[name]!r}"
        elif kind in (int, str) and (not value[name] or kind is int and value[name] < 0):
            yield f"{where}: '{name}' is empty, zero or negative: {value[name]!r}"


def row_bytes(source):
    """The bytes of one row of a source that is a matrix of vectors."""
    prefix = 0 if source["format"] == "bin" else 4
    return prefix + source["dimension"] * ELEMENT_BYTES[source["element_type"]]


def prefix_bytes(source, rows):
    """How many bytes at the start of such a source hold so many rows."""
    return (8 if source["format"] == "bin" else 0) + rows * row_bytes(source)


def source_problems(name, source):
    """What is wrong with a source."""
    where = f"source {name}"
    if not re.fullmatch(r"[A-Za-z0-9]+([._-][A-Za-z0-9]+)*", name):
        yield f"{where}: a name, which is that of a folder, has letters, digits and single ., _ and - between them"
    kind = source.get("format") if isinstance(source, dict) else None
    if isinstance(kind, str) and kind not in VECTOR_FORMATS + TRUTH_FORMATS + ARCHIVES:
        yield f"{where}: unknown format '{kind}'"
        return
    is_matrix = kind in VECTOR_FORMATS
    found = list(wrong_fields(where, source, SOURCE | MATRIX if is_matrix else SOURCE))
    yield from found
    if found:
        return
    for url in source["urls"]:
        if not isinstance(url, str) or not re.fullmatch(r"(https?|ftp)://[^/\s]+/\S+[^/\s]", url):
            yield f"{where}: not the address of a file: {url!r}"
    if not source["urls"]:
        yield f"{where}: no address"
    if source["checksum"] is not None:
        yield from checksum_problems(where, source["checksum"])
    if is_matrix:
        if source["element_type"] != FIXED_TYPES.get(source["format"], source["element_type"]):
            yield f"{where}: {source['format']} does not hold {source['element_type']}"
        elif source["element_type"] not in ELEMENT_BYTES:
            yield f"{where}: unknown element type '{source['element_type']}'"
        elif source["bytes"] != prefix_bytes(source, source["rows"]):
            yield (f"{where}: {source['rows']} x {source['dimension']} {source['element_type']} take "
                   f"{prefix_bytes(source, source['rows'])} bytes, not {source['bytes']}")


def checksum_problems(where, checksum):
    """What is wrong with a published checksum."""
    found = list(wrong_fields(f"{where}: checksum", checksum, CHECKSUM))
    yield from found
    if found:
        return
    digits = HEX_DIGITS.get(checksum["algorithm"])
    if digits is None:
        yield f"{where}: unknown checksum '{checksum['algorithm']}'"
    elif not re.fullmatch(f"[0-9a-f]{{{digits}}}", checksum["value"]):
        yield f"{where}: {checksum['algorithm']} has {digits} hexadecimal digits, not '{checksum['value']}'"


def part_problems(where, role, entry, sources):
    """What is wrong with base, query, learn or truth of a set."""
    part = entry[role]
    found = list(wrong_fields(f"{where}: {role}", part, PART, OPTIONAL_PART))
    yield from found
    if found:
        return
    source = sources.get(part["source"])
    if source is None:
        yield f"{where}: {role}: no source '{part['source']}'"
        return
    if list(source_problems(part["source"], source)):
        return  # Told where the source is checked.
    kind = source["format"]
    if kind in ARCHIVES and "member" not in part or kind not in ARCHIVES and "member" in part:
        yield f"{where}: {role}: a member is named for archives, and for them alone"
    if kind == "tar.gz" and "member" in part:
        kind = part["member"].rsplit(".", 1)[-1]
    fit = (TRUTH_FORMATS if role == "truth" else VECTOR_FORMATS) + ("hdf5",)
    if kind not in fit:
        yield f"{where}: {role}: {kind} is not one of {', '.join(fit)}"
    if source["format"] in VECTOR_FORMATS and role != "truth":
        for name in ("dimension", "element_type"):
            if source[name] != entry[name]:
                yield f"{where}: {role}: {name} {source[name]} of its source is not {entry[name]}"
        if source["rows"] < part["rows"]:
            yield f"{where}: {role}: {part['rows']} rows are more than the {source['rows']} of its source"


def set_problems(name, entry, catalog):
    """What is wrong with a set."""
    where = f"set {name}"
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        yield f"{where}: a name has lower-case letters, digits and single hyphens"
    found = list(wrong_fields(where, entry, SET))
    yield from found
    if found:
        return
    for field, known in (("licence", catalog["licences"]), ("manual", catalog["manuals"]),
                         ("metric", METRICS), ("element_type", ELEMENT_BYTES)):
        if entry[field] not in known:
            yield f"{where}: unknown {field} '{entry[field]}'"
    for role in ("base", "query", "learn", "truth"):
        if entry[role] is not None:
            yield from part_problems(where, role, entry, catalog["sources"])
    for role, field in (("base", "vectors"), ("query", "queries"), ("truth", "queries")):
        if entry[role] is not None and entry[role].get("rows") != entry[field]:
            yield f"{where}: {role} has {entry[role].get('rows')} rows, the set {entry[field]} {field}"
    if entry["k"] > entry["vectors"]:
        yield f"{where}: {entry['k']} neighbours of {entry['vectors']} vectors"


def problems(catalog):
    """All that is wrong with a catalogue, a line each."""
    found = list(wrong_fields("catalogue", catalog, TOP))
    yield from found
    if found:
        return
    for name, licence in catalog["licences"].items():
        yield from wrong_fields(f"licence {name}", licence, LICENCE)
    for name, steps in catalog["manuals"].items():
        if not isinstance(steps, list) or not steps or not all(isinstance(s, str) and s for s in steps):
            yield f"manual {name}: expected a list of steps"
    for name, source in catalog["sources"].items():
        yield from source_problems(name, source)
    for name, entry in catalog["sets"].items():
        yield from set_problems(name, entry, catalog)
    entries = [entry for entry in catalog["sets"].values() if isinstance(entry, dict)]
    parts = [entry.get(role) or {} for entry in entries for role in ("base", "query", "learn", "truth")]
    for table, named in (("licences", [entry.get("licence") for entry in entries]),
                         ("manuals", [entry.get("manual") for entry in entries]),
                         ("sources", [part.get("source") for part in parts if isinstance(part, dict)])):
        for name in catalog[table]:
            if name not in named:
                yield f"{table}: '{name}' belongs to no set"


def load(path=CATALOG):
    """A catalogue in which nothing is wrong."""
    if pathlib.Path(path).exists() and not pathlib.Path(path).is_file():
        raise FetchError(f"{path}: expected a file, found something else")
    try:
        catalog = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise FetchError(f"{path}: cannot read: {error.strerror}") from None
    except ValueError as error:
        raise FetchError(f"{path}: expected JSON, found {error}") from None
    found = list(problems(catalog))
    if found:
        raise FetchError("\n".join(f"{path}: {problem}" for problem in found))
    return catalog


def download_bytes(entry, sources, rows):
    """How many bytes a set with so many base rows takes from the network, about."""
    total, whole = 0, set()
    for role in ("base", "query", "learn", "truth"):
        part = entry[role]
        if part is None or role == "truth" and rows != entry["vectors"]:
            continue
        source = sources[part["source"]]
        if source["format"] in VECTOR_FORMATS:
            total += prefix_bytes(source, rows if role == "base" else part["rows"])
        elif part["source"] not in whole:
            whole.add(part["source"])
            total += source["bytes"]
    return total
