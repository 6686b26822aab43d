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
    """The rooms of docs/architecture.md from the ground up, with the doors between the storeys."""
    rooms = [
        room.removesuffix(".py").rstrip("/").replace("/", ".")
        for room in re.findall(r"^\| `(reactor/[\w/.]+)` \|", TABLE.read_text(), re.MULTILINE)
    ]
    relay = next(place for place, room in enumerate(rooms) if room.startswith("reactor.relay"))
    return [*rooms[:relay], "reactor", *rooms[relay:], "reactor.relay"]


ROOMS = order_of_rooms()


def room_of(module: str) -> str:
    """`reactor.testing` is one room, whatever files it has."""
    return "reactor.testing" if module.startswith("reactor.testing") else module


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


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_rooms_above_it(module: str) -> None:
    below = ROOMS[ROOMS.index(room_of(module)) :]
    sources = {room_of(source) for source, _ in imports(module) if source in MODULES}
    assert not sources.intersection(below) - {room_of(module)}


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


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("reactor.relay")])
def test_the_relay_uses_only_public_names(module: str) -> None:
    taken = {
        name
        for source, name in imports(module)
        if source.startswith("reactor") and not source.startswith("reactor.relay")
        for name in [name if source == "reactor" else f"{source}.{name}"]
    }
    assert taken <= set(reactor.__all__)


@pytest.mark.parametrize("module", ["protocol", "session", "suspicion", "admission"])
def test_the_pure_rooms_know_neither_sockets_nor_time(module: str) -> None:
    sources = {source for source, _ in imports(f"reactor.relay.{module}")}
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


def test_importing_the_library_does_not_load_the_test_kit() -> None:
    assert "reactor.testing" not in loaded_by("import reactor")


@pytest.mark.parametrize(
    "path",
    [*SOURCES, *sorted((ROOT / "examples").glob("*.py"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_only_the_standard_library_is_needed_at_run_time(path: Path) -> None:
    assert roots(path) <= {*sys.stdlib_module_names, "reactor", "examples"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_library_does_not_know_the_examples(path: Path) -> None:
    assert not roots(path) & {"examples", "tests"}


def test_the_public_names_are_sorted_and_said_once() -> None:
    names = reactor.__all__
    assert names == sorted(set(names), key=lambda name: (not name.isupper(), name))


@pytest.mark.parametrize("name", reactor.__all__)
def test_each_public_name_exists(name: str) -> None:
    assert hasattr(reactor, name)


def test_all_that_the_library_shows_is_public() -> None:
    shown = {name for _, name in imports("reactor") if name is not None}
    assert shown == set(reactor.__all__)


@pytest.mark.parametrize("module", [name for name in MODULES if name != "reactor.relay"])
def test_the_public_names_of_each_module_exist(module: str) -> None:
    (names,) = [
        ast.literal_eval(node.value)
        for node in MODULES[module].body
        if isinstance(node, ast.Assign)
        and [ast.unparse(target) for target in node.targets] == ["__all__"]
    ] or [[]]
    defined = {name for _, name in imports(module)}
    for node in MODULES[module].body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            defined.add(node.name)
        elif isinstance(node, ast.Assign):
            defined.update(ast.unparse(target) for target in node.targets)
        elif isinstance(node, ast.AnnAssign):
            defined.add(ast.unparse(node.target))
    assert set(names) <= defined


# Documented by Python, in spite of their names.
NOT_PRIVATE = {"_exit", "_getframe", "_value_"}
# What a relay keeps to itself, and nobody else can tell. Nothing may be added.
STILL_TOUCHED: dict[str, set[str]] = {
    "tests/museum/scenes.py": {"_parser"},
    "tests/museum/test_relay_rows.py": {"_errors"},
    "tests/relay/test_session.py": {"_admit"},
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


def names_of_others(node: ast.AST, oneself: tuple[str, ...] = ()) -> Iterator[str]:
    """Each name that is asked of an object which is not `oneself`, also by way of setattr."""
    match node:
        case ast.ClassDef():
            oneself = ("self", "cls", "super()")
        case ast.Attribute(value=value, attr=name) if ast.unparse(value) not in oneself:
            yield name
        case ast.Call(func=ast.Name(function) | ast.Attribute(attr=function), args=args):
            names = [arg.value for arg in args if isinstance(arg, ast.Constant)]
            if function in BY_NAME:
                yield from [name.rpartition(".")[2] for name in names if isinstance(name, str)]
    for child in ast.iter_child_nodes(node):
        yield from names_of_others(child, oneself)


def is_private(name: str) -> bool:
    """Whether it is a name of objects that says so: a constant may be another for a test."""
    return name.startswith("_") and not (name.startswith("__") or name.isupper())


CORE = ("loop", "stream", "datagrams", "listener", "connector")
# Not even who has a name of the same spelling needs them.
OF_THE_CORE = set[str]().union(*(own_names(MODULES[f"reactor.{module}"]) for module in CORE))


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_touches_the_private_names_of_another_file(path: Path) -> None:
    tree = ast.parse(path.read_text(), str(path))
    own = own_names(tree) if path in SOURCES else own_names(tree) - OF_THE_CORE
    touched = set(filter(is_private, names_of_others(tree))) - own - NOT_PRIVATE
    assert touched <= STILL_TOUCHED.get(str(path.relative_to(ROOT)), set())


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


@pytest.mark.parametrize("module", MODULES)
def test_nothing_of_the_outside_is_made_on_import(module: str) -> None:
    made = {
        ast.unparse(call.func).rpartition(".")[2]
        for node in MODULES[module].body
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr)
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
    }
    assert not made & OUTSIDE
