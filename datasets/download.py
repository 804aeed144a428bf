"""Gets a file or its first bytes by HTTP or FTP: goes on where it stopped, verifies, then names it."""
import contextlib
import dataclasses
import fcntl
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import time
import urllib.error
import urllib.request

import ftp
from reporting import FetchError

BLOCK = 1 << 20
RESTART = "--restart throws away what is here and starts over"
# Answers after which the same request may work a moment later.
PASSING = (408, 425, 429, 500, 502, 503, 504)
# What fetch.py writes of a file, and of one that is not all there.
RECORD = {"sha256": str, "bytes": int, "url": str}
NOTE = {"url": str, "total": (int, type(None)), "validator": (str, type(None))}
# Reasons why a connection cannot be made, now or later.
LASTING = (socket.gaierror, ConnectionRefusedError, ssl.SSLCertVerificationError)


class DeadLink(Exception):
    """This address does not lead to the file; another one may."""


class Broken(Exception):
    """The transfer broke off; it can go on."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A file of the catalogue, or its first bytes, and where it shall lie."""
    urls: list
    path: pathlib.Path
    source_bytes: int
    bytes_exact: bool
    first_bytes: int | None
    checksum: dict | None
    manual: str

    @property
    def partial(self):
        """What has been received, under the name that says that it is not all."""
        return self.path.with_name(self.path.name + ".partial")

    @property
    def note(self):
        """Where the partial file comes from."""
        return self.path.with_name(self.path.name + ".partial.json")

    @property
    def goal(self):
        """How many bytes are wanted; None if only the server can tell."""
        return self.first_bytes or (self.source_bytes if self.bytes_exact else None)


@contextlib.contextmanager
def locked(folder):
    """Only one fetch.py at a time works in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FetchError(f"{folder}: another fetch.py works there") from None
        yield


def write_json(path, value):
    """Writes a JSON file as a whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, path)


def read_json(path, fields=()):
    """The fields of a JSON file that fetch.py wrote; none if it is not there. Some must be of certain types if they
    are there."""
    if path.exists() and not path.is_file():
        raise FetchError(f"{path}: expected a file, found something else")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise FetchError(f"{path}: expected JSON that fetch.py wrote, found {error}; remove it") from None
    checked(path, value, fields)
    return value


def checked(path, value, fields):
    """Refuses what is no object, and members of other types."""
    if not isinstance(value, dict):
        raise FetchError(f"{path}: expected an object that fetch.py wrote, found {json.dumps(value)[:60]}; remove it")
    for name, kind in dict(fields).items():
        if name in value and not isinstance(value[name], kind):
            raise FetchError(f"{path}: '{name}': found {json.dumps(value[name])[:60]}, which fetch.py did not write; "
                             "remove the file")


def hashes(path, algorithms, progress):
    """The checksums of a file."""
    digests = [hashlib.new(algorithm) for algorithm in algorithms]
    progress.begin(f"verifying {path.name}", path.stat().st_size)
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            for digest in digests:
                digest.update(block)
            progress.advance(len(block))
    progress.end()
    return {digest.name: digest.hexdigest() for digest in digests}


class Downloads:
    """A folder of downloaded files; checksums.json keeps what each was at its first download."""

    def __init__(self, folder, options, progress):
        self.folder, self.options, self.progress = folder, options, progress
        self.records = read_json(folder / "checksums.json")
        checked(folder / "checksums.json", self.records, dict.fromkeys(self.records, dict))
        for record in self.records.values():
            checked(folder / "checksums.json", dict.fromkeys(RECORD) | record, RECORD)

    def get(self, wanted):
        """Gets a file unless it is there; its record (url, bytes, sha256)."""
        key = str(wanted.path.relative_to(self.folder))
        wanted.path.parent.mkdir(parents=True, exist_ok=True)
        if wanted.path.exists():
            record = self.records.get(key)
            if record and record["bytes"] == wanted.path.stat().st_size:
                return record
            return self.verify(wanted, key, wanted.path, "laid there by hand")
        url = self.receive(wanted)
        record = self.verify(wanted, key, wanted.partial, url)
        os.replace(wanted.partial, wanted.path)
        wanted.note.unlink(missing_ok=True)
        return record

    def verify(self, wanted, key, path, url):
        """Checks size and checksum; without a published checksum the first download is trusted, and
        every later one must be the same."""
        size = path.stat().st_size
        if wanted.goal is not None and size != wanted.goal:
            raise FetchError(f"{path}: expected {wanted.goal} bytes, found {size}\n{wanted.manual}")
        published = None if wanted.first_bytes else wanted.checksum
        found = hashes(path, {"sha256", published["algorithm"]} if published else {"sha256"}, self.progress)
        if published and found[published["algorithm"]] != published["value"]:
            raise FetchError(
                f"{path} ({url}): expected {published['algorithm']} {published['value']}, found "
                f"{found[published['algorithm']]}; {RESTART}\n{wanted.manual}")
        before = self.records.get(key)
        if not published and before and before["sha256"] != found["sha256"]:
            raise FetchError(
                f"{path} ({url}): expected sha256 {before['sha256']}, as at the first download, found "
                f"{found['sha256']}; {RESTART}; to trust the new one, remove '{key}' from "
                f"{self.folder / 'checksums.json'}\n{wanted.manual}")
        self.records[key] = {"url": url, "bytes": size, "sha256": found["sha256"]}
        write_json(self.folder / "checksums.json", self.records)
        return self.records[key]

    def receive(self, wanted):
        """Brings the partial file to its end from the first address that works; that address."""
        if self.options.restart:
            wanted.partial.unlink(missing_ok=True)
            wanted.note.unlink(missing_ok=True)
        dead = []
        for url in wanted.urls:
            try:
                self.receive_from(url, wanted)
                return url
            except DeadLink as error:
                dead.append(f"{url}: {error}")
                self.progress.say(dead[-1])
        raise FetchError("\n".join([*dead, wanted.manual]))

    def receive_from(self, url, wanted):
        """As often as it breaks off and the options allow, goes on."""
        for attempt in range(1, self.options.attempts + 1):
            try:
                return self.receive_once(url, wanted)
            except Broken as error:
                if attempt == self.options.attempts:
                    if not wanted.partial.exists() or not wanted.partial.stat().st_size:
                        raise DeadLink(f"{error}; {attempt} attempts") from None
                    raise FetchError(f"{url}: {error}; the same command goes on from there\n"
                                     f"{wanted.manual}") from None
                self.progress.say(f"{url}: {error}; attempt {attempt + 1} goes on from there")
                time.sleep(0 if attempt == 1 else min(2 ** (attempt - 1), 60))

    def receive_once(self, url, wanted):
        """One request, and what comes of it."""
        offset = wanted.partial.stat().st_size if wanted.partial.exists() else 0
        note = read_json(wanted.note, NOTE) if offset else {}
        if note.get("url", url) != url and not (wanted.checksum and not wanted.first_bytes):
            raise FetchError(f"{wanted.partial}: begun from {note['url']}; without a published checksum it is "
                             f"not continued from {url}; {RESTART}")
        goal = wanted.goal or note.get("total")
        if goal is not None and offset > goal:
            raise FetchError(f"{wanted.partial}: expected at most {goal} bytes, found {offset}; {RESTART}")
        if offset == goal:
            return
        with open_at(url, offset, wanted, note, self.options.timeout) as answer:
            total = total_of(url, answer, offset, wanted, note)
            goal = wanted.goal or total
            room = shutil.disk_usage(wanted.path.parent).free
            if goal is not None and room < goal - offset:
                raise FetchError(f"{wanted.partial}: expected room for {goal - offset} bytes, found {room}")
            if not offset:
                write_json(wanted.note, {"url": url, "total": total, "validator": validator_of(answer)})
            self.copy(answer, wanted.partial, offset, goal)

    def copy(self, answer, path, offset, goal):
        """Appends what arrives to a file until the goal or the end."""
        self.progress.begin(path.name.removesuffix(".partial"), goal, offset)
        size = offset
        with open(path, "ab", buffering=0) as file:
            while goal is None or size < goal:
                try:
                    block = answer.read1(BLOCK if goal is None else min(BLOCK, goal - size))
                except (OSError, http.client.HTTPException) as error:
                    raise Broken(f"broke off at byte {size}: {error}") from None
                if not block:
                    break
                append(file, path, size, block)
                size += len(block)
                self.progress.advance(len(block))
            os.fsync(file.fileno())
        self.progress.end()
        if goal is not None and size < goal:
            raise Broken(f"ended at byte {size}, expected {goal} bytes")


def append(file, path, size, block):
    """Writes all of a block, or says what is in the way."""
    rest = memoryview(block)
    try:
        while rest:
            rest = rest[file.write(rest):]
    except OSError as error:
        at = size + len(block) - len(rest)
        raise FetchError(f"{path}: cannot write at byte {at}: {error.strerror}; with room for it, the same "
                         "command goes on from there") from None


def open_at(url, offset, wanted, note, timeout):
    """Asks for what is missing of a file."""
    headers = {"User-Agent": "trackway-fetch", "Accept-Encoding": "identity"}
    if offset or wanted.first_bytes:
        last = wanted.first_bytes - 1 if wanted.first_bytes else ""
        headers["Range"] = f"bytes={offset}-{last}"
    if offset and note.get("validator") and note["url"] == url:
        headers["If-Range"] = note["validator"]
    try:
        if ftp.is_direct(url):
            return ftp.open_at(url, offset, timeout)
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        answer = f"answered {error.code} {error.reason} (asked for bytes from {offset})"
        raise (Broken if error.code in PASSING else DeadLink)(answer) from None
    except urllib.error.URLError as error:
        lasting = isinstance(error.reason, (*LASTING, str))
        raise (DeadLink if lasting else Broken)(f"no connection: {error.reason} (at byte {offset})") from None
    except (ValueError, http.client.InvalidURL) as error:
        raise DeadLink(f"not an address: {error}") from None
    except (OSError, http.client.HTTPException) as error:
        raise Broken(f"no answer: {error or type(error).__name__} (at byte {offset})") from None


def total_of(url, answer, offset, wanted, note):
    """How long the server says the file is, once its answer is known to be what was asked for; None if
    it does not say."""
    def refuse(what):
        raise FetchError(f"{url}: {what}\n{wanted.manual}")
    if getattr(answer, "status", None) == http.client.PARTIAL_CONTENT:
        said = answer.headers.get("Content-Range", "nothing")
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", said)
        if not match or int(match[1]) != offset:
            refuse(f"expected bytes from {offset}, found Content-Range {said}")
        total = None if match[2] == "*" else int(match[2])
    else:
        if offset:
            refuse(f"expected bytes from {offset}, found the whole file: the server takes no ranges, or the "
                   f"file has changed; {RESTART}")
        length = answer.headers.get("Content-Length") or ""
        total = int(length) if length.isdecimal() else None
    if total is None:
        return None
    if wanted.bytes_exact and total != wanted.source_bytes:
        refuse(f"expected a file of {wanted.source_bytes} bytes, found {total}")
    if wanted.first_bytes and total < wanted.first_bytes:
        refuse(f"expected at least {wanted.first_bytes} bytes, found {total}")
    if note.get("total") not in (None, total):
        refuse(f"expected a file of {note['total']} bytes, as before, found {total}: it has changed; {RESTART}")
    return total


def validator_of(answer):
    """What tells whether the file has changed between two requests: a strong ETag, or its date."""
    tag = answer.headers.get("ETag", "")
    return tag if tag.startswith('"') else answer.headers.get("Last-Modified")
