"""tools/slurm_build on a Slurm of two virtual nodes on this machine; one of them dies in mid-build."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import programs
from programs import ProgramTest, contents, make_dataset

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo", "scontrol")
SHARDS = 4
PATIENCE_S = 120
CONFIGURATION = """
ClusterName=trackway
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={ports[0]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmdSpoolDir={folder}/spool-%n
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SchedulerType=sched/builtin
SelectType=select/linear
MpiDefault=none
ReturnToService=2
SlurmdTimeout=5
InactiveLimit=0
KillWait=2
MinJobAge=600
JobRequeue=1
NodeName=node1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 State=UNKNOWN
NodeName=node2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 State=UNKNOWN
PartitionName=all Nodes=node1,node2 Default=YES MaxTime=INFINITE State=UP
"""


def why_not():
    """Why the test cannot run here; empty if it can."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        return f"Slurm is not installed: {', '.join(missing)} not found"
    return "" if os.geteuid() == 0 else "the daemons of Slurm need root"


def free_ports(count):
    """Ports that nothing listens on at the moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def parent_of(process):
    """0 where there is no such process any more."""
    try:
        return int(pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@unittest.skipIf(why_not(), why_not())
class SlurmTest(ProgramTest):
    """20,000 x 32 float32 in 4 shards."""

    def setUp(self):
        super().setUp()
        self.cluster = pathlib.Path(tempfile.mkdtemp(prefix="trackway-slurm-"))
        self.addCleanup(shutil.rmtree, self.cluster, ignore_errors=True)
        (self.cluster / "state").mkdir()
        self.cluster.chmod(0o755)
        key = self.cluster / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        configuration = self.cluster / "slurm.conf"
        configuration.write_text(CONFIGURATION.format(
            host=socket.gethostname().split(".")[0], folder=self.cluster, ports=free_ports(3)))
        self.environment = dict(os.environ, SLURM_CONF=str(configuration),
                                TRACKWAY_BIN=str(programs.BIN),
                                SBATCH_OPTIONS=f"--output={self.cluster}/job-%j.out")
        self.daemons = {}
        munge = [f"--{name}={self.cluster}/munge.{suffix}" for name, suffix in (
            ("key-file", "key"), ("socket", "sock"), ("pid-file", "pid"), ("log-file", "log"),
            ("seed-file", "seed"))]
        self.begin("munged", "munged", "--foreground", "--force", *munge)
        self.assertTrue(programs.poll((self.cluster / "munge.sock").exists))
        self.begin("slurmctld", "slurmctld", "-D")
        for node in ("node1", "node2"):
            self.begin(node, "slurmd", "-D", "-N", node)
        self.until(lambda: self.shell("sinfo", "-h", "-o", "%T %D").split() == ["idle", "2"])

    def begin(self, name, *command):
        """Starts a daemon that ends with the test."""
        with open(self.cluster / f"{name}.out", "wb") as out:
            # pylint: disable-next=consider-using-with
            process = subprocess.Popen(command, env=self.environment, stdout=out, stderr=out,
                                       start_new_session=True)
        self.daemons[name] = process
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    def shell(self, *command):
        """What a command prints; nothing while the cluster is not ready."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True,
                              check=False, timeout=60)
        return done.stdout if done.returncode == 0 else ""

    def until(self, condition):
        """Waits; what the daemons said if it takes too long."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                said = "\n".join(f"{path.name}: {path.read_text(errors='replace')[-800:]}"
                                 for path in sorted(self.cluster.glob("*.out")))
                self.fail(f"{self.shell('squeue')}\n{self.shell('sinfo')}\n{said}")
            time.sleep(0.2)

    def running_on(self, node):
        """Processes of jobs on this virtual node."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                environment = (process / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if f"SLURMD_NODENAME={node}".encode() in environment and \
                    f"SLURM_CONF={self.cluster}/slurm.conf".encode() in environment:
                found.append(int(process.name))
        return found

    def kill_node(self, node):
        """As if its machine had lost power: the daemon and all that it runs."""
        self.daemons[node].kill()
        doomed = self.running_on(node)
        for process in list(doomed):  # and what started them: it must not report how they ended
            while (process := parent_of(process)) > 1 and process != os.getpid():
                doomed.append(process)
        for sent in (signal.SIGSTOP, signal.SIGKILL):
            for process in reversed(doomed):
                try:
                    os.kill(process, sent)
                except ProcessLookupError:
                    pass

    def no_delays(self):
        """Slurm lets a job that it runs again wait for two minutes; the test does not."""
        for job in self.shell("squeue", "-h", "-r", "-t", "PD", "-o", "%i").split():
            self.shell("scontrol", "update", f"JobId={job}", "StartTime=now")

    def test_node_that_dies_in_mid_build(self):
        """The index is finished by the other node, and is that of a build on one machine."""
        data = make_dataset(self.folder / "data", vectors=20000, queries=400)
        options = ("--vectors", data / "base.fbin", "--workload", data / "learn.fbin",
                   "--build-list", 300, "--threads", 1)
        index, local = self.folder / "index", self.folder / "local"
        script = pathlib.Path(__file__).resolve().parents[2] / "tools" / "slurm_build"
        done = subprocess.run([str(part) for part in (script, SHARDS, *options, "--index", index)],
                              env=self.environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done)
        work = index / "build.work"
        self.until(lambda: self.running_on("node2") and (work / "partition.stage").exists() and
                   any(work.glob("graph-*.partial")) or any(work.glob("graph-*.stage")))
        self.until(lambda: self.running_on("node2"))
        self.kill_node("node2")
        self.assertFalse((index / "manifest.json").exists(), "too late for this test")
        self.until(lambda: self.no_delays() or (index / "manifest.json").exists())
        self.until(lambda: not self.shell("squeue", "-h").strip())
        self.done("build-index", *options, "--shards", SHARDS, "--index", local, "--quiet")
        self.assertEqual(contents(index), contents(local))


if __name__ == "__main__":
    programs.main()
