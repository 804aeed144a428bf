"""The catalogue of data sets: nothing is wrong with the one in git, and every mistake is found."""
import copy
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "datasets"))
sys.dont_write_bytecode = True
import catalog  # pylint: disable=wrong-import-position

STANDARD = {"sift1m", "gist1m", "glove-100-angular", "fashion-mnist-784-euclidean",
            *(f"{name}-{size}" for name in ("bigann", "deep", "msspacev", "text2image")
              for size in ("1m", "10m", "100m"))}
# Where a field lies, what is put there, and a word of the complaint.
MISTAKES = (
    (("format",), None, "'format' has the wrong type"),
    (("surplus",), 1, "unknown field 'surplus'"),
    (("manuals", "yandex"), [], "manual yandex"),
    (("manuals", "nobody"), ["A step."], "belongs to no set"),
    (("licences", "deep", "seen_at"), "", "'seen_at' is empty"),
    (("licences", "deep"), "CC", "expected an object"),
    (("sources", "lost"), "copy", "'lost' belongs to no set"),
    (("sources", "deep-base", "bytes"), 384000000007, "take 384000000008 bytes"),
    (("sources", "deep-base", "bytes"), True, "wrong type"),
    (("sources", "deep-base", "rows"), 0, "'rows' is empty, zero or negative"),
    (("sources", "deep-base", "rows"), -5, "'rows' is empty, zero or negative"),
    (("sources", "deep-base", "format"), "zip", "unknown format 'zip'"),
    (("sources", "deep-base", "element_type"), "int4", "unknown element type 'int4'"),
    (("sources", "deep-base", "urls"), [], "no address"),
    (("sources", "deep-base", "urls"), ["https://host.example/folder/"], "not the address of a file"),
    (("sources", "deep-base", "urls"), ["file:///etc/passwd"], "not the address of a file"),
    (("sources", "deep-base", "checksum"), {"algorithm": "md5"}, "no field 'value'"),
    (("sources", "sift1m", "checksum", "algorithm"), "crc", "unknown checksum 'crc'"),
    (("sources", "sift1m", "checksum", "value"), "B23D", "32 hexadecimal digits"),
    (("sources", "../up"), "copy", "a name, which is that of a folder"),
    (("sets", "Deep_1M"), "copy", "a name has lower-case letters"),
    (("sets", "deep-1m", "metric"), "taxi", "unknown metric"),
    (("sets", "deep-1m", "licence"), "gpl", "unknown licence"),
    (("sets", "deep-1m", "licence"), ["gpl"], "'licence' has the wrong type"),
    (("sets", "deep-1m", "base", "source"), {}, "'source' has the wrong type"),
    (("sets", "deep-1m", "manual"), "paper", "unknown manual"),
    (("sets", "deep-1m", "element_type"), "uint8", "element_type float32 of its source is not uint8"),
    (("sets", "deep-1m", "dimension"), 97, "dimension 96 of its source is not 97"),
    (("sets", "deep-1m", "vectors"), 999, "base has 1000000 rows, the set 999 vectors"),
    (("sets", "deep-1m", "queries"), 9999, "query has 10000 rows"),
    (("sets", "deep-1m", "k"), 1000001, "1000001 neighbours"),
    (("sets", "deep-1m", "base"), None, "'base' has the wrong type"),
    (("sets", "deep-1m", "base", "source"), "gone", "no source 'gone'"),
    (("sets", "deep-1m", "base", "member"), "x", "a member is named for archives"),
    (("sets", "deep-1m", "query", "source"), "deep-truth-10m", "ibin is not one of"),
    (("sets", "deep-1m", "learn", "rows"), 350000001, "more than the 350000000 of its source"),
    (("sets", "deep-10m", "truth", "source"), "deep-query", "bin is not one of"),
    (("sets", "sift1m", "truth", "member"), "sift/sift_groundtruth.txt", "txt is not one of"),
    (("sets", "sift1m", "base"), {"source": "sift1m", "rows": 1000000}, "a member is named for archives"),
)


def changed(whole, place, value):
    """A copy of a catalogue with one field set; "copy" puts a right entry there, under a new name."""
    result = copy.deepcopy(whole)
    table = result
    for name in place[:-1]:
        table = table[name]
    if value == "copy":
        value = copy.deepcopy(table["deep-1m" if "deep-1m" in table else "deep-base"])
    table[place[-1]] = value
    return result


class CatalogTest(unittest.TestCase):
    """datasets/catalog.py on datasets/catalog.json."""

    def test_catalogue_in_git(self):
        """It has no mistake and the field's standard sets; the README's table shows them all."""
        found = catalog.load()
        self.assertLessEqual(STANDARD, set(found["sets"]))
        shown = re.findall(r"^\| `([a-z0-9-]+)` \|", catalog.CATALOG.with_name("README.md").read_text(), re.M)
        self.assertEqual([name for name in shown if name in found["sets"]], list(found["sets"]))

    def test_every_mistake_is_found(self):
        """One at a time, with its place and no exception."""
        right = catalog.load()
        for place, value, word in MISTAKES:
            with self.subTest(place=place, value=value):
                found = list(catalog.problems(changed(right, place, value)))
                self.assertTrue(any(word in line for line in found), found)
                self.assertTrue(any(place[-1] in line or place[1] in line for line in found), found)

    def test_a_field_that_is_missing(self):
        """Any field of any kind of entry."""
        right = catalog.load()
        for place in (("sets", "deep-1m"), ("sources", "deep-base"), ("licences", "deep"), ("sets", "sift1m", "base"),
                      ("sources", "sift1m", "checksum")):
            entry = right
            for name in place:
                entry = entry[name]
            for field in entry:
                broken = copy.deepcopy(right)
                table = broken
                for name in place:
                    table = table[name]
                del table[field]
                with self.subTest(place=place, field=field):
                    self.assertNotEqual(list(catalog.problems(broken)), [])

    def test_no_catalogue_at_all(self):
        """Values of another kind are mistakes, not exceptions."""
        for value in (None, [], 3, {}, {"format": 1, "checksum_rule": "r", "manuals": {}, "licences": {},
                                        "sources": {"a": 1}, "sets": {"b": []}}):
            with self.subTest(value=value):
                self.assertNotEqual(list(catalog.problems(value)), [])


if __name__ == "__main__":
    unittest.main()
