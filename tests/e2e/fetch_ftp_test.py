"""datasets/fetch.py by FTP: goes on from an offset as by HTTP, and takes a proxy where there is one."""
import programs
from fetch_test import SET_BYTES, STEP, FetchTest
from file_server import FtpServer


class FtpTest(FetchTest):
    """The base of the set lies on an FTP server."""

    def setUp(self):
        """An FTP server beside the other one."""
        super().setUp()
        self.ftp = FtpServer()
        self.addCleanup(self.ftp.stop)
        self.url = self.ftp.address + "/pub/base.u8bin"
        self.catalog["sources"]["base"]["urls"] = [self.url]

    def test_goes_on_where_it_stopped(self):
        """By itself and in the next run; only what is wanted is read."""
        self.ftp.serve("/pub/base.u8bin", self.files["base"], cuts=[500, 600])
        self.refuses(words=[self.url, "ended at byte 500", f"expected {SET_BYTES}", STEP])
        self.fetched("--attempts", 2)
        self.has_set()
        self.assertEqual([offset for _, offset in self.ftp.requests], [0, 500, 1100])

    def test_dead_link(self):
        """No such file, no such server; then the next address."""
        self.refuses(words=[self.url, "550", STEP])
        self.catalog["sources"]["base"]["urls"] = ["ftp://127.0.0.1:1/pub/base.u8bin"]
        self.refuses(words=["ftp://127.0.0.1:1/pub/base.u8bin", "refused"])
        self.catalog["sources"]["base"]["urls"] += [self.server.address + "/base.u8bin"]
        self.fetched()
        self.has_set()

    def test_wrong_size(self):
        """As by HTTP."""
        self.ftp.serve("/pub/base.u8bin", self.files["base"] + b"x")
        self.refuses(words=[self.url, f"expected a file of {len(self.files['base'])} bytes", STEP])

    def test_proxy(self):
        """A proxy of FTP speaks HTTP; no_proxy goes past it."""
        self.server.serve("/pub/base.u8bin", self.files["base"])
        proxy = {"ftp_proxy": self.server.address}
        self.fetched("--slice", 20, "--no-truth", env=proxy)
        self.assertIn((self.url, f"bytes=0-{8 + 20 * 8 - 1}"), self.server.requests)
        self.refuses(env=proxy | {"no_proxy": "127.0.0.1"}, words=["550"])


if __name__ == "__main__":
    programs.main()
