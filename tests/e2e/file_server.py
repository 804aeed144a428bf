"""File servers on 127.0.0.1, HTTP and FTP, that take ranges, or ignore them, break off, stall, redirect or refuse."""
import http.server
import re
import socket
import socketserver
import threading
import urllib.parse


class Served:
    """A file, and how it is served."""

    def __init__(self, content, **manner):
        self.content = content
        self.ranges = manner.pop("ranges", True)
        self.wrong_range = manner.pop("wrong_range", False)  # Another range than was asked for.
        self.tag = manner.pop("tag", None)
        self.status = manner.pop("status", None)
        self.redirect = manner.pop("redirect", None)
        self.cuts = list(manner.pop("cuts", ()))  # A request each: so many bytes, then the end.
        self.stall_after = manner.pop("stall_after", None)  # So many bytes, then nothing more.
        assert not manner, manner


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one connection."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Says nothing; the server keeps a list of requests."""

    def do_GET(self):
        """One file, or a part of it. A proxy is asked by whole address."""
        served = self.server.files.get(urllib.parse.urlsplit(self.path).path)
        asked = self.headers.get("Range")
        self.server.requests.append((self.path, asked))
        self.close_connection = True
        if served is None or served.status:
            return self.send_error(served.status if served else 404)
        if served.redirect:
            self.send_response(302)
            self.send_header("Location", served.redirect)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_part(served, asked)

    def send_part(self, served, asked):
        """What was asked for, unless the file has changed or ranges are not served."""
        size, first, last = len(served.content), 0, len(served.content) - 1
        unchanged = self.headers.get("If-Range") in (None, served.tag)
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked or "")
        if match and served.ranges and unchanged:
            first, last = int(match[1]), min(int(match[2] or size), size - 1)
            if first >= size:
                return self.send_error(416)
            first = 0 if served.wrong_range else first
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        else:
            self.send_response(200)
        if served.tag:
            self.send_header("ETag", served.tag)
        self.send_header("Content-Length", str(last + 1 - first))
        self.end_headers()
        self.send_body(served, memoryview(served.content)[first:last + 1])

    def send_body(self, served, body):
        """The bytes, or as many as the file's manner allows."""
        sent = body[:served.cuts.pop(0)] if served.cuts else body
        try:
            if served.stall_after is not None:
                self.wfile.write(sent[:served.stall_after])
                self.server.go_on.wait(30)
                sent = sent[served.stall_after:]
            self.wfile.write(sent)
        except OSError:
            pass  # The client has enough, or is dead.


class FtpHandler(socketserver.StreamRequestHandler):
    """Answers the commands of one FTP session, as far as a client that reads needs them."""

    def handle(self):
        """A line, an answer; RETR goes to a connection of its own."""
        self.offset, self.data = 0, None
        self.say("220 ready")
        for line in self.rfile:
            verb, _, rest = line.decode().strip().partition(" ")
            served = self.server.files.get(rest)
            if verb in ("SIZE", "RETR") and (served is None or served.status):
                self.say("550 no such file")
            elif verb == "RETR":
                self.send(rest, served)
            elif verb == "PASV":
                self.data = socket.create_server(("127.0.0.1", 0))
                port = self.data.getsockname()[1]
                self.say(f"227 at (127,0,0,1,{port >> 8},{port & 255})")
            elif verb == "REST":
                self.offset = int(rest)
                self.say("350 from there")
            else:
                self.say({"USER": "230 come in", "TYPE": "200 so it is", "SIZE": "213 "}.get(verb, "502 not known") +
                         (str(len(served.content)) if served else ""))

    def say(self, text):
        """One answer."""
        self.wfile.write(text.encode() + b"\r\n")

    def send(self, path, served):
        """The file from the offset on, or as much of it as its manner allows."""
        self.server.requests.append((path, self.offset))
        self.say("150 here it comes")
        with self.data, self.data.accept()[0] as connection:
            body = served.content[self.offset:]
            connection.sendall(body[:served.cuts.pop(0)] if served.cuts else body)
        self.offset = 0
        self.say("226 done")


class Server:
    """Serves a dictionary of files (path: Served) from a thread of its own until it is stopped."""
    daemon_threads = True
    protocol, handler = None, None

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.handler)
        self.files, self.requests, self.go_on = {}, [], threading.Event()
        self.address = f"{self.protocol}://127.0.0.1:{self.server_address[1]}"
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def serve(self, path, content, **manner):
        """Serves a file from now on; its address."""
        self.files[path] = Served(content, **manner)
        return self.address + path

    def stop(self):
        """Ends the thread and gives the port back."""
        self.go_on.set()
        self.shutdown()
        self.thread.join()
        self.server_close()


class FileServer(Server, http.server.ThreadingHTTPServer):
    """By HTTP, and as a proxy."""
    protocol, handler = "http", Handler


class FtpServer(Server, socketserver.ThreadingTCPServer):
    """By FTP, passive."""
    protocol, handler = "ftp", FtpHandler
