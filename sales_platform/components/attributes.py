"""How `attributes` of a defs.yaml document become a contract. What a word means belongs to `contracts`."""

from pathlib import Path
from typing import Any, ClassVar

import dagster as dg
from pydantic import BaseModel, GetJsonSchemaHandler, RootModel
from pydantic_core import CoreSchema

from sales_platform.contracts.reading import Contract, Step, read_contract


class Attributes(RootModel[dict[str, Any]]):
    """Attributes as they were written. Editors and `dg check yaml` see the contract's schema; the words are
    judged by `read_attributes`, whose messages name the nearest valid one."""

    contract: ClassVar[type[BaseModel]]

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(cls.contract.__pydantic_core_schema__)


def attributes_of(contract: type[BaseModel]) -> type[Attributes]:
    """The model that a Component of this contract gives to `dg`."""
    name = f"{contract.__name__}Attributes"
    return type(name, (Attributes,), {"contract": contract, "__module__": __name__})


def read_attributes(
    model: type[Contract], attributes: BaseModel | None, context: dg.ComponentLoadContext
) -> Contract:
    """Raises ContractError that names file, line, path and the nearest valid word."""
    written = attributes.root if isinstance(attributes, Attributes) else {}
    return read_contract(model, written, lambda path: _place(context, path))


def _place(context: dg.ComponentLoadContext, path: tuple[Step, ...]) -> str:
    """`sales_platform/defs/retail/defs.yaml:12`, the line of the word itself."""
    tree = context.resolution_context.source_position_tree
    if tree is None:
        return str(context.path)
    position, _ = tree.lookup_closest_and_path(("attributes", *path), trace=None)
    file = Path(position.filename)
    near = file.relative_to(context.project_root) if file.is_relative_to(context.project_root) else file
    return f"{near}:{position.start.line}"
