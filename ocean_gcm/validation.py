"""From pydantic's errors to one sentence that names the key, the value found and what was expected."""

from __future__ import annotations

import difflib
import types
import typing
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import pydantic

from ocean_gcm.errors import UserError

_LONGEST = 60
Source = str | Callable[[str], str]
"""What messages call the place of a configuration; or a function that tells it from the mistake."""
Model = TypeVar("Model", bound=pydantic.BaseModel)


def validated(model: type[Model], tree: Any, source: Source) -> Model:
    """Keys and values as a `model`.  Raises UserError: `source` and the first mistake as one sentence."""
    try:
        return model.model_validate(tree)
    except pydantic.ValidationError as error:
        mistake = sentence(error, model)
    raise named(source, mistake)


def named(source: Source, mistake: str) -> UserError:
    """The error of a mistake in `source`."""
    return UserError(f"{source if isinstance(source, str) else source(mistake)}: {mistake}")


def suggestion(name: str, valid: Iterable[str]) -> str:
    """', did you mean X?' for the nearest of the valid names, or the list of all of them."""
    valid = sorted(valid)
    near = difflib.get_close_matches(str(name), valid, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"expected one of: {', '.join(valid)}" if valid else "expected no such key"


def sentence(error: pydantic.ValidationError, root: type[pydantic.BaseModel]) -> str:
    """The first mistake of `error` as one sentence; the number of others in brackets.

    Unknown keys come first, since a misspelt key is also a missing one.
    """
    found = [_Mistake(item, root) for item in error.errors(include_url=False, include_context=True)]
    found = _best_branches(found)
    unknown = [mistake for mistake in found if mistake.item["type"] == "extra_forbidden"]
    chosen = (unknown or found)[0]
    keys = {mistake.key for mistake in found}
    missing = {mistake.key for mistake in found if mistake.item["type"] == "missing"}
    others = len(keys - missing if unknown else keys) - 1
    return chosen.sentence() + (f" (and {others} further mistake{'s' * (others > 1)})" if others > 0 else "")


class _Mistake:
    """One item of a ValidationError with its place in the tree of sections."""

    def __init__(self, item: Mapping[str, Any], root: type[pydantic.BaseModel]):
        self.item = item
        self.branches: list[tuple[str, str]] = []  # (key, member) of each union passed on the way
        path: list[str] = []
        here: Any = root
        self.parent: Any = root
        for part in item["loc"]:
            member = _member(here, part)
            if member is not None:
                self.branches.append((".".join(path), str(part)))
                here = member
                continue
            self.parent = here
            if isinstance(part, int) and path:
                path[-1] += f"[{part}]"
            else:
                path.append(str(part))
            here = _child(here, part)
        self.here = here
        self.key = ".".join(path)
        self.name = path[-1] if path else ""

    def sentence(self) -> str:
        kind, context = self.item["type"], self.item.get("ctx", {})
        if kind == "extra_forbidden":
            models = [member for member in _members(self.parent) if _is_model(member)]
            fields = models[0].model_fields if len(models) == 1 else {}
            return f"unknown key {self.key!r}; {suggestion(self.name, fields)}"
        if kind == "missing":
            return f"the key {self.key!r} is missing; expected {_description(self.parent, self.name)}"
        if kind in ("union_tag_not_found", "union_tag_invalid"):
            tags = [str(tag) for tag in _tags(self.here)]
            if kind == "union_tag_not_found":
                if not isinstance(self.item["input"], Mapping):
                    return f"{self.key} is {_show(self.item['input'])}; expected a section with the key 'kind'"
                return f"the key '{self.key}.kind' is missing; {suggestion('', tags)}"
            return f"{self.key}.kind is {context.get('tag')!r}; {suggestion(context.get('tag', ''), tags)}"
        if kind == "value_error":
            message = str(context.get("error", self.item["msg"]))
            named = not self.key or message.startswith(self.key) or f"{self.key}." in message
            return message if named else f"{self.key}: {message}"
        if kind == "literal_error" and isinstance(self.item["input"], str):
            valid = [str(value) for value in _literals(self.here)]
            if valid:
                return f"{self.key} is {self.item['input']!r}; {suggestion(self.item['input'], valid)}"
        if kind in ("model_type", "model_attributes_type", "dict_type"):
            return f"{self.key or 'the file'} is {_show(self.item['input'])}; expected a section of keys and values"
        message = self.item["msg"].replace("Input should be", "expected").replace("Value error, ", "")
        return f"{self.key} is {_show(self.item['input'])}; {message}"


def _best_branches(found: list[_Mistake]) -> list[_Mistake]:
    """Where a section may have several forms, keep the mistakes of the form that fits best."""
    counts = Counter(branch for mistake in found for branch in mistake.branches)
    best: dict[str, str] = {}
    for (key, member), count in counts.items():
        if key not in best or count < counts[(key, best[key])]:
            best[key] = member
    return [mistake for mistake in found if all(best[key] == member for key, member in mistake.branches)]


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _description(model: Any, name: str) -> str:
    field = model.model_fields.get(name) if _is_model(model) else None
    return (field.description if field is not None and field.description else None) or "a value"


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel)


def _strip(annotation: Any) -> Any:
    """Without Annotated[...] around it."""
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    return annotation


def _members(annotation: Any) -> list[Any]:
    """The members of a union without None, or the annotation itself."""
    annotation = _strip(annotation)
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        members = [m for a in typing.get_args(annotation) for m in _members(a)]
        return [m for m in members if m is not type(None)]
    return [annotation]


def _tags(annotation: Any) -> list[Any]:
    """All values of `kind` in a union of sections."""
    return [tag for m in _members(annotation) if _is_model(m) for tag in _kinds(m)]


def _kinds(model: type[pydantic.BaseModel]) -> tuple:
    field = model.model_fields.get("kind")
    return typing.get_args(field.annotation) if field is not None else ()


def _literals(annotation: Any) -> list[Any]:
    return [v for m in _members(annotation) if typing.get_origin(m) is typing.Literal for v in typing.get_args(m)]


def _member(annotation: Any, part: str | int) -> Any:
    """The member of a union that pydantic names `part` in a location (its tag or its type), else None."""
    if _is_model(annotation) and part in annotation.model_fields:
        return None
    members = _members(annotation)
    for member in members:
        if _is_model(member) and len(members) > 1 and (part in _kinds(member) or part == member.__name__):
            return member
    if len(members) > 1 and isinstance(part, str) and not any(_is_model(m) for m in members):
        return next((m for m in members if part.startswith(getattr(m, "__name__", "\0"))), None)
    return None


def _child(annotation: Any, part: str | int) -> Any:
    """The annotation of the value below `annotation` under the key or index `part`."""
    for member in _members(annotation):
        if _is_model(member):
            field = member.model_fields.get(part)
            if field is not None:
                return field.annotation
            continue
        origin, arguments = typing.get_origin(member), typing.get_args(member)
        if origin is dict:
            return arguments[1]
        if origin in (list, tuple) and arguments:
            return arguments[0]
    return None
