"""Programs are linked so that a bug is hard to use for an attack."""
import pathlib
import subprocess
import unittest

import programs


class HardeningTest(unittest.TestCase):
    """What readelf says of every program."""

    def test_every_program(self):
        """Loaded anywhere, tables read-only, no stack that can be run, checked copies."""
        names = ("build-index", "search-index", "relayout-index", "inspect-index", "make-dataset",
                 "make-ground-truth", "convert-vectors", "describe-vectors")
        for name in names:
            with self.subTest(name):
                path = pathlib.Path(programs.BIN) / name
                text = subprocess.run(["readelf", "-hldW", "--dyn-syms", path], check=True,
                                      capture_output=True, text=True).stdout
                self.assertIn("DYN (Position-Independent Executable file)", text)
                self.assertIn("GNU_RELRO", text)
                self.assertRegex(text, r"FLAGS.*(BIND_NOW|NOW)")
                self.assertRegex(text, r"GNU_STACK .* RW +0x")
                self.assertIn("__stack_chk_fail", text)


if __name__ == "__main__":
    unittest.main()
