"""Untrusted code: what it tries, and what remains of it."""

from __future__ import annotations

import os
import signal
import socket
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from teaching import sandbox
from teaching.sandbox import MB, Limits, Outcome, SandboxError

LINUX = pytest.mark.skipif(not sandbox.IS_LINUX, reason="macOS does not hold this back")
pytestmark = [
    pytest.mark.slow,  # it starts code that misbehaves on purpose
    pytest.mark.skipif(not sandbox.IS_POSIX, reason="Windows has no sandbox"),
]
LIMITS = Limits(seconds=20, cpu_seconds=20, address_space=1000 * MB, memory=300 * MB)
NAMESPACES = {"userns", "net", "ipc", "pid", "root", "uid"}
Runner = Callable[..., Outcome]


@pytest.fixture(params=["all", "without namespaces"])
def python(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runner]:
    """Run code in its own folder; afterwards, none of its processes may be alive."""
    plan = sandbox._plan()
    if request.param != "all":
        rest = {"landlock"} if sandbox.IS_LINUX and landlock() else set()
        less = frozenset(plan - NAMESPACES | rest)
        monkeypatch.setattr(sandbox, "_possible", lambda: less)
    folder = tmp_path / "work"
    folder.mkdir()

    def run(code: str, *, limits: Limits = LIMITS, **options: Any) -> Outcome:
        command = [sys.executable, "-I", "-c", textwrap.dedent(code)]
        return sandbox.run(command, folder, limits=limits, **options)

    yield run
    assert left_in(folder) == []


def landlock() -> bool:
    import ctypes

    libc = ctypes.CDLL(None)
    return bool(libc.syscall(444, None, 0, 1) > 0)


def left_in(folder: Path) -> list[str]:
    """Processes whose current folder is this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").samefile(folder):  # under another name, in its own mounts
                found.append(process.name)
        except OSError:
            continue
    return found


def test_what_a_run_says(python: Runner) -> None:
    outcome = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (outcome.exit_code, outcome.signal, outcome.ended_for) == (3, None, None)
    assert (outcome.stdout, outcome.stderr) == (b"out\n", b"err\n")
    assert not outcome.timed_out
    assert not outcome.stdout_truncated
    assert 0 < outcome.seconds < 20
    assert MB < outcome.peak_rss < 300 * MB
    assert outcome.protections.keys() == sandbox.protections().keys()


def test_each_protection_has_one_line_either_way() -> None:
    for name, (without, with_it) in sandbox._MEANINGS.items():
        assert "\n" not in without + with_it, name
    assert any(holds for holds, _ in sandbox.protections().values())


@pytest.mark.parametrize(
    ("code", "exit_code", "number"),
    [
        ("import os; os._exit(7)", 7, None),
        ("import os; os.kill(os.getpid(), 15)", None, signal.SIGTERM),
        ("import os; os.abort()", None, signal.SIGABRT),
        ("import ctypes; ctypes.string_at(0)", None, signal.SIGSEGV),
    ],
)
def test_ends_in_other_ways(
    python: Runner, code: str, exit_code: int | None, number: int | None
) -> None:
    outcome = python(code)
    assert (outcome.exit_code, outcome.signal) == (exit_code, number)


def test_endless_loop(python: Runner) -> None:
    outcome = python("while True: pass", limits=Limits(seconds=1))
    assert outcome.timed_out
    assert outcome.ended_for == "time"
    assert outcome.seconds < 4


def test_processor_time(python: Runner) -> None:
    outcome = python("while True: pass", limits=Limits(seconds=20, cpu_seconds=1))
    assert outcome.timed_out
    assert outcome.signal == signal.SIGXCPU


def test_ignored_signals(python: Runner) -> None:
    outcome = python(
        """
        import signal, time
        for number in range(1, signal.NSIG):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        print("ready", flush=True)
        while True:
            time.sleep(1)
        """,
        limits=Limits(seconds=1.5),
    )
    assert outcome.timed_out
    assert outcome.stdout == b"ready\n"
    assert outcome.seconds < 5


@LINUX
def test_a_child_that_leaves_its_group_does_not_outlive(python: Runner) -> None:
    outcome = python(
        """
        import os, signal, time
        ready, told = os.pipe()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                os.write(told, b"x")
                for descriptor in range(3):
                    os.close(descriptor)
                os.execve("/bin/sleep", ["sleep", "300"], {})
            os._exit(0)
        os.read(ready, 1)
        print("gone", flush=True)
        os._exit(0)
        """
    )
    assert outcome.stdout == b"gone\n"
    assert outcome.seconds < 4


def test_a_child_that_holds_the_pipes_open_does_not_delay(python: Runner) -> None:
    outcome = python("import os, time; os.fork() or (os.setsid(), time.sleep(300))")
    assert outcome.exit_code == 0
    assert outcome.seconds < 4


@LINUX
def test_fork_bomb(python: Runner) -> None:
    outcome = python(
        """
        import os, time
        for _ in range(30):  # 30 times the limit below at most, should it fail
            try:
                os.fork() or time.sleep(300)
            except BlockingIOError:
                print("refused", flush=True)
                time.sleep(300)
        time.sleep(300)
        """,
        limits=Limits(seconds=2, processes=8),
    )
    assert outcome.ended_for == ("processes" if b"refused" not in outcome.stdout else "time")
    assert outcome.seconds < 6


@LINUX
def test_address_space(python: Runner) -> None:
    outcome = python("x = bytearray(2 << 30)")
    assert outcome.exit_code == 1
    assert b"MemoryError" in outcome.stderr


def test_memory_of_several_processes(python: Runner) -> None:
    outcome = python(
        """
        import os, time
        for _ in range(3):
            if os.fork() == 0:
                x = b"x" * 60_000_000
                time.sleep(300)
        time.sleep(300)
        """,
        limits=Limits(seconds=20, memory=120 * MB),
    )
    assert outcome.ended_for == "memory"
    assert outcome.peak_rss > 120 * MB
    assert outcome.seconds < 10


def test_a_file_beyond_the_limit(python: Runner, tmp_path: Path) -> None:
    outcome = python(
        "open('big', 'wb', buffering=0).write(b'x' * 3_000_000)\n"
        "open('big', 'ab', buffering=0).write(b'x')",
        limits=Limits(seconds=20, file_size=MB),
    )
    assert outcome.exit_code == 1
    assert b"File too large" in outcome.stderr
    assert (tmp_path / "work" / "big").stat().st_size <= MB


def test_many_files(python: Runner) -> None:
    outcome = python(
        """
        import time
        for i in range(30):
            open(f"{i}", "wb").write(bytes(1_000_000))
        time.sleep(300)
        """,
        limits=Limits(seconds=20, folder_size=10 * MB),
    )
    assert outcome.ended_for == "folder"


def test_open_files(python: Runner) -> None:
    outcome = python(
        "files = [open('/dev/null') for _ in range(100)]", limits=Limits(seconds=20, open_files=50)
    )
    assert b"Too many open files" in outcome.stderr


def test_much_output_is_thrown_away(python: Runner) -> None:
    code = """
        import sys
        for _ in range(100):
            sys.stdout.write("x" * 1_000_000)
        sys.stderr.write("end")
        """
    outcome = python(code, limits=Limits(seconds=20, output=1000, output_total=200 * MB))
    assert outcome.exit_code == 0
    assert outcome.stdout == b"x" * 1000
    assert outcome.stdout_truncated
    assert outcome.stderr == b"end"
    assert not outcome.stderr_truncated
    outcome = python(code, limits=Limits(seconds=20, output_total=10 * MB))
    assert outcome.ended_for == "output"
    assert len(outcome.stdout) == Limits().output


def test_input(python: Runner) -> None:
    code = "import sys; print(len(sys.stdin.buffer.read()))"
    assert python(code, input=b"x" * 3_000_000).stdout == b"3000000\n"
    assert python(code).stdout == b"0\n"
    # who does not read it is not waited for
    assert python("pass", input=b"x" * 3_000_000).exit_code == 0


def test_environment_and_descriptors(python: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_GRADER", "solution")
    with Path(__file__).open() as file:
        os.set_inheritable(file.fileno(), True)
        outcome = python(
            """
            import os
            print(*sorted(os.environ))
            for number in range(3, 100):
                try:
                    os.fstat(number)
                    print("open", number)
                except OSError:
                    pass
            print(os.environ["HOME"] == os.environ["TMPDIR"] == os.getcwd())
            """,
            environment={"GIVEN": "1"},
        )
    names, *rest = outcome.stdout.decode().splitlines()
    assert set(names.split()) - {sandbox.MARK, "LC_CTYPE", "__CF_USER_TEXT_ENCODING"} == {
        "GIVEN", "HOME", "LANG", "OMP_NUM_THREADS", "PATH", "PYTHONDONTWRITEBYTECODE", "TMPDIR",
        "USER",
    }  # fmt: skip
    assert rest == ["True"]


def test_network(python: Runner) -> None:
    if not python("").protections["network"]:
        pytest.skip("this system keeps nobody from the network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        outcome = python(
            f"""
            import socket
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                try:
                    s = socket.socket(socket.AF_INET, kind)
                    s.connect(("127.0.0.1", {server.getsockname()[1]}))
                    s.send(b"x")
                    print("sent")
                except OSError as error:
                    print("refused")
            """
        )
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert outcome.stdout == b"refused\nrefused\n"


@LINUX
def test_unix_sockets_of_the_same_user(python: Runner, tmp_path: Path) -> None:
    if not python("").protections["calls"]:
        pytest.skip("this system has no filter of calls")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        tmp_path.chmod(0o755)
        (tmp_path / "s").chmod(0o700)
        outcome = python(
            f"import socket; socket.socket(socket.AF_UNIX).connect({server.getsockname()!r})"
        )
    assert outcome.exit_code == 1


def test_files_elsewhere(python: Runner, tmp_path: Path) -> None:
    if not python("").protections["files"]:
        pytest.skip("this system lets all files be read")
    secret, given = tmp_path / "secret" / "solution.py", tmp_path / "given"
    secret.parent.mkdir()
    secret.write_text("x = 1")
    given.mkdir()
    (given / "test.py").write_text("y = 1")
    link = tmp_path / "work" / "link"
    link.symlink_to(secret)
    outcome = python(
        f"""
        import os
        paths = {[str(secret), str(link), str(given / "test.py"), __file__, "/etc/shadow"]}
        paths += ["/proc/1/root" + paths[0], "/proc/1/environ", "/proc/1/mem"]
        for path in paths:
            for mode in "rb", "ab":
                try:
                    open(path, mode).read(1) if mode == "rb" else open(path, mode)
                    print("yes", end=" ")
                except OSError:
                    print("no", end=" ")
            print()
        open("own", "w").write("x")
        """,
        readable=[given],
    )
    assert [line.split() for line in outcome.stdout.decode().splitlines()] == [
        ["no", "no"], ["no", "no"], ["yes", "no"], ["no", "no"], ["no", "no"],
        ["no", "no"], ["no", "no"], ["no", "no"],
    ]  # fmt: skip
    assert (tmp_path / "work" / "own").read_text() == "x"
    assert secret.read_text() == "x = 1"


def test_hidden_files(tmp_path: Path) -> None:
    if not sandbox.protections()["hidden"].holds:
        pytest.skip("no mounts of its own on this system")
    given = tmp_path / "given"
    (given / "solution").mkdir(parents=True)
    for path in (given / "solution" / "x", given / "file", given / "open"):
        path.write_text("x")
    work = tmp_path / "work"
    work.mkdir()
    code = f"""if True:
        for name in "solution/x", "file", "open":
            try:
                print(len(open({str(given)!r} + "/" + name).read()))
            except OSError:
                print("no")
        """
    outcome = sandbox.run(
        [sys.executable, "-I", "-c", code], work,
        readable=[given], hidden=[given / "solution", given / "file"],
    )  # fmt: skip
    assert outcome.stdout.split()[0] == b"no"
    assert outcome.stdout.split()[1] in (b"no", b"0")
    assert outcome.stdout.split()[2] == b"1"


def test_another_user(tmp_path: Path) -> None:
    if "uid" not in sandbox._plan():
        pytest.skip("only root can be another user")
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)
    (work / "link").symlink_to(tmp_path)
    code = """if True:
        import os
        print(os.getuid(), os.getgroups())
        for action in (lambda: os.setuid(0), lambda: os.chown(".", 0, 0), lambda: os.chroot(".")):
            try:
                action()
                print("done")
            except OSError:
                pass
        open("sub/x", "w")
        """
    outcome = sandbox.run([sys.executable, "-I", "-c", code], work, users=[(50_000, 1)])
    assert outcome.stdout == b"50000 []\n"
    assert outcome.exit_code == 0
    assert (work / "sub" / "x").stat().st_uid == 50_000
    assert tmp_path.stat().st_uid == os.getuid()


@LINUX
def test_devices_stay_what_they_are(python: Runner) -> None:
    before = Path("/dev/null").stat()
    python("import os; open('/dev/null', 'w').write('x'); open('/dev/stdout', 'w').write('x')")
    after = Path("/dev/null").stat()
    assert (before.st_uid, before.st_gid, before.st_mode) == (0, 0, after.st_mode)
    assert (after.st_uid, after.st_gid) == (0, 0)


@LINUX
def test_processes_outside_cannot_be_seen_or_killed(python: Runner) -> None:
    if not python("").protections["processes"]:
        pytest.skip("this system has no namespaces of processes, or they are left out here")
    outcome = python(
        f"""
        import os
        print(sorted(n for n in os.listdir("/proc") if n.isdigit()))
        for pid in ({os.getpid()}, 1, 0, -1):
            if pid == 0:
                import signal
                signal.signal(15, lambda *_: None)
            try:
                os.kill(pid, 15)
            except OSError:
                pass
        print("alive")
        """
    )
    assert outcome.stdout == b"['1', '2']\nalive\n"


@LINUX
def test_tracing_and_namespaces_are_forbidden(python: Runner) -> None:
    if not python("").protections["calls"]:
        pytest.skip("this system has no filter of calls")
    outcome = python(
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        parent = os.getppid()
        print(libc.unshare(0x10000000), libc.ptrace(16, parent, 0, 0), libc.syscall(425, 1, 0))
        """
    )
    assert outcome.stdout == b"-1 -1 -1\n"


def test_what_python_needs_works(python: Runner) -> None:
    outcome = python(
        """
        import multiprocessing, subprocess, tempfile, threading, pwd, os, random, ssl, sys
        thread = threading.Thread(target=print, args=["thread"])
        thread.start()
        thread.join()
        with tempfile.NamedTemporaryFile() as file:
            file.write(os.urandom(5))
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        process = context.Process(target=queue.put, args=[b"process"])
        process.start()
        print(queue.get())
        process.join()
        subprocess.run([sys.executable, "-c", "print('child')"])
        """
    )
    assert outcome.stderr == b""
    assert outcome.stdout == b"thread\nb'process'\nchild\n" or b"child" in outcome.stdout


def test_windows_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "IS_POSIX", False)
    with pytest.raises(SandboxError, match=r"^untrusted .* Windows: use Linux, macOS, or WSL$"):
        sandbox._possible.__wrapped__()


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"/no/such: No such file or directory$"):
        sandbox.run(["/no/such"], tmp_path)


def test_what_this_system_has_must_be_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = sandbox._plan()
    if "uid" not in plan:
        pytest.skip("only root can be another user")
    monkeypatch.setattr(sandbox, "_possible", lambda: plan)
    with pytest.raises(SandboxError, match=r"could not be started: uid: "):
        sandbox.run([sys.executable, "-c", ""], tmp_path, users=[(2**32 - 1, 1)])


def test_many_runs_leave_nothing(tmp_path: Path) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    threads, files = threading.active_count(), len(list(Path("/dev/fd").iterdir()))
    folder = tmp_path / "work"
    folder.mkdir()
    sandbox.protections()
    start = time.monotonic()
    for _ in range(50):
        assert sandbox.run(["/bin/sh", "-c", "exit 0"], folder).exit_code == 0
    assert time.monotonic() - start < 30
    assert left_in(folder) == []
    assert list(folder.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == before | {"work"}
    assert threading.active_count() == threads
    assert len(list(Path("/dev/fd").iterdir())) == files


def test_runs_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    found = {}

    def one(number: int) -> None:
        folder = tmp_path / f"{number}"
        folder.mkdir()
        code = f"import os, time; open('x', 'w'); time.sleep(0.3); print({number}, os.getuid())"
        found[number] = sandbox.run([sys.executable, "-c", code], folder, limits=LIMITS).stdout

    threads = [threading.Thread(target=one, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number].split()[0] for number in range(4)] == [b"0", b"1", b"2", b"3"]
    if "uid" in sandbox._plan():
        assert len({output.split()[1] for output in found.values()}) == 4


@LINUX
def test_a_grader_that_is_killed_takes_its_runs_along(tmp_path: Path) -> None:
    import subprocess

    work = tmp_path / "work"
    work.mkdir()
    code = f"""if True:
        import sys
        from pathlib import Path
        from teaching import sandbox
        command = [sys.executable, "-c", "import time; open('x', 'w'); time.sleep(300)"]
        sandbox.run(command, Path({str(work)!r}))
        """
    grader = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + 20
    while not (work / "x").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left_in(work)
    grader.kill()
    grader.wait()
    while left_in(work) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left_in(work) == []
