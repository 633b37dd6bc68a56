"""Turning the plain data of a YAML document into a contract, with errors that name the place and the nearest
valid word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sales_platform.errors import ContractError

Contract = TypeVar("Contract", bound=BaseModel)
Step = int | str


def read_contract(
    model: type[Contract], attributes: Mapping[str, Any], where: str | Callable[[tuple[Step, ...]], str]
) -> Contract:
    """Validate `attributes`. Raises ContractError that lists every fault as `path: what is wrong`.

    where: the place, or what gives the place of the first fault's path.
    """
    try:
        return model.model_validate(attributes)
    except ValidationError as error:
        # a word that is missing is often one that stands there misspelt
        parts = sorted(error.errors(), key=lambda part: part["type"] != "extra_forbidden")
        faults = "; ".join(_fault(model, part) for part in parts)
        place = where if isinstance(where, str) else where(parts[0]["loc"])
        raise ContractError(
            faults + ".", where=place, remedy="Mend the contract and run `dg check defs`."
        ) from None


def _fault(model: type[BaseModel], part: Any) -> str:
    path = ".".join(str(step) for step in part["loc"])
    if part["type"] == "extra_forbidden":
        known = _words_at(model, part["loc"][:-1])
        near = get_close_matches(str(part["loc"][-1]), known, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else f"; known words: {', '.join(sorted(known))}"
        return f"{path}: unknown word{hint}"
    if part["type"] == "missing":
        return f"{path}: is missing"
    return f"{path}: {part['msg'].removeprefix('Value error, ')}"


def _words_at(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """The words allowed at a path of the contract, found by walking the models' annotations."""
    current: type[BaseModel] | None = model
    for step in path:
        if current is None:
            break
        field = _field(current, str(step))
        if field is not None:
            current = _model_within(field)
    return [f.alias or name for name, f in current.model_fields.items()] if current else []


def _field(model: type[BaseModel], word: str) -> Any:
    for name, field in model.model_fields.items():
        if word in {name, field.alias}:
            return field.annotation
    return None


def _model_within(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        if found := _model_within(inner):
            return found
    return None
