"""Started by `sandbox.run`: drops its privileges, then becomes the untrusted command.

There are three processes. The first stays outside and supervises; the second is the init of the
namespaces, if there are any, and waits; the third becomes the command. Run as
`python -I -S sandbox_launcher.py DESCRIPTOR`; the descriptor is a socket over which a line of
JSON comes, and lines of JSON go back. The untrusted command does not inherit it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import resource
import signal
import stat
import struct
import sys
from collections.abc import Callable
from typing import Any, NoReturn

LIBC = ctypes.CDLL(None, use_errno=True)
IS_LINUX = sys.platform.startswith("linux")

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER = 0x00020000, 0x08000000, 0x10000000
CLONE_NEWUTS, CLONE_NEWPID, CLONE_NEWNET = 0x04000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE = 442, -100, 0x8000  # the number is the same on every machine
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 22, 24
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 36, 38

NEW_ROOT = "/sys"  # covered only in our own mounts; nothing in it is needed
DEVICES = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"]
SYSTEM = [
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/etc/alternatives",
    "/etc/fonts", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime",
]  # fmt: skip


def main() -> None:
    """Read the specification, and run it."""
    status = int(sys.argv[1])
    os.set_inheritable(status, False)
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(status, 1 << 16)
        if not part:
            return
        line += part
    spec = json.loads(line)
    launcher = Launcher(spec, status)
    try:
        launcher.launch()
    except OSError as error:
        launcher.tell(error=f"{launcher.doing}: {os.strerror(error.errno or errno.EIO)}")
        os._exit(126)


class Launcher:
    """One run. `spec` is made in `sandbox.run`."""

    def __init__(self, spec: dict[str, Any], status: int) -> None:
        self.spec = spec
        self.status = status
        self.taken: list[str] = []
        self.failed: dict[str, str] = {}
        self.doing = "start"
        self.user: int | None = None

    def tell(self, **message: Any) -> None:
        """Send a line to the trusted process."""
        os.write(self.status, json.dumps(message).encode() + b"\n")

    def attempt(self, name: str, action: Callable[[], object]) -> None:
        """Take a measure, if it is in the plan.

        While the plan is being made, it may fail; later, what worked before must work.
        """
        if name not in self.spec["plan"]:
            return
        self.doing = name
        try:
            action()
        except OSError as error:
            if not self.spec["probing"]:
                raise
            self.failed[name] = os.strerror(error.errno or errno.EIO)
        else:
            self.taken.append(name)

    def launch(self) -> NoReturn:
        """In the first process."""
        die_with_parent()
        if os.getppid() != self.spec["parent"]:
            os._exit(1)
        if IS_LINUX:
            prctl(PR_SET_CHILD_SUBREAPER, 1)
        number = os.getpid()
        self.attempt("userns", become_root_of_own)
        self.attempt("net", lambda: unshare(CLONE_NEWNET))
        self.attempt("ipc", lambda: unshare(CLONE_NEWIPC | CLONE_NEWUTS))
        self.attempt("root", lambda: unshare(CLONE_NEWNS))
        self.attempt("pid", lambda: unshare(CLONE_NEWPID))
        self.doing = "fork"
        if IS_LINUX:
            with contextlib.suppress(OSError):  # if memory runs out, the kernel kills this first
                write("/proc/self/oom_score_adj", "1000")
            prctl(PR_SET_DUMPABLE, 0)  # the same user must not trace it
        if os.fork() == 0:
            self.become_init(number)
        os.closerange(0, 3)  # the pipes end when the command does
        while True:
            try:
                os.wait()
            except ChildProcessError:
                os._exit(0)

    def become_init(self, number: int) -> NoReturn:
        """In the second process; as init, it cannot be killed by those inside."""
        try:
            die_with_parent()
            self.attempt("uid", lambda: self.give_folder(number))
            if "root" in self.taken:
                self.taken.remove("root")
                self.attempt("root", self.build_root)
            self.doing = "fork"
            child = os.fork()
            if child == 0:
                self.become_command()
            os.closerange(0, 3)
            most = 0
            while True:
                pid, code, usage = os.wait3(0)
                most = max(most, usage.ru_maxrss * (1024 if IS_LINUX else 1))
                if pid == child:
                    self.tell(code=code, rss=most)
                    os._exit(0)
        except OSError as error:
            self.tell(error=f"{self.doing}: {os.strerror(error.errno or errno.EIO)}")
        finally:
            os._exit(126)

    def become_command(self) -> NoReturn:
        """In the third process."""
        spec = self.spec
        try:
            self.doing = "session"
            os.setsid()  # kill(0) must not reach the other two
            os.umask(0o022)
            if self.user is not None and "uid" in self.taken:
                self.doing = "uid"
                for descriptor in range(3):  # to be opened again, as /dev/stdout
                    if stat.S_ISFIFO(os.fstat(descriptor).st_mode):  # not the system's /dev/null
                        os.fchown(descriptor, self.user, self.user)
                os.setgroups([])
                os.setgid(self.user)  # as root, this sets the saved id too
            if IS_LINUX:
                for capability in range(64):  # EINVAL: there are fewer; EPERM: we have none
                    LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
            if self.user is not None and "uid" in self.taken:
                os.setuid(self.user)
                if os.getuid() != self.user or os.getgid() != self.user:
                    raise OSError(errno.EPERM, "")  # -1 means no change
            die_with_parent()  # the change of user has reset it
            self.attempt("privileges", lambda: prctl(PR_SET_NO_NEW_PRIVS, 1))
            if "root" not in self.taken:
                self.attempt("landlock", self.restrict_files)
            self.attempt("seccomp", self.restrict_sockets_and_calls)
            self.doing = spec["folder"]
            os.chdir(spec["folder"])
            for name, value in spec["limits"].items():
                self.doing = name
                self.set_limit(getattr(resource, name, None), value)
            for number in range(1, signal.NSIG):  # Python ignores SIGPIPE and SIGXFSZ
                with contextlib.suppress(OSError, ValueError):
                    signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            self.doing = spec["command"][0]
            self.tell(taken=self.taken, failed=self.failed, user=self.user)
            os.execvpe(spec["command"][0], spec["command"], spec["environment"])
        except OSError as error:
            self.tell(error=f"{self.doing}: {os.strerror(error.errno or errno.EIO)}")
        finally:
            os._exit(126)

    def set_limit(self, kind: int | None, value: int) -> None:
        """Set the hard limit too; a lower existing one stays."""
        if kind is None:
            return
        soft, hard = (value, value + 1) if kind == resource.RLIMIT_CPU else (value, value)
        _, own = resource.getrlimit(kind)
        if own != resource.RLIM_INFINITY:
            soft, hard = min(soft, own), min(hard, own)
        try:
            resource.setrlimit(kind, (soft, hard))
        except (OSError, ValueError):
            if IS_LINUX:
                raise

    def give_folder(self, number: int) -> None:
        """Choose an unused user id, and give it the folder; the number is unique at a time."""
        folder = self.spec["folder"]
        for first, count in self.spec["users"]:
            user = first + number % count
            try:
                os.chown(folder, user, user)
                break
            except OSError:  # the container knows fewer users
                if [first, count] == self.spec["users"][-1]:
                    raise
        for place, folders, files in os.walk(folder):
            for name in folders + files:
                path = os.path.join(place, name)  # noqa: PTH118
                found = os.lstat(path)  # another name of the file may be outside
                if name in folders or found.st_nlink == 1:
                    os.lchown(path, user, user)
        os.chmod(folder, 0o700)  # noqa: PTH101
        self.user = user

    def build_root(self) -> None:
        """A root folder with the system's programs, the readable paths, and the folder."""
        spec = self.spec
        scratch = f"mode=1777,size={spec['scratch']}"
        mount("none", "/", None, MS_REC | MS_PRIVATE)
        mount("tmpfs", NEW_ROOT, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m")
        places = [(path, True) for path in dict.fromkeys(SYSTEM + spec["readable"])]
        for path, readonly in sorted([*places, (spec["folder"], False)]):  # parents first
            bind(path, readonly)
        for path in DEVICES:
            bind(path, None)
        for path in ("/dev/shm", "/tmp"):
            # the folder may be in /tmp, and must stay visible
            if not any(
                place.startswith(path + "/") for place in [spec["folder"], *spec["readable"]]
            ):
                os.makedirs(NEW_ROOT + path, exist_ok=True)  # noqa: PTH103
                mount("tmpfs", NEW_ROOT + path, "tmpfs", MS_NOSUID | MS_NODEV, scratch)
        for name, target in [
            ("fd", "fd"),
            ("stdin", "fd/0"),
            ("stdout", "fd/1"),
            ("stderr", "fd/2"),
        ]:
            os.symlink(f"/proc/self/{target}", f"{NEW_ROOT}/dev/{name}")  # noqa: PTH211
        user = os.getuid() if self.user is None else self.user
        write(NEW_ROOT + "/etc/passwd", f"student:x:{user}:{user}::{spec['folder']}:/bin/sh\n")
        write(NEW_ROOT + "/etc/group", f"student:x:{user}:\n")
        for path in spec["hidden"]:
            if os.path.isdir(NEW_ROOT + path):  # noqa: PTH112
                flags = MS_NOSUID | MS_NODEV | MS_RDONLY
                mount("tmpfs", NEW_ROOT + path, "tmpfs", flags, "mode=0,size=4k")
            elif os.path.exists(NEW_ROOT + path):  # noqa: PTH110
                mount("/dev/null", NEW_ROOT + path, None, MS_BIND)
        if "pid" in self.taken:
            os.mkdir(NEW_ROOT + "/proc")  # noqa: PTH102
            mount("proc", NEW_ROOT + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        set_mount(NEW_ROOT, MS_RDONLY, recursive=False)
        os.chroot(NEW_ROOT)
        os.chdir("/")

    def restrict_sockets_and_calls(self) -> None:
        """Allow Unix sockets, which workers need, only where others' cannot be seen or opened."""
        restrict_calls(os.uname().machine, bool({"root", "uid"}.intersection(self.taken)))

    def restrict_files(self) -> None:
        """The same with Landlock, which needs no rights; names of other files are still visible."""
        version = LIBC.syscall(LANDLOCK_CREATE, None, 0, 1)
        if version < 1:
            raise OSError(ctypes.get_errno(), "no Landlock")
        everything = (1 << (13 + (version >= 2) + (version >= 3) + (version >= 5))) - 1
        attributes = struct.pack("=Q", everything)
        if version >= 6:  # no TCP; no signals and no abstract sockets to processes outside
            attributes = struct.pack("=QQQ", everything, 3, 3)
        rules = call(LIBC.syscall, LANDLOCK_CREATE, attributes, len(attributes), 0)
        look = 1 | 4 | 8  # execute, read a file, list a folder
        places = dict.fromkeys([*SYSTEM, "/proc", *self.spec["readable"]], look)
        places |= dict.fromkeys(DEVICES, everything)
        places["/dev/shm"] = everything
        places[self.spec["folder"]] = everything
        for path, rights in places.items():
            try:
                place = os.open(path, os.O_PATH)
            except OSError:
                continue
            if not os.path.isdir(path):  # noqa: PTH112
                rights &= 1 | 2 | 4 | 1 << 14
            rule = struct.pack("=Qi", rights, place)
            call(LIBC.syscall, LANDLOCK_ADD, rules, 1, rule, 0)
            os.close(place)
        call(LIBC.syscall, LANDLOCK_RESTRICT, rules, 0)
        os.close(rules)


# ------------------------------------------------------------------------ calls of Linux


def call(function: Callable[..., int], *args: object) -> int:
    """Call a function of C.

    Raises:
        OSError: it returned -1.
    """
    result = function(*args)
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def prctl(option: int, value: int) -> None:
    """Raises OSError."""
    call(LIBC.prctl, option, ctypes.c_ulong(value), 0, 0, 0)


def unshare(flags: int) -> None:
    """Raises OSError."""
    call(LIBC.unshare, flags)


def die_with_parent() -> None:
    """Be killed when the process that started this one ends."""
    if IS_LINUX:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def become_root_of_own() -> None:
    """Enter a user namespace, in which this user may create the other namespaces."""
    user, group = os.getuid(), os.getgid()
    unshare(CLONE_NEWUSER)
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"{user} {user} 1")
    write("/proc/self/gid_map", f"{group} {group} 1")
    die_with_parent()  # the change of rights has reset it


def write(path: str, text: str) -> None:
    """Raises OSError."""
    with open(path, "w") as file:  # noqa: PTH123
        file.write(text)


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """Raises OSError."""
    arguments = [
        None if text is None else os.fsencode(text) for text in (source, target, kind, data)
    ]
    call(LIBC.mount, *arguments[:3], ctypes.c_ulong(flags), arguments[3])


def set_mount(target: str, flags: int, *, recursive: bool) -> None:
    """Add attributes to a mount. Raises OSError."""
    attributes = struct.pack("=QQQQ", flags, 0, 0, 0)
    depth = AT_RECURSIVE if recursive else 0
    call(LIBC.syscall, MOUNT_SETATTR, AT_FDCWD, os.fsencode(target), depth, attributes, 32)


def bind(path: str, readonly: bool | None) -> None:
    """Make a path of the old root visible in the new one, if there is one; None: a device."""
    target = NEW_ROOT + path
    if os.path.islink(path):  # noqa: PTH114, such as /bin
        if not os.path.lexists(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
            os.symlink(os.readlink(path), target)  # noqa: PTH115, PTH211
        return
    if not os.path.exists(path):  # noqa: PTH110
        return
    if os.path.isdir(path):  # noqa: PTH112
        os.makedirs(target, exist_ok=True)  # noqa: PTH103
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
        if not os.path.exists(target):  # noqa: PTH110
            write(target, "")
    mount(path, target, None, MS_BIND | MS_REC)
    if readonly is not None:
        flags = MS_NOSUID | MS_NODEV | (MS_RDONLY if readonly else 0)
        set_mount(target, flags, recursive=True)


# The numbers on each system: ptrace, process_vm_readv, process_vm_writev, unshare, setns, mount,
# umount2, pivot_root, add_key, request_key, keyctl, bpf, perf_event_open, userfaultfd,
# io_uring_setup, open_by_handle_at, pidfd_getfd.
FORBIDDEN = {
    "x86_64": [
        101, 310, 311, 272, 308, 165, 166, 155, 248, 249, 250, 321, 298, 323, 425, 304, 438,
    ],
    "aarch64": [117, 270, 271, 97, 268, 40, 39, 41, 217, 218, 219, 280, 241, 282, 425, 265, 438],
}  # fmt: skip
MACHINES = {"x86_64": (0xC000003E, 41, 56), "aarch64": (0xC00000B7, 198, 220)}  # socket, clone
CLONE3, X32 = 435, 0x40000000
NAMESPACES = 0x7E020000


def restrict_calls(machine: str, unix_sockets: bool) -> None:
    """A filter of system calls: no sockets but Unix ones, no tracing, no new namespaces."""
    if machine not in MACHINES or sys.maxsize < 1 << 32:
        raise OSError(errno.ENOSYS, "")
    audit, socket, clone = MACHINES[machine]
    load, equal, above, bits, leave = 0x20, 0x15, 0x35, 0x45, 0x06
    deny, allow = 0x00050000 | errno.EPERM, 0x7FFF0000
    program = [(load, 0, 0, 4), (equal, 1, 0, audit), (leave, 0, 0, 0x80000000), (load, 0, 0, 0)]

    def forbid(code: int, number: int, answer: int = deny) -> None:
        program.extend([(code, 0, 1, number), (leave, 0, 0, answer)])

    forbid(above, X32)
    for number in FORBIDDEN[machine]:
        forbid(equal, number)
    forbid(
        equal, CLONE3, 0x00050000 | errno.ENOSYS
    )  # its flags are not visible to the filter; callers then try clone
    program += [(equal, 0, 3, clone), (load, 0, 0, 16), (bits, 0, 1, NAMESPACES)]
    program += [(leave, 0, 0, deny), (load, 0, 0, 0)]
    family = 1 if unix_sockets else X32  # X32 is not a family
    program += [(equal, 0, 3, socket), (load, 0, 0, 16), (equal, 1, 0, family)]
    program += [(leave, 0, 0, deny)]
    program += [(leave, 0, 0, allow)]
    code = b"".join(struct.pack("=HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code)
    filter_ = struct.pack("@HP", len(program), ctypes.addressof(buffer))
    call(LIBC.prctl, PR_SET_SECCOMP, 2, filter_, 0, 0)


if __name__ == "__main__":
    main()
