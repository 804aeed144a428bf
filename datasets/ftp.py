"""Files by FTP from any offset on, which urllib cannot; the answer looks like one of HTTP."""
import ftplib
import socket
import urllib.error
import urllib.parse
import urllib.request


class Answer:
    """A file on its way, from an offset on."""

    def __init__(self, session, connection, offset, size):
        self.session, self.connection = session, connection
        self.file = connection.makefile("rb")
        self.status = 206 if offset else 200
        self.headers = {"Content-Range": f"bytes {offset}-{size - 1}/{size}", "Content-Length": str(size - offset)}

    def read1(self, count):
        """What has arrived, at most so many bytes; nothing at the end."""
        return self.file.read1(count)

    def __enter__(self):
        """Itself."""
        return self

    def __exit__(self, *_):
        """Hangs up, whether all has come or not."""
        self.file.close()
        self.connection.close()
        self.session.close()


def is_direct(url):
    """Tells whether an address is to be asked by FTP itself, not through a proxy, which speaks HTTP."""
    parts = urllib.parse.urlsplit(url)
    proxied = "ftp" in urllib.request.getproxies() and not urllib.request.proxy_bypass(parts.hostname or "")
    return parts.scheme == "ftp" and not proxied


def open_at(url, offset, timeout):
    """Asks for a file from an offset on; errors are those of urllib."""
    parts = urllib.parse.urlsplit(url)
    session = ftplib.FTP(timeout=timeout)
    try:
        session.connect(parts.hostname, parts.port or ftplib.FTP_PORT)
        session.login()
        session.voidcmd("TYPE I")
        path = urllib.parse.unquote(parts.path)
        size = session.size(path)
        return Answer(session, session.ntransfercmd(f"RETR {path}", offset or None)[0], offset, size)
    except BaseException as error:
        session.close()
        if isinstance(error, ftplib.error_perm):
            raise urllib.error.URLError(str(error)) from None
        if isinstance(error, (ftplib.Error, EOFError)):
            raise ConnectionError(f"FTP: {error or 'hung up'}") from None
        if isinstance(error, (socket.gaierror, ConnectionRefusedError)):
            raise urllib.error.URLError(error) from None
        raise
