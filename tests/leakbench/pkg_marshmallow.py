"""marshmallow 2.16.2 keeps every schema class in its registry (issue 732)."""

import warnings

warnings.simplefilter("ignore")

import marshmallow
from _noise import work

TRUTH = dict(
    verdict="leak",
    type="marshmallow.schema.SchemaMeta",
    also=["marshmallow.schema.SchemaOpts", "type"],
    holder="marshmallow.class_registry._registry",
    holder_hints=["_registry", "class_registry"],
)
REQUIREMENTS = ["marshmallow==2.16.2"]


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    type("Message", (marshmallow.Schema,), {"number": marshmallow.fields.Int()})
