"""Trees of keys and values: YAML in and out, files on others, single keys set by texts such as "grid.nx=60"."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ocean_gcm.data.paths import expand
from ocean_gcm.errors import UserError

BASE = "base"
_FORMS = ("kind", "architecture")
"""Keys that say which form a section has."""


_KINDS = {
    "an experiment": ("grid", "ocean-gcm simulate"),
    "a training": ("stages", "python -m train"),
    "a recipe of data": ("sources", "ocean-gcm data prepare"),
}
"""What a file may be: a key that all of the kind have and no others, and a program that takes it."""


def read_kind(
    kind: str, path: str | os.PathLike, overrides: Iterable[str] = (), *, paths: Iterable[str] = ()
) -> dict[str, Any]:
    """`read_tree` of a file that is of a kind ("an experiment").  Raises UserError for one of another kind."""
    tree = read_tree(path, overrides, paths=paths)
    for other, (key, program) in _KINDS.items():
        if key in tree and _KINDS[kind][0] not in tree:
            raise UserError(f"{path} is {other}, which {program} takes; expected {kind}")
    return tree


def read_tree(path: str | os.PathLike, overrides: Iterable[str] = (), *, paths: Iterable[str] = ()) -> dict[str, Any]:
    """Keys and values of a YAML file, on those of the file that its key `base` names (see `merged`).

    overrides: texts such as "grid.nx=60", which set keys.
    paths: keys whose relative paths count from the file where they stand; those of a base come as they count from
    `path`.

    Raises UserError.
    """
    tree = _on_bases(Path(path), tuple(paths), ())
    for override in overrides:
        _override(tree, override)
    return tree


def merged(
    below: Mapping[str, Any], above: Mapping[str, Any], base: Callable[[Any], Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """The keys of `above` on those of `below`: sections are merged, all else is replaced, lists as wholes.

    A section of another kind (or architecture) takes the place of the one below.  So does one with a key `base`, where
    `base` is given: it begins with what `base` makes of the value.
    """
    if base is not None and BASE in above and not isinstance(above[BASE], Mapping):
        below = base(above[BASE])
        above = {key: value for key, value in above.items() if key != BASE}
    elif any(key in below and key in above and below[key] != above[key] for key in _FORMS):
        below = {}
    found = dict(below)
    for key, value in above.items():
        if isinstance(value, Mapping):
            here = found.get(key)
            value = merged(here if isinstance(here, Mapping) else {}, value, base)
        found[key] = value
    return found


def file_of(path: str | os.PathLike, mistake: str, overrides: Iterable[str] = ()) -> str:
    """The file in which the key stands with which the sentence `mistake` begins: `path` or one of its bases; `path` for
    what `overrides` set."""
    words = re.sub(r"unknown key |the key |'", "", mistake)
    keys = re.findall(r"\w+", ".".join(filter(None, re.match(r"(?:(\w+): )?([\w.\[\]]*)", words).groups())))
    for override in overrides:
        given = re.findall(r"\w+", override.partition("=")[0])
        if keys[: len(given)] == given:
            return str(path)
    return os.path.normpath(_deepest(_read_yaml(Path(path)), keys, Path(path))[1])


def _deepest(section: Mapping[str, Any], keys: list[str], path: Path) -> tuple[int, Path]:
    """How many of `keys` lie below each other in a section of the file `path` or in its base, and in which file."""
    found = (0, path)
    if isinstance(section.get(BASE), str):
        base = _base_file(section[BASE], path)
        found = max(found, _deepest(_read_yaml(base), keys, base), key=lambda one: one[0])
    if keys and keys[0] in section:
        below = section[keys[0]]
        number, file = _deepest(below, keys[1:], path) if isinstance(below, Mapping) else (0, path)
        if number + 1 >= found[0]:
            found = number + 1, file
    return found


def _on_bases(path: Path, paths: tuple[str, ...], passed: tuple[Path, ...]) -> dict[str, Any]:
    """Keys and values of the file `path`, reached over the files `passed`."""
    chain = (*passed, path)

    def base(name: Any) -> dict[str, Any]:
        if name is None:
            return {}
        file = _base_file(name, path)
        if any(file.resolve() == other.resolve() for other in chain):
            way = " -> ".join(str(other) for other in (*chain, file))
            raise UserError(f"{path}: base is {name}, which leads back to a file that needs it: {way}")
        tree = _on_bases(file, paths, chain)
        if file.parent != path.parent:
            for key in paths:
                _move(tree, key.split("."), file.parent, path.parent)
        return tree

    return merged({}, _read_yaml(path), base)


def _base_file(name: Any, path: Path) -> Path:
    """The file that `base` names in the file `path`."""
    if not isinstance(name, str) or "://" in name:
        raise UserError(f"{path}: base is {name!r}; expected a YAML file, its path relative to this one, or null")
    file = path.parent / expand(name)
    if not file.exists():
        raise UserError(f"{path}: base is {name}; {_no_file(file)}")
    return file


def _move(tree: dict[str, Any], keys: list[str], origin: Path, target: Path) -> None:
    """Let a relative path below `keys`, which counts from the directory `origin`, count from `target`."""
    *above, key = keys
    for name in above:
        tree = tree.get(name)
        if not isinstance(tree, dict):
            return
    value = tree.get(key)
    if isinstance(value, str) and is_relative(value):
        tree[key] = os.path.relpath(origin / value, target)


def is_relative(path: str | os.PathLike) -> bool:
    """Whether a path in a file counts from there: it is no address and begins with no variable."""
    text = os.fspath(path)
    return "://" not in text and not text.startswith(("/", "$", "~"))


class _Loader(yaml.SafeLoader):
    """YAML without repeated keys, where 1e-5 is a number and a date stays a text."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _unique_keys(loader: _Loader, node: yaml.MappingNode) -> dict:
    loader.flatten_mapping(node)
    seen = set()
    for key, _ in node.value:
        if isinstance(key.value, str) and key.value in seen:
            raise UserError(f"the key {key.value!r} appears twice, again in line {key.start_mark.line + 1}")
        seen.add(key.value if isinstance(key.value, str) else id(key))
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_keys)


class _Dumper(yaml.SafeDumper):
    """Quotes texts that `_Loader` would take for numbers."""


for _class in (_Loader, _Dumper):
    _class.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
    )


def dump_tree(tree: Any) -> str:
    """Keys and values as YAML that `read_tree` reads."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def _parse(text: str) -> Any:
    try:
        return yaml.load(text, _Loader)  # noqa: S506 (derived from SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise UserError(f"not valid YAML{where}: {getattr(error, 'problem', None) or error}") from None
    except UserError:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise UserError(f"not valid YAML: {error}") from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(_no_file(path)) from None
    except IsADirectoryError:
        raise UserError(f"{path} is a directory; expected a YAML file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    try:
        tree = _parse(text)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    if not isinstance(tree, dict):
        found = "is empty" if tree is None else f"holds a {type(tree).__name__}"
        raise UserError(f"{path} {found}; expected keys and values")
    return tree


def _no_file(path: Path) -> str:
    names = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"there is no configuration {path}" + (f"; did you mean {path.parent / near[0]}?" if near else "")


def _override(tree: dict[str, Any], override: str) -> None:
    """Set one value in the tree, in place."""
    path, separator, text = override.partition("=")
    keys = path.strip().split(".")
    if not separator or not all(keys):
        raise UserError(f"--set {override!r} is not understood; expected key.path=value, for instance grid.nx=60")
    try:
        value = _parse(text)
    except UserError as error:
        raise UserError(f"--set {override!r}: the value is {error}") from None
    here, passed = tree, []
    while len(keys := _joined(here, keys)) > 1:
        key, *keys = keys
        passed.append(key)
        if isinstance(here, dict) and here.get(key) is None:
            here[key] = {}
        here = here[_place(here, key, override)]
        if not isinstance(here, dict | list):
            raise UserError(f"--set {override!r}: {'.'.join(passed)} is {here!r}, not a section of keys")
    here[_place(here, keys[0], override)] = value


def _joined(section: dict | list, keys: list[str]) -> list[str]:
    """`keys`, the first of them joined where the section has a key with dots (trainable of a training has)."""
    if isinstance(section, dict):
        for number in range(len(keys), 1, -1):
            if (key := ".".join(keys[:number])) in section:
                return [key, *keys[number:]]
    return keys


def _place(section: dict | list, key: str, override: str) -> str | int:
    """The key as it counts in a section, or in a list the number, from 0."""
    if isinstance(section, dict):
        return key
    if not key.isdigit() or int(key) >= len(section):
        raise UserError(f"--set {override!r}: {key!r} is no place in a list of {len(section)}; they count from 0")
    return int(key)


def tree_differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """'key: value in a -> value in b' for every key, at any depth, in which two trees of keys and values differ."""

    def leaves(tree, prefix=""):
        sections = isinstance(tree, list) and any(isinstance(below, dict) for below in tree)
        below = dict(enumerate(tree)) if sections else tree
        if isinstance(below, dict) and below:
            return {k: v for name, value in below.items() for k, v in leaves(value, f"{prefix}{name}.").items()}
        return {prefix[:-1]: tree}

    first, second = leaves(a), leaves(b)
    return [
        f"{key}: {first.get(key, 'absent')} -> {second.get(key, 'absent')}"
        for key in {**first, **second}
        if first.get(key, "absent") != second.get(key, "absent")
    ]
