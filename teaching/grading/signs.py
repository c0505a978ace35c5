"""Code that no solution needs: the teacher should look at it, but it does not affect points."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

MODULES = {  # for access to Python's internals, the tests or the system
    "_pytest", "_thread", "_xxsubinterpreters", "asyncio", "atexit", "builtins", "ctypes", "dis",
    "fakes", "gc", "http", "linecache", "marshal", "mmap", "pdb", "pty", "pytest", "requests",
    "resource", "runpy", "select", "selectors", "signal", "site", "socket", "steps", "subprocess",
    "teaching", "threading", "traceback", "tracemalloc", "unittest", "urllib", "weakref",
}  # fmt: skip
CALLS = {"eval", "exec", "compile", "__import__", "breakpoint", "memoryview"}
ATTRIBUTES = {
    "_exit", "_get_current_function_mode", "_getframe", "__bases__", "__builtins__", "__class__",
    "__closure__", "__code__", "__globals__", "__subclasses__", "currentframe", "execv", "f_back",
    "f_globals", "f_locals", "fork", "forkpty", "get_objects", "get_referrers", "getmembers",
    "getsource", "kill", "killpg", "memfd_create", "meta_path", "mkfifo", "modules", "popen",
    "posix_spawn", "register_module_forward_hook", "setrecursionlimit", "settrace", "setprofile",
    "stack", "symlink", "system",
}  # fmt: skip
TEXTS = (
    "/autograder", "/dev/", "/etc/", "/proc/", "conftest", "results.json", "unit_tests",
    "teaching.", "teaching/",
)  # fmt: skip
COMPARED = {"__eq__", "__ne__", "__lt__", "__gt__", "__le__", "__ge__", "__array_ufunc__",
            "__instancecheck__", "__torch_function__", "__array__", "__reduce__"}  # fmt: skip
LIMIT = 20


def signs_in(source: bytes) -> list[str]:
    """A line for each thing in a file that the assignment does not need."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    try:
        found = dict.fromkeys(f"line {line}: {what}" for line, what in _signs(tree))
    except RecursionError:
        return ["line 1: its expressions are nested too deeply"]
    return sorted(found, key=lambda text: int(text.split()[1].rstrip(":")))[:LIMIT]


def _signs(tree: ast.Module) -> Iterator[tuple[int, str]]:
    libraries: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                libraries.add(alias.asname or top)
                if top in MODULES:
                    yield node.lineno, f"imports {alias.name}"
        elif isinstance(node, ast.ImportFrom):
            libraries |= {alias.asname or alias.name for alias in node.names}
            top = (node.module or "").partition(".")[0]
            if top in MODULES:
                yield node.lineno, f"imports from {node.module}"
            names = {alias.name for alias in node.names} & (ATTRIBUTES - {"system"})
            if names and top in ("os", "sys"):
                yield node.lineno, f"imports {', '.join(sorted(names))} from {top}"
        elif isinstance(node, ast.FunctionDef) and node.name in COMPARED:
            yield node.lineno, f"defines {node.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in CALLS:
                yield node.lineno, f"calls {node.func.id}"
            if node.func.id in ("setattr", "delattr") and node.args:
                target = node.args[0]
                if isinstance(target, ast.Name) and target.id in libraries:
                    yield node.lineno, f"changes {ast.unparse(target)}"
        elif isinstance(node, ast.Attribute):
            if node.attr in ATTRIBUTES and not _is_own_name(node):
                yield node.lineno, f"uses {ast.unparse(node)[:60]}"
            base = node.value
            if isinstance(node.ctx, ast.Store | ast.Del):
                while isinstance(base, ast.Attribute):
                    base = base.value
                if isinstance(base, ast.Name) and base.id in libraries:
                    yield node.lineno, f"changes {ast.unparse(node)[:60]}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            for text in TEXTS:
                if text in node.value and not _is_prose(node.value):
                    yield node.lineno, f"has the text {text!r}"


def _is_own_name(node: ast.Attribute) -> bool:
    """Allow self.__class__.__name__ and net.modules(), which are common."""
    of = node.value.id if isinstance(node.value, ast.Name) else ""
    needed = {"modules": "sys", "stack": "inspect"}.get(node.attr)  # torch.stack, net.modules()
    return node.attr == "__class__" or (needed is not None and of != needed)


def _is_prose(text: str) -> bool:
    """Whether it may be a docstring, which may name the tests."""
    return text.count(" ") > 4
