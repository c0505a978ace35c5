"""Run an untrusted Python command, so that nothing of it outlives or exceeds its limits.

The protections depend on the system. They are found by trying, once, and `protections` lists them:

- Linux as root, or where users may create namespaces: all. The command sees its folder, the
  system's programs, this Python and paths declared readable; no other process, no network. All its
  processes are in a process namespace, and the kernel kills them with the command.
- Linux without namespaces, such as an unprivileged container: a system call filter blocks TCP and
  UDP; Landlock blocks reading and writing elsewhere (as the same user, it can still change the
  permissions and times of files); as root, it runs as another user. Its processes stay below the
  launcher, even after setsid and a double fork, and are killed until nothing is left. It can kill
  the launcher only if it runs as the same user and the kernel lacks Landlock version 6; then
  processes with the mark of the run in their environment are killed. If the grader itself is
  killed, so is the command, but perhaps not everything that it started.
- macOS: limits of time, output, processes and file size; as root, another user. Its processes and
  those with the mark are killed, but not if the grader itself is killed. Network and files are
  not restricted. Not tested on a Mac yet.
- Windows: not supported.

Everywhere, the kernel sets limits for each process, and the sum over all processes is checked from
outside five times a second.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, NamedTuple

MB = 1 << 20
LAUNCHER = Path(__file__).with_name("sandbox_launcher.py")
IS_POSIX = os.name == "posix"
IS_LINUX = sys.platform.startswith("linux")
MARK = "SANDBOX_RUN"  # in the environment, to find processes by
CHANNEL = "SANDBOX_CHANNEL"  # in the environment: the number of a descriptor
WATCH = 0.2  # seconds between checks of memory, processes and the folder
GRACE = 3.0  # seconds in which all processes of a run must be gone
# Ranges of unused user ids, as (first, count); the next ones are for containers with fewer ids.
USERS = ((1_879_048_192, 5_000_000), (40_000, 20_000))


@dataclass(frozen=True)
class Limits:
    """The limits of a run.

    Attributes:
        seconds: of wall time.
        cpu_seconds: of each process.
        address_space: bytes of each process.
        memory: bytes of all processes.
        processes: number of processes and threads at a time.
        file_size: bytes of each file.
        folder_size: bytes of all files in the folder.
        open_files: of each process.
        output: bytes kept, of stdout and of stderr each.
        output_total: bytes written to either before the run is stopped.
        scratch: bytes in /tmp and in /dev/shm each, if these are its own.
    """

    seconds: float = 60.0
    cpu_seconds: int = 60
    address_space: int = 8192 * MB
    memory: int = 2048 * MB
    processes: int = 64
    file_size: int = 100 * MB
    folder_size: int = 500 * MB
    open_files: int = 256
    output: int = MB // 4
    output_total: int = 64 * MB
    scratch: int = 64 * MB


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        exit_code: None if a signal ended it.
        signal: the number of that signal.
        ended_for: the limit for which it was killed: "time", "output", "memory", "processes",
            "folder"; None if it ended by itself, or by a limit of the kernel.
        stdout, stderr: the first bytes.
        stdout_truncated, stderr_truncated: whether there was more.
        seconds: of wall time, including the start.
        peak_rss: bytes, the maximum of a process, or of all together when they were checked.
        protections: name -> whether it was in force; see `protections`.
    """

    exit_code: int | None
    signal: int | None
    ended_for: str | None
    stdout: bytes
    stderr: bytes
    stdout_truncated: bool
    stderr_truncated: bool
    seconds: float
    peak_rss: int
    protections: dict[str, bool]

    @property
    def timed_out(self) -> bool:
        """Whether it ran out of wall time or CPU time."""
        return self.ended_for == "time" or self.signal == getattr(signal, "SIGXCPU", None)


class Protection(NamedTuple):
    """One of `protections`.

    Attributes:
        holds: whether this system can do it.
        meaning: its description in one line.
    """

    holds: bool
    meaning: str


class SandboxError(RuntimeError):
    """A command could not be run safely, and has not been run."""


def protections() -> dict[str, Protection]:
    """The protections on this system, found by a run that does nothing.

    Raises:
        SandboxError: nothing can be run in a sandbox.
    """
    holds = _in_force(_plan())
    return {name: Protection(holds[name], _MEANINGS[name][holds[name]]) for name in _MEANINGS}


_MEANINGS = {  # name: (meaning without it, meaning with it)
    "network": ("the command can use the network", "the command has no network"),
    "files": (
        "the command can read every file that its user can: keep solutions where it cannot",
        "the command reads only its own folder, the system's programs and this Python",
    ),
    "hidden": (
        "files to be hidden in a readable folder can still be read",
        "files to be hidden in a readable folder cannot be read",
    ),
    "user": (
        "the command runs as the user who grades, with that user's rights",
        "the command runs as a user who owns nothing but its folder",
    ),
    "processes": (
        "the command can see other processes; its own are searched for and killed after it",
        "the command sees only its own processes, and the kernel kills all of them with it",
    ),
    "ipc": (
        "shared memory and queues of the system are shared with the command",
        "the command has its own shared memory and queues",
    ),
    "privileges": (
        "the command may gain rights through programs that grant them, such as sudo",
        "no program can give the command more rights",
    ),
    "calls": (
        "the command may trace processes of its user and create namespaces",
        "the command cannot trace processes, create namespaces, or call io_uring, bpf, keys",
    ),
    "limits": (
        "memory is only checked five times a second",
        "the kernel limits each process, and the sum of all is checked five times a second",
    ),
}


def run(
    command: Sequence[str],
    folder: Path,
    *,
    limits: Limits = Limits(),
    input: bytes = b"",
    readable: Sequence[Path] = (),
    hidden: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
    channel: socket.socket | None = None,
    users: Sequence[tuple[int, int]] = USERS,
) -> Outcome:
    """Run an untrusted command until it ends or hits a limit; then none of its processes is alive.

    Everything it leaves in the folder (links, pipes) and writes is also untrusted.

    Args:
        command: the program and its arguments.
        folder: the current folder, which it may change. If it runs as another user, the folder is
            given to that user for good, and must be reachable for that user.
        input: its stdin.
        readable: files and folders besides the system's and this Python's.
        hidden: paths in them that it must not see; see the protection "hidden".
        environment: variables besides those for path, home, language and one thread.
        channel: passed to it as the descriptor named by `SANDBOX_CHANNEL` in its environment, and
            closed here.
        users: ranges for its user id: (first, count).

    Raises:
        SandboxError: it cannot be started, or not with the protections of this system.
    """
    return _run(
        _plan(), command, folder, limits, input, readable, hidden, environment or {}, users, channel
    )[0]


# ------------------------------------------------------------------------ possible protections


_MEASURES = ("userns", "net", "ipc", "pid", "root", "uid", "privileges", "landlock", "seccomp")
_planning = threading.Lock()


def _plan() -> frozenset[str]:
    with _planning:
        return _possible()


@cache
def _possible() -> frozenset[str]:
    """The largest set of measures that work together here."""
    if not IS_POSIX:
        raise SandboxError(
            "untrusted code cannot be run safely on Windows: use Linux, macOS, or WSL"
        )
    measures = set(_MEASURES if IS_LINUX else ("uid",))
    measures -= {"userns"} if os.getuid() == 0 else {"uid"}
    reason = ""
    for without in ((), ("uid",), ("root",), ("uid", "root"), tuple(measures)):
        with tempfile.TemporaryDirectory() as folder:
            try:
                outcome, taken = _run(
                    frozenset(measures.difference(without)),
                    [sys.executable, "-I", "-c", "print('ok')"],
                    Path(folder), Limits(), b"", (), (), {}, USERS, probing=True,
                )  # fmt: skip
            except SandboxError as error:
                reason = str(error)
                continue
        if outcome.stdout == b"ok\n":
            return frozenset(taken)
        reason = outcome.stderr.decode(errors="replace").strip() or f"{outcome}"
    raise SandboxError(f"nothing can be run in a sandbox here: {reason.splitlines()[-1]}")


def _in_force(taken: frozenset[str]) -> dict[str, bool]:
    return {
        "network": bool(taken & {"net", "seccomp"}),
        "files": bool(taken & {"root", "landlock"}),
        "hidden": "root" in taken,
        "user": "uid" in taken,
        "processes": "pid" in taken,
        "ipc": "ipc" in taken,
        "privileges": "privileges" in taken,
        "calls": "seccomp" in taken,
        "limits": IS_LINUX,
    }


# ------------------------------------------------------------------------ one run


def _run(
    plan: frozenset[str],
    command: Sequence[str],
    folder: Path,
    limits: Limits,
    input: bytes,
    readable: Sequence[Path],
    hidden: Sequence[Path],
    environment: Mapping[str, str],
    users: Sequence[tuple[int, int]],
    channel: socket.socket | None = None,
    *,
    probing: bool = False,
) -> tuple[Outcome, list[str]]:
    """Returns the outcome and the measures taken."""
    folder = folder.resolve()
    paths = [Path(sys.prefix), Path(sys.base_prefix), *readable]
    mark = secrets.token_hex(16)
    spec = {
        "plan": sorted(plan),
        "probing": probing,
        "parent": os.getpid(),
        "command": list(command),
        "folder": str(folder),
        "readable": sorted(
            {str(form) for path in paths for form in (path.absolute(), path.resolve())}
        ),
        "hidden": sorted(str(path.resolve()) for path in hidden),
        "users": users,
        "scratch": limits.scratch,
        "environment": {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "USER": "student",
            "LANG": "C.UTF-8",
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **({} if "pid" in plan else {MARK: mark}),
            **({CHANNEL: str(channel.fileno())} if channel else {}),
            **environment,
        },
        "limits": {
            "RLIMIT_CPU": limits.cpu_seconds,
            "RLIMIT_AS": limits.address_space,
            "RLIMIT_NPROC": limits.processes + (0 if "uid" in plan else _processes_of_user()),
            "RLIMIT_FSIZE": limits.file_size,
            "RLIMIT_NOFILE": limits.open_files,
            "RLIMIT_CORE": 0,
        },
    }
    started = time.monotonic()
    ours, theirs = socket.socketpair()
    # Not preexec_fn: between fork and exec, a process with threads can run hardly any Python, and
    # an error there is hard to report. A launcher starts clean, without our memory.
    with ours:
        with theirs, channel or contextlib.nullcontext():
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", str(LAUNCHER), str(theirs.fileno())],
                stdin=subprocess.PIPE if input else subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                pass_fds=[end.fileno() for end in (theirs, channel) if end],
                start_new_session=True, env={}, cwd="/",
            )  # fmt: skip
        watched = _Watched(process, ours, folder, limits, mark if "pid" not in plan else None)
        try:
            with contextlib.suppress(OSError):  # it ended at once, without any message
                ours.sendall(json.dumps(spec).encode() + b"\n")
            watched.communicate(input, started + limits.seconds)
        finally:
            watched.end()
    messages = watched.messages()
    if "error" in messages or "taken" not in messages:
        reason = messages.get("error") or watched.stderr.decode(errors="replace").strip()
        raise SandboxError(f"the command could not be started: {reason or 'no message came back'}")
    code = os.waitstatus_to_exitcode(messages.get("code", int(signal.SIGKILL)))
    taken = messages["taken"]
    outcome = Outcome(
        exit_code=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        ended_for=watched.ended_for,
        stdout=bytes(watched.stdout),
        stderr=bytes(watched.stderr),
        stdout_truncated=watched.written["stdout"] > limits.output,
        stderr_truncated=watched.written["stderr"] > limits.output,
        seconds=time.monotonic() - started,
        peak_rss=max(watched.peak, messages.get("rss", 0)),
        protections=_in_force(frozenset(taken)),
    )
    return outcome, taken


class _Watched:
    """A run seen from outside: its pipes, and what it uses."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        status: socket.socket,
        folder: Path,
        limits: Limits,
        mark: str | None,
    ) -> None:
        self.process = process
        self.status = status
        self.folder = folder
        self.limits = limits
        self.mark = mark
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.said = bytearray()
        self.written = {"stdout": 0, "stderr": 0}
        self.ended_for: str | None = None
        self.peak = 0

    def communicate(self, input: bytes, deadline: float) -> None:
        """Pass bytes in and out until the command has ended or must be stopped."""
        left = memoryview(input)
        look = time.monotonic() + WATCH
        with selectors.DefaultSelector() as selector:
            selector.register(self.status, selectors.EVENT_READ, "status")
            for name in ("stdout", "stderr"):
                pipe: IO[bytes] = getattr(self.process, name)
                os.set_blocking(pipe.fileno(), False)
                selector.register(pipe, selectors.EVENT_READ, name)
            if self.process.stdin:
                os.set_blocking(self.process.stdin.fileno(), False)
                selector.register(self.process.stdin, selectors.EVENT_WRITE, "stdin")
            while True:
                now = time.monotonic()
                if now >= deadline:
                    self.ended_for = "time"
                    return
                if now >= look:
                    self.ended_for = self._excess()
                    if self.ended_for:
                        return
                    look = time.monotonic() + WATCH
                for key, _ in selector.select(max(0.0, min(deadline, look) - now)):
                    if key.data == "status":
                        part = self.status.recv(1 << 16)
                        self.said += part
                        if not part or b'"code"' in part or b'"error"' in part:
                            return
                    elif key.data == "stdin":
                        try:
                            left = left[os.write(key.fd, left[: 1 << 16]) :]
                        except BlockingIOError:
                            continue
                        except BrokenPipeError:
                            left = left[:0]
                        if not left:
                            selector.unregister(key.fileobj)
                            self.process.stdin.close()  # type: ignore[union-attr]
                    elif not self._read(key.data, key.fd):
                        selector.unregister(key.fileobj)
                if max(self.written.values()) > self.limits.output_total:
                    self.ended_for = "output"
                    return

    def _read(self, name: str, descriptor: int) -> bool:
        """Keep the beginning of the output; returns whether more can come."""
        try:
            part = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return True
        kept: bytearray = getattr(self, name)
        kept += part[: max(0, self.limits.output - len(kept))]
        self.written[name] += len(part)
        return bool(part)

    def _excess(self) -> str | None:
        """The limit that all processes together exceed, if any."""
        found = list(_below(self.process.pid))
        self.peak = max(self.peak, sum(memory for _, _, memory in found))
        if self.peak > self.limits.memory:
            return "memory"
        if sum(threads for _, threads, _ in found) > self.limits.processes + 2:  # our own two
            return "processes"
        if _size_of(self.folder) > self.limits.folder_size:
            return "folder"
        return None

    def end(self) -> None:
        """Kill all processes, read the rest of the pipes, and close them."""
        deadline = time.monotonic() + GRACE
        if self.mark is None and self.ended_for is None:  # its init ends, and all others with it
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=GRACE / 2)
        # The launcher ends by itself when nothing is left below it; killed, it could not say so.
        while self.process.poll() is None and time.monotonic() < deadline:
            for pid, _, _ in _below(self.process.pid):
                _kill(pid)
            time.sleep(0.002)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.mark:
            while time.monotonic() < deadline and (found := list(_marked(self.mark))):
                for pid in found:
                    _kill(pid)
                time.sleep(0.002)
        with contextlib.suppress(OSError):
            while part := self.status.recv(1 << 16, getattr(socket, "MSG_DONTWAIT", 0)):
                self.said += part
        for name in ("stdout", "stderr"):
            pipe: IO[bytes] = getattr(self.process, name)
            while time.monotonic() < deadline:
                before = self.written[name]
                if not self._read(name, pipe.fileno()):
                    break
                if self.written[name] == before:  # another process has it open
                    time.sleep(0.002)
            pipe.close()
        if self.process.stdin:
            with contextlib.suppress(OSError):
                self.process.stdin.close()

    def messages(self) -> dict[str, Any]:
        """The launcher's messages."""
        found: dict[str, Any] = {}
        for line in bytes(self.said).splitlines(keepends=True):
            if line.endswith(b"\n"):
                found |= json.loads(line)
        return found


# ------------------------------------------------------------------------ processes and files


def _kill(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def _processes() -> Iterator[tuple[int, int, int, int]]:
    """(number, parent, threads, bytes of memory of its own) of all processes."""
    if not IS_LINUX:
        listed = _ps("-axo", "pid=,ppid=,rss=").split()
        for pid, parent, kilobytes in zip(*[iter(map(int, listed))] * 3, strict=False):
            yield pid, parent, 1, kilobytes * 1024
        return
    page = os.sysconf("SC_PAGE_SIZE")
    for name in os.listdir("/proc"):  # noqa: PTH208, as fast as can be
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                    fields = file.read().rpartition(b")")[2].split()
                with open(f"/proc/{name}/statm", "rb") as file:  # noqa: PTH123
                    memory = file.read().split()
                yield (
                    int(name),
                    int(fields[1]),
                    int(fields[17]),
                    (int(memory[1]) - int(memory[2])) * page,
                )
            except (OSError, IndexError):  # it has ended
                continue


def _below(top: int) -> Iterator[tuple[int, int, int]]:
    """(number, threads, bytes) of all descendants of a process."""
    children: dict[int, list[tuple[int, int, int]]] = {}
    for pid, parent, threads, memory in _processes():
        children.setdefault(parent, []).append((pid, threads, memory))
    waiting = children.get(top, [])
    for process in waiting:  # grows
        waiting += children.get(process[0], [])
        yield process


def _marked(mark: str) -> Iterator[int]:
    """Processes with the mark of a run in their environment, except those that have ended."""
    if not IS_LINUX:
        for line in _ps("-axEww", "-o", "pid=,command=").splitlines():
            if f"{MARK}={mark}" in line:
                yield int(line.split(None, 1)[0])
        return
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:  # noqa: PTH123
                if f"{MARK}={mark}".encode() in file.read():
                    yield int(name)


def _ps(*options: str) -> str:
    return subprocess.run(
        ["ps", *options], stdout=subprocess.PIPE, check=False, encoding="utf-8", errors="replace"
    ).stdout


def _processes_of_user() -> int:
    """Number of this user's current threads: the kernel's limit is per user."""
    user = os.getuid()
    if not IS_LINUX:
        return len(_ps("-U", str(user), "-o", "pid=").split())
    count = 0
    for pid, _, threads, _ in _processes():
        with contextlib.suppress(OSError):
            count += threads * (os.stat(f"/proc/{pid}").st_uid == user)  # noqa: PTH116
    return count


def _size_of(folder: Path, most: int = 10_000) -> float:
    """Bytes of the files in a folder; infinite if they are too many or too deep to check."""
    total = count = 0
    waiting = [str(folder)]
    for place in waiting:  # grows
        if len(place) > 4000:  # a longer path cannot be checked
            return float("inf")
        with contextlib.suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                count += 1
                if count > most:
                    return float("inf")
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
    return total
