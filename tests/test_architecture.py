"""The house keeps its order: who imports whom, and that the public names suffice."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import reactor

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "reactor").rglob("*.py"))
EVERYTHING = [
    path
    for folder in ("reactor", "examples", "tests")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
TABLE = ROOT / "docs" / "architecture.md"


def name_of(path: Path) -> str:
    """The module in a file: `reactor.relay.server`, `reactor.testing` for an __init__.py."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): ast.parse(path.read_text(), str(path)) for path in SOURCES}


def order_of_rooms() -> list[str]:
    """The rooms of docs/architecture.md from the ground up, with the doors between the storeys.

    A folder that has a line there is one room, whatever files it has.
    """
    paths = re.findall(r"^\| `(reactor/[\w/.]+)` \|", TABLE.read_text(), re.MULTILINE)
    rooms = [path.removesuffix(".py").rstrip("/").replace("/", ".") for path in paths]
    for door in ("reactor.timeline", "reactor.relay"):
        storey = [room for room in rooms if room.startswith(f"{door}.")]
        rooms.insert(rooms.index(storey[-1]) + 1, door)
    upstairs = next(room for room in rooms if room.startswith("reactor.timeline."))
    rooms.insert(rooms.index(upstairs), "reactor")
    return rooms


ROOMS = order_of_rooms()


def room_of(module: str) -> str:
    """The room in which a module is: its own, or a folder's."""
    parts = module.split(".")
    above = (".".join(parts[:length]) for length in range(len(parts), 1, -1))
    return next((room for room in above if room in ROOMS), module)


def imports(module: str) -> Iterator[tuple[str, str | None]]:
    """Each import of a module: from where, and which name if it is a `from ... import`."""
    is_package = (ROOT / module.replace(".", "/")).is_dir()
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            base = parts[: len(parts) - node.level + is_package] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                # `from . import gso` brings a module, not a name of one.
                whole = f"{source}.{alias.name}"
                yield (whole, None) if whole in MODULES else (source, alias.name)


def roots(path: Path) -> set[str]:
    """The first words of all that a file imports from elsewhere."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).partition(".")[0])
    return found


def test_the_table_of_rooms_names_each_module_and_no_other() -> None:
    assert sorted(ROOMS) == sorted({room_of(module) for module in MODULES})


def test_a_module_imports_only_from_rooms_above_it() -> None:
    upwards = [
        (module, source)
        for module in MODULES
        for source in {room_of(source) for source, _ in imports(module) if source in MODULES}
        if ROOMS.index(source) > ROOMS.index(room_of(module))
    ]
    assert upwards == []


def test_no_two_modules_import_each_other() -> None:
    graph = {
        module: {source for source, _ in imports(module) if source in MODULES} for module in MODULES
    }
    while leaves := [module for module, sources in graph.items() if not sources]:
        for leaf in leaves:
            del graph[leaf]
        for sources in graph.values():
            sources.difference_update(leaves)
    assert not graph


def test_the_relay_uses_only_public_names() -> None:
    taken = {
        (module, name if source == "reactor" else f"{source}.{name}")
        for module in MODULES
        if module.startswith("reactor.relay")
        for source, name in imports(module)
        if source.startswith("reactor") and not source.startswith("reactor.relay")
    }
    assert [(module, name) for module, name in taken if name not in reactor.__all__] == []


@pytest.mark.parametrize("module", ["protocol", "session", "suspicion", "admission"])
def test_the_pure_rooms_know_neither_sockets_nor_time(module: str) -> None:
    sources = {source for source, _ in imports(f"reactor.relay.{module}")}
    assert not sources & {"socket", "selectors", "time"}


DRAWING = [
    module
    for module in MODULES
    if room_of(module).removeprefix("reactor.timeline.")
    in ("run", "words", "findings", "telling", "picture")
]


@pytest.mark.parametrize("module", DRAWING)
def test_a_recorded_run_is_drawn_without_sockets_and_time(module: str) -> None:
    sources = {source for source, _ in imports(module)}
    assert not sources & {"socket", "selectors", "time"}


@pytest.mark.parametrize("module", ["errors", "buffers", "timers"])
def test_the_ground_floor_knows_neither_sockets_nor_time(module: str) -> None:
    sources = {source for source, _ in imports(f"reactor.{module}")}
    assert not sources & {"socket", "selectors", "time"}


def loaded_by(statement: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_the_library_does_not_load_the_relay() -> None:
    loaded = loaded_by("import reactor")
    assert "reactor.loop" in loaded
    assert not {module for module in loaded if module.startswith("reactor.relay")}


@pytest.mark.parametrize("storey", ["reactor.testing", "reactor.timeline"])
def test_importing_the_library_does_not_load_what_only_some_need(storey: str) -> None:
    assert storey not in loaded_by("import reactor")


def test_only_the_standard_library_is_needed_at_run_time() -> None:
    examples = sorted((ROOT / "examples").glob("*.py"))
    ours = {*sys.stdlib_module_names, "reactor", "examples"}
    assert {path: roots(path) - ours for path in [*SOURCES, *examples] if roots(path) - ours} == {}


def test_the_library_does_not_know_the_examples() -> None:
    assert [path for path in SOURCES if roots(path) & {"examples", "tests"}] == []


def test_the_public_names_are_sorted_and_said_once() -> None:
    names = reactor.__all__
    assert names == sorted(set(names), key=lambda name: (not name.isupper(), name))


def test_each_public_name_exists() -> None:
    assert [name for name in reactor.__all__ if not hasattr(reactor, name)] == []


def test_all_that_the_library_shows_is_public() -> None:
    shown = {name for _, name in imports("reactor") if name is not None}
    assert shown == set(reactor.__all__)


def public_names(module: str) -> set[str]:
    """What `__all__` says."""
    (names,) = [
        ast.literal_eval(node.value)
        for node in MODULES[module].body
        if isinstance(node, ast.Assign)
        and [ast.unparse(target) for target in node.targets] == ["__all__"]
    ] or [[]]
    return set(names)


def defined_names(module: str) -> set[str]:
    """What a module imports, and what it defines at its top."""
    defined = {str(name) for _, name in imports(module)}
    for node in MODULES[module].body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            defined.add(node.name)
        elif isinstance(node, ast.Assign):
            defined.update(ast.unparse(target) for target in node.targets)
        elif isinstance(node, ast.AnnAssign):
            defined.add(ast.unparse(node.target))
    return defined


def test_the_public_names_of_each_module_exist() -> None:
    missing = {
        module: public_names(module) - defined_names(module)
        for module in MODULES
        if module != "reactor.relay"
    }
    assert {module: names for module, names in missing.items() if names} == {}


# Documented by Python, in spite of their names.
NOT_PRIVATE = {"_current_frames", "_exit", "_getframe", "_replace", "_value_"}
# What a relay keeps to itself, and nobody else can tell. Nothing may be added.
STILL_TOUCHED: dict[str, set[str]] = {
    "tests/museum/scenes.py": {"_parser"},
    "tests/museum/test_relay_rows.py": {"_errors"},
    "tests/relay/test_session.py": {"_admit"},
    # What Python keeps to itself: by no other door can its callbacks be seen, and its -m be had.
    "reactor/timeline/recording/callbacks.py": {
        "_args",
        "_callback",
        "_exception",
        "_loop",
        "_scheduled",
        "_sock_fd",
        "_timer_cancelled_count",
    },
    "reactor/timeline/command/program.py": {"_run_module_as_main"},
}
BY_NAME = {"setattr", "getattr", "delattr", "hasattr", "object"}


def own_names(tree: ast.Module) -> set[str]:
    """What a file defines: functions, classes, variables, and what it sets in its objects."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.Attribute(value=ast.Name("self"), attr=name, ctx=ast.Store()):
                found.add(name)
    return found


def is_private(name: str) -> bool:
    """Whether it is a name of objects that says so: a constant may be another for a test."""
    return name.startswith("_") and not (name.startswith("__") or name.isupper())


def names_of_others(node: ast.AST, oneself: tuple[str, ...] = ()) -> Iterator[str]:
    """Each private name asked of an object that is not `oneself`, also by way of setattr."""
    match node:
        case ast.ClassDef():
            oneself = ("self", "cls", "super()")
        case ast.Attribute(value=value, attr=name) if is_private(name):
            if ast.unparse(value) not in oneself:
                yield name
        case ast.Call(func=ast.Name(function) | ast.Attribute(attr=function), args=args):
            names = [arg.value for arg in args if isinstance(arg, ast.Constant)]
            if function in BY_NAME:
                last = [name.rpartition(".")[2] for name in names if isinstance(name, str)]
                yield from filter(is_private, last)
    for child in ast.iter_child_nodes(node):
        yield from names_of_others(child, oneself)


CORE = ("loop", "stream", "datagrams", "listener", "connector")
# Not even who has a name of the same spelling needs them.
OF_THE_CORE = set[str]().union(*(own_names(MODULES[f"reactor.{module}"]) for module in CORE))


def private_names_of_others(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(), str(path))
    touched = set(names_of_others(tree)) - NOT_PRIVATE
    if not touched:
        return touched
    return touched - (own_names(tree) if path in SOURCES else own_names(tree) - OF_THE_CORE)


@pytest.mark.thorough
def test_nobody_touches_the_private_names_of_another_file() -> None:
    touched = {str(path.relative_to(ROOT)): private_names_of_others(path) for path in EVERYTHING}
    assert {path: names for path, names in touched.items() if names} == STILL_TOUCHED


# Built when a module is imported, these would be shared by whoever imports it.
OUTSIDE = {
    "EventLoop",
    "ManualClock",
    "DefaultSelector",
    "EpollSelector",
    "PollSelector",
    "SelectSelector",
    "socket",
    "socketpair",
    "create_server",
    "create_connection",
    "monotonic",
    "perf_counter",
    "time",
}


def test_nothing_of_the_outside_is_made_on_import() -> None:
    made = [
        (module, ast.unparse(call))
        for module, tree in MODULES.items()
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr)
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        if ast.unparse(call.func).rpartition(".")[2] in OUTSIDE
    ]
    assert made == []
