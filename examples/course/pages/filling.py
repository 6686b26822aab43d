"""What belongs behind a directive of a page: from programs, recorded runs, the contents."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..grade.numbers import written
from ..grade.report import tell
from ..record.recorded_run import RecordedRun, picture_file, run_named
from .contents import ORIGINAL, Page, neighbours
from .directives import FIGURE, Directive
from .snippet import snippet

__all__ = ["Filling", "command_line"]

_FENCES: Final = {".py": "python", ".js": "js", ".c": "c", ".toml": "toml", ".java": "java"}
_LINE: Final = {"en": "line", "es": "línea"}
_LANGUAGES: Final = {"en": "English", "es": "Español"}


class Filling:
    """Fills the directives of one page with what lies below `root`."""

    def __init__(self, page: Page, root: Path) -> None:
        self._page = page
        self._root = root

    def __call__(self, directive: Directive) -> str:
        """Raises ValueError for what is not there."""
        match directive.word, directive.argument.split():
            case "code", [path]:
                return self._code(path)
            case "code", [path, region]:
                return self._code(path, region)
            case "run", [name]:
                return self._run(name)
            case "picture", [_, *_]:
                return self._picture(directive.argument)
            case "navigation", []:
                return " · ".join(self._ways())
            case word, [name, key] if word == FIGURE:
                return self._figure(name, key)
        raise ValueError(f"{directive.word} {directive.argument!r} says too much or too little")

    def _code(self, path: str, region: str = "") -> str:
        try:
            part = snippet((self._root / path).read_text("utf-8"), region)
        except FileNotFoundError:
            raise ValueError(f"there is no {path}") from None
        except ValueError as exc:
            raise ValueError(f"{path} {exc}") from None
        fenced = _fenced(_FENCES.get(Path(path).suffix, ""), part.text)
        if not path.startswith("reactor/"):
            return fenced
        where = f"`{path}`, {_LINE[self._page.language]} {part.line}"
        return f"[{where}]({self._page.link_to(path)}#L{part.line}):\n\n{fenced}"

    def _run(self, name: str) -> str:
        run, language = self._run_named(name), self._page.language
        said = tell(run.result, language)
        return _fenced("console", f"$ {command_line(run, language)}\n{said}".rstrip("\n"))

    def _picture(self, argument: str) -> str:
        name, _, text = argument.partition(": ")
        if not text:
            raise ValueError(f"picture {name!r} needs a colon, and a text for who can't see it")
        path = f"docs/course/pictures/{picture_file(name, self._page.language)}"
        if not (self._root / path).exists():
            raise ValueError(f"there is no {path}")
        return f"![{text}]({self._page.link_to(path)})"

    def _ways(self) -> Iterator[str]:
        before, behind = neighbours(self._page)
        index = Page("index", self._page.language)
        if before not in (None, index):
            yield f"[« {before.title}]({before.path.name})"
        if self._page != index:
            yield f"[{index.title}]({index.path.name})"
        if behind is not None:
            yield f"[{behind.title} »]({behind.path.name})"
        for language, name in _LANGUAGES.items():
            if language != self._page.language:
                other = self._page.in_language(language)
                yield f"[{name}]({self._page.link_to(other.path.as_posix())})"

    def _figure(self, name: str, key: str) -> str:
        key, _, spec = key.partition(":")
        figures = self._run_named(name).figures
        if key not in figures:
            raise ValueError(f"run {name!r} has no figure {key!r}, but {', '.join(figures)}")
        return written(figures[key], spec, self._page.language)

    def _run_named(self, name: str) -> RecordedRun:
        return run_named(name, self._root)


def command_line(run: RecordedRun, language: str) -> str:
    """What somebody types to see the same."""
    asked = "" if language == ORIGINAL else f"--lang {language} "
    program = f"python3 {run.program} {{port}} {{ingest}}"
    return f"python3 -m examples.course.grade {run.result.chapter} {asked}-- {program}"


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"
