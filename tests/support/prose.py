"""Count sentence patterns that make the project's prose hard to read.

`python -m tests.support.prose [-v] [--root FOLDER] [PATH ...]` prints a table of counts, one row per top-level folder
and one column per pattern of prose.toml. It reads docstrings, comments and messages of Python files, Markdown outside
code, descriptions and comments in YAML, and comments in SQL, TOML and the Makefile.
"""

import argparse
import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
RULES: dict[str, Any] = tomllib.loads(Path(__file__).with_name("prose.toml").read_text())
PATTERNS = {name: re.compile(pattern.replace(" ", r"\s")) for name, pattern in RULES["patterns"].items()}
IGNORED: list[str] = RULES["ignored"]

SUFFIXES = {".py", ".md", ".sql", ".yml", ".yaml", ".toml"}
COMMENT = re.compile(r"""(?:[^'"#]|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")*(#.*)""")
"""A line of Python code up to its comment, which is no part of a string."""
SQL = re.compile(r"\b(SELECT|INSERT|CREATE|FROM|WHERE|COPY|UPDATE|DELETE)\b")
MIN_MESSAGE_WORDS = 4
"""A shorter string in Python code is a name or a key, and no sentence."""


class Text(NamedTuple):
    """A piece of prose and the line that it starts at."""

    line: int
    text: str


class Hit(NamedTuple):
    """One match of a pattern."""

    file: str
    line: int
    pattern: str
    excerpt: str

    @property
    def folder(self) -> str:
        """The top-level folder; `tests` counts apart from the code, and files of the root are `.`."""
        return self.file.split("/")[0] if "/" in self.file else "."


def texts_of(path: Path) -> Iterator[Text]:
    """Yield the pieces of prose in a file."""
    content = path.read_text()
    if path.suffix == ".py":
        yield from _python(content)
    elif path.suffix == ".md":
        yield from _markdown(content)
    elif path.suffix == ".sql":
        blanked = re.sub(r"\{#(.*?)#\}", lambda found: "--" + found[1].replace("\n", "\n--"), content, flags=re.DOTALL)
        yield from _comments(blanked, r"--")
    elif path.suffix in {".yml", ".yaml"}:
        yield from _comments(content, r"#")
        yield from _descriptions(content)
    elif path.suffix == ".toml" or path.name == "Makefile":
        yield from _comments(content, r"#")


def _python(content: str) -> Iterator[Text]:
    parts: set[int] = set()
    inside: set[int] = set()
    strings: list[Text] = []
    # A parent is visited before its children, so the parts of an f-string are known when they come.
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.JoinedStr):
            parts.update(id(part) for part in node.values)
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            text = node.value
        else:
            continue
        inside.update(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
        if len(text.split()) >= MIN_MESSAGE_WORDS and not SQL.search(text):
            strings.append(Text(node.lineno, _without_code(text)))
    lines = enumerate(content.splitlines(), start=1)
    found = {n: match[1] for n, line in lines if "#" in line and n not in inside and (match := COMMENT.match(line))}
    yield from _comments("", "#", found)
    yield from strings


def _comments(content: str, mark: str, found: dict[int, str] | None = None) -> Iterator[Text]:
    """Yield runs of comments on consecutive lines as one text each."""
    if found is None:
        pattern = re.compile(rf"(?:^|\s){mark}.*$")
        lines = enumerate(content.splitlines(), start=1)
        found = {number: match[0].strip() for number, line in lines if (match := pattern.search(line))}
    run: list[str] = []
    for number, comment in sorted(found.items()):
        run.append(re.sub(rf"^{mark}+:?\s?", "", comment))
        if number + 1 not in found:
            yield Text(number + 1 - len(run), _without_code("\n".join(run)))
            run = []


def _markdown(content: str) -> Iterator[Text]:
    """Yield the page without code blocks and headings; "¶" opens a table cell or an entry of a list."""
    content = re.sub(r"```.*?```", lambda found: "\n" * found[0].count("\n"), content, flags=re.DOTALL)
    content = re.sub(r"^#.*$", "", content, flags=re.MULTILINE)
    content = re.sub(r"^ *([*-]|\d+\.) ", "¶ ", content.replace("**", ""), flags=re.MULTILINE)
    content = content.replace("|", "¶")
    yield Text(1, _without_code(content))


def _descriptions(content: str) -> Iterator[Text]:
    for match in re.finditer(
        r"(?:^|[\s{])(?:description|title|summary): *[>|]?-?((?:.*)(?:\n {6,}(?!.*\w: ).*)*)", content
    ):
        yield Text(content.count("\n", 0, match.start(1)) + 1, _without_code(match[1].strip(" \"'")))


def _without_code(text: str) -> str:
    """Replace code spans by a letter, and indentation and runs of blanks by one blank or line end."""
    text = re.sub(r"`[^`]*`", lambda found: "X" + "\n" * found[0].count("\n"), text)
    return re.sub(r"[ \t]+", " ", re.sub(r"[ \t]*\n[ \t]*", "\n", text))


def hits_in(path: Path, root: Path = ROOT) -> Iterator[Hit]:
    """Yield every match of every pattern in a file."""
    name = path.relative_to(root).as_posix()
    for start, text in texts_of(path):
        for pattern, regex in PATTERNS.items():
            for match in regex.finditer(text):
                around = text[max(0, match.start() - 30) : match.end() + 30]
                line = start + text.count("\n", 0, match.start() + len(match[0]) - len(match[0].lstrip()))
                yield Hit(name, line, pattern, " ".join(around.split()))


def hits(root: Path = ROOT, paths: tuple[str, ...] = (".",)) -> list[Hit]:
    """Return the matches below the given paths of a checkout, by file and line."""
    files = {file for path in paths for file in ((root / path).rglob("*") if (root / path).is_dir() else [root / path])}
    kept = [file for file in files if _is_read(file.relative_to(root)) and file.is_file()]
    return sorted(hit for file in kept for hit in hits_in(file, root))


def _is_read(file: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.parts[:-1])
    return (file.suffix in SUFFIXES or file.name == "Makefile") and not hidden and not any(map(file.match, IGNORED))


def table(found: list[Hit]) -> str:
    """Return counts as a table: folders by patterns, and a total with and without tests."""
    count = Counter((hit.folder, hit.pattern) for hit in found)
    folders = sorted({hit.folder for hit in found})
    columns = [*PATTERNS, "all"]
    rows = [["", *columns]]
    groups = [(folder, [folder]) for folder in folders]
    groups += [("without tests", [folder for folder in folders if folder != "tests"]), ("everything", folders)]
    for name, group in groups:
        numbers = [sum(count[folder, pattern] for folder in group) for pattern in PATTERNS]
        rows.append([name, *map(str, [*numbers, sum(numbers)])])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def main() -> None:
    """Print the table, with -v every hit before it."""
    parser = argparse.ArgumentParser(description="Count sentence patterns that make prose hard to read.")
    parser.add_argument("paths", nargs="*", default=["."], help="files or folders below the root (default: all)")
    parser.add_argument("-v", "--verbose", action="store_true", help="also list every hit with file and line")
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout to read")
    args = parser.parse_args()
    found = hits(args.root.resolve(), tuple(args.paths))
    if args.verbose:
        print("".join(f"{hit.file}:{hit.line}: {hit.pattern}: {hit.excerpt}\n" for hit in found))
    print(table(found))


if __name__ == "__main__":
    main()
