#!/usr/bin/python3
"""Checks that no compiler makes: layers, sizes, columns, orphans, READMEs, banned words."""
import pathlib
import re
import sys

# A folder may include only the folders named on its right, itself, and include/trackway.
LAYERS = {
    "include/trackway": [],
    "src/base": [],
    "src/distance": ["src/base"],
    "src/io": ["src/base"],
    "layouts": ["src/base", "src/io"],
    "src/quant": ["src/base", "src/distance"],
    "src/graph": ["src/base", "src/distance"],
    "src/shard": ["src/base", "src/distance", "src/io", "src/quant", "src/graph"],
    "src/beam": ["src/base", "src/distance", "layouts", "src/quant", "src/graph"],
    "src/build": ["src/base", "src/distance", "src/io", "layouts", "src/quant", "src/graph",
                  "src/shard", "src/beam"],
    "src/search": ["src/base", "src/distance", "src/io", "layouts", "src/quant", "src/graph",
                   "src/shard", "src/beam"],
    "tools": ["src/base"],
    "bench": ["src/base", "src/distance", "src/io", "layouts", "src/quant", "src/graph",
              "src/shard", "src/beam", "src/build", "src/search"],
}
# Single files that may include more than their folder.
EXTRA = {"tools/inspect_index.cpp": ["layouts"]}
# A third-party header, and the only files that may include it ("": anywhere in that folder).
WRAPPERS = {
    "liburing": ["src/io/uring_page_reader.cpp"],
    "oneapi/": ["src/base/arena.cpp"],
    "tbb/": ["src/base/arena.cpp"],
    "xxhash": ["src/base/checksum.cpp"],
    "hwy/": ["src/distance/simd_kernels.cpp"],
    "tl/": ["include/trackway/result.h"],
    "nlohmann/": ["layouts/json_fields.h", "tools/"],
    "Eigen/": ["src/quant/principal_axes.cpp"],
    "CLI/": ["tools/", "bench/", "tests/fuzz/"],
    "hnswlib/": ["bench/hnswlib_peer.cpp"],
    "faiss/": ["bench/faiss_peer.cpp"],
    "doctest/": ["tests/"],
    "benchmark/": ["bench/"],
}
TOP_LEVEL = {"include", "src", "layouts", "tools", "tests", "bench", "datasets",
             "CMakeLists.txt", "CMakePresets.json", "README.md"}
FILE_LINES_MAX, FUNCTION_LINES_MAX, PARAMETERS_MAX, COLUMNS_MAX = 500, 70, 5, 100
BANNED = {"std::endl": "'\\n'", "atoi(": "std::from_chars", "exit(": "return an Error",
          "using namespace std": "the names", "reinterpret_cast": "std::bit_cast or memcpy",
          "assert(": "TRACKWAY_ASSERT", "std::rand": "base/random.h",
          "std::mt19937": "base/random.h", "TODO": "an issue", "FIXME": "an issue"}
MAY_REINTERPRET = ("layouts/", "src/io/")
BANNED_IN_NAMES = {"util", "utils", "helper", "helpers", "manager", "common", "misc", "aux", "info",
                   "process", "handle"}
# What tests read; the README above each says what is in it.
DATA_FOLDERS = ("tests/golden/", "tests/fuzz/corpus/", "tests/fuzz/index/")
CODE_FOLDERS = ("include", "src", "layouts", "tools", "tests", "bench")


def layer_of(path):
    """The folder of LAYERS that a path lies in."""
    return max((l for l in LAYERS if path.startswith(l + "/")), key=len, default=None)


def layer_of_include(include):
    """The folder of LAYERS that an include names, written relative to src or include."""
    roots = (root + include for root in ("", "src/", "include/"))
    return next((layer for layer in map(layer_of, roots) if layer), None)


def check_include(path, include, quoted):
    """What is wrong with one include line, if anything."""
    layer = layer_of(path)
    if quoted and layer:
        target = layer_of_include(include)
        allowed = [layer, "include/trackway", *LAYERS[layer], *EXTRA.get(path, [])]
        if target and target not in allowed:
            yield f"{layer} must not include {target}"
    for header, files in WRAPPERS.items():
        if not quoted and include.startswith(header) and not path.startswith(tuple(files)):
            yield f"<{include}> belongs to {', '.join(files)} alone"


NOT_FUNCTIONS = re.compile(r"(namespace|class|struct|enum|union|extern|if|for|while|switch|else|do|"
                           r"try|catch|TEST_SUITE|return|case)\b")


def functions_of(lines):
    """(first line, last line, parameters) of each function body, by matching braces. What stands
    before a brace since the last one or the last semicolon is its head."""
    stack, head, head_line = [], "", 0
    for number, line in enumerate(lines, 1):
        code = re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])\'', '""', line).split("//")[0]
        if code.lstrip().startswith("#"):
            continue
        for char in code:
            if char == "{":
                stack.append((head_line or number, head.strip()))
            elif char == "}" and stack:
                first, text = stack.pop()
                if "(" in text and "=" not in text.split("(")[0] and not NOT_FUNCTIONS.match(text):
                    yield first, number, parameters_of(text)
            if char in "{};":
                head, head_line = "", 0
            else:
                head += char
                head_line = head_line or (number if char.strip() else 0)
        head += " "


def parameters_of(head):
    """How many parameters the first parenthesis of a function head holds."""
    depth, count, text = 0, 0, head[head.index("("):]
    for i, char in enumerate(text):
        if char in "(<{[":
            depth += 1
        elif char in ")>}]":
            depth -= 1
            if depth == 0:
                return count + 1 if text[1:i].strip() else 0
        elif char == "," and depth == 1:
            count += 1
    return 0


def names_in(code):
    """Words of the identifiers that a line of code contains, string literals left out."""
    code = re.sub(r'"(\\.|[^"\\])*"', "", code)
    for identifier in re.findall(r"(?<![\w:.])[A-Za-z_]\w*", code):
        yield from re.findall(r"[A-Z]?[a-z0-9]+", identifier)


def check_line(path, line):
    """What is wrong with one line, if anything."""
    if len(line) > COLUMNS_MAX:
        yield f"line exceeds {COLUMNS_MAX} columns"
    match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
    if match:
        yield from check_include(path, match.group(2), match.group(1) == '"')
        return
    code = line.split("//")[0]
    for word, instead in BANNED.items():
        if word == "reinterpret_cast" and path.startswith(MAY_REINTERPRET):
            continue
        if re.search(r"(?<![\w:.])" + re.escape(word), line if word.isupper() else code):
            yield f"'{word}' is banned, use {instead}"
    for word in set(map(str.lower, names_in(code))) & BANNED_IN_NAMES:
        yield f"'{word}' is banned in names: say what it is"


def check_file(path, text):
    """(line, what is wrong) of one source file."""
    lines = text.split("\n")
    if len(lines) > FILE_LINES_MAX:
        yield len(lines), f"file exceeds {FILE_LINES_MAX} lines"
    if path.endswith(".h") and not lines[0].startswith("//"):
        yield 1, "the first line must say what this file is for"
    if path.endswith(".h") and "#pragma once" not in lines:
        yield 1, "a header needs #pragma once"
    for number, line in enumerate(lines, 1):
        for problem in check_line(path, line):
            yield number, problem
    for first, last, parameters in functions_of(lines):
        if last - first + 1 > FUNCTION_LINES_MAX:
            yield first, f"function of {last - first + 1} lines exceeds {FUNCTION_LINES_MAX}"
        if parameters > PARAMETERS_MAX:
            yield first, f"{parameters} parameters exceed {PARAMETERS_MAX}"


def check_tree(root):
    """What is wrong with the tree as a whole."""
    for entry in sorted(root.iterdir()):
        if not entry.name.startswith(".") and entry.name not in TOP_LEVEL | {"build"}:
            yield f"{entry.name}: not one of the top-level names"
    cmake = "".join(p.read_text() for p in root.rglob("CMakeLists.txt") if "build" not in p.parts)
    folders = [p for top in (*CODE_FOLDERS, "datasets") for p in [root / top, *root.glob(top + "/**")]]
    for folder in sorted({f for f in folders if f.is_dir() and "__pycache__" not in f.parts}):
        name = folder.relative_to(root).as_posix()
        files = [f.name for f in folder.iterdir() if f.is_file()]
        if name == "src" or name.startswith(DATA_FOLDERS):
            continue
        if "README.md" not in files:
            yield f"{name}: README.md is missing"
            continue
        readme = (folder / "README.md").read_text()
        for file in sorted(files):
            stem = file.rsplit(".", 1)[0]
            if file not in ("README.md", "CMakeLists.txt") and stem not in readme:
                yield f"{name}/README.md: no line about {file}"
            listed = file in cmake or name.startswith("tests") or name == "bench"
            named = stem in cmake or stem.replace("_", "-") in cmake
            if file.endswith(".cpp") and not listed and not named:
                yield f"{name}/{file}: in no CMakeLists.txt"


def main(root):
    """Prints every problem; the exit status tells whether there was one."""
    root = pathlib.Path(root)
    errors = list(check_tree(root))
    for folder in CODE_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.suffix in (".h", ".cpp"):
                errors += [f"{name}:{n}: {what}" for n, what in check_file(name, path.read_text())]
    print("\n".join(errors) or "tidy")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
