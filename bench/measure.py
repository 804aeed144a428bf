"""Runs programs and measures them from outside: time, CPU, memory, the disk's own rate, the machine.
Shared by the scripts of bench/."""
import json
import os
import pathlib
import platform
import select
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

LOOK_PAUSE_MS = 10  # between looks at the memory of a program that runs


class Failure(Exception):
    """The work cannot be done; the text is the one line that says why."""


class Ran:
    """A program that ended well: what it printed and what it took; memory as the largest that was seen of it."""

    def __init__(self, command, out, seconds, usage):
        self.command, self.out, self.seconds = command, out, seconds
        self.cpu_seconds = usage.ru_utime + usage.ru_stime
        self.memory_bytes = None


def bytes_in(pid, file, key):
    """A value in kB of a live process, in bytes; 0 when it is no longer there."""
    try:
        text = pathlib.Path(f"/proc/{pid}/{file}").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith(key)), 0)


def pss_of(pid):
    """Proportional set size. To look walks all pages of the process, which waits for it: never where time counts."""
    return bytes_in(pid, "smaps_rollup", "Pss:")


def peak_of(pid):
    """Most that was ever resident, which costs nothing to see. (ru_maxrss counts what its parent had, too.)"""
    return bytes_in(pid, "status", "VmHWM:")


def watch(pid, look):
    """Waits until the process has ended (it stays to be waited for); the largest that was seen."""
    largest = look(pid) if look else 0
    descriptor = os.pidfd_open(pid)
    try:
        end = select.poll()
        end.register(descriptor, select.POLLIN)
        while not end.poll(LOOK_PAUSE_MS if look else None):
            largest = max(largest, look(pid))
    finally:
        os.close(descriptor)
    return largest


def end_by_signals():
    """A signal that ends this program ends it by SystemExit, so that what it runs is ended, too. What it was started
    to ignore (nohup) stays ignored."""
    def leave(number, _):
        raise SystemExit(128 + number)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, leave)


def run(command, look=None):
    """Runs a command to its end, which must be a good one; look (pss_of, peak_of) sees this process alone."""
    command = [str(part) for part in command]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                       start_new_session=True)
        except OSError as error:
            raise Failure(f"{command[0]}: {error.strerror}") from error
        try:
            largest = watch(process.pid, look)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            if process.returncode is None:  # interrupted: it and what it started
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        seconds = time.monotonic() - began
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    if process.returncode != 0:
        last = (texts[1].strip() or texts[0].strip() or "it printed nothing").splitlines()[-1]
        raise Failure(f"{' '.join(command)}: exit status {process.returncode}: {last}")
    ran = Ran(command, texts[0], seconds, usage)
    ran.memory_bytes = largest or None
    return ran


def spread(values):
    """Median, least and most of a value over rounds; None where a round could not say."""
    if any(value is None for value in values):
        return None
    return {"median": statistics.median(values), "min": min(values), "max": max(values),
            "rounds": list(values)}


def fio_command(path, block_bytes, threads, seconds):
    """Random direct reads of a file, many in flight."""
    return ["fio", "--name=reads", f"--filename={path}", "--rw=randread", f"--bs={block_bytes}",
            "--direct=1", "--ioengine=io_uring", "--iodepth=64", f"--numjobs={threads}",
            f"--runtime={seconds}", "--time_based", "--group_reporting", "--readonly",
            "--output-format=json"]


def need_fio():
    """Fails where there is no fio."""
    if not shutil.which("fio"):
        raise Failure("fio is not installed (Debian: fio)")


def reads_per_second(command):
    """What fio finds."""
    need_fio()
    printed = run(command).out
    try:  # notes may stand before the JSON
        return json.loads(printed[printed.index("{"):])["jobs"][0]["read"]["iops"]
    except (ValueError, KeyError, IndexError) as error:
        raise Failure(f"{' '.join(command)}: no reads in what it printed") from error


def value_of(path, key, separator):
    """What follows the key in a file of lines such as /proc/cpuinfo, or None."""
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(separator)
        if name.strip() == key:
            return value.strip().strip('"')
    return None


def disk_of(path):
    """Device and file system that hold a path."""
    number = os.stat(path).st_dev
    device = f"{os.major(number)}:{os.minor(number)}"
    for line in pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        mount, _, kind = line.partition(" - ")
        if mount.split()[2] == device:
            kind, source = kind.split()[:2]
            model = pathlib.Path(f"/sys/dev/block/{device}/device/model")
            named = f", {model.read_text(encoding='utf-8').strip()}" if model.exists() else ""
            return f"{source} ({kind}{named})"
    return f"device {device}"


def machine(path):
    """The machine, and the disk that holds the path."""
    return {"cpu": value_of("/proc/cpuinfo", "model name", ":") or platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
            "memory_bytes": int(value_of("/proc/meminfo", "MemTotal", ":").split()[0]) * 1024,
            "kernel": platform.release(),
            "os": value_of("/etc/os-release", "PRETTY_NAME", "="), "disk": disk_of(path)}


def debian_version(package):
    """The version of an installed Debian package."""
    try:
        return run(["dpkg-query", "-W", "-f", "${Version}", package]).out.split("-")[0]
    except Failure as failure:
        raise Failure(f"{package} is not installed (Debian: {package})") from failure


def print_table(head, lines):
    """A Markdown table."""
    print("\n| " + " | ".join(head) + " |")
    print("|" + " --- |" * len(head))
    for line in lines:
        print("| " + " | ".join(map(str, line)) + " |", flush=True)
