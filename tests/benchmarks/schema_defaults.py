"""A section of the config as the schema fills it, for tests and benchmarks that call the library directly."""

from pathlib import Path

import yaml

SCHEMA = Path(__file__).resolve().parents[2] / "workflow" / "schemas" / "config.schema.yaml"


def defaults_of(section: str) -> dict:
    """Every default of a section of the config, at every depth."""
    definitions = yaml.safe_load(SCHEMA.read_text())["$defs"]

    def fill(schema):
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema
        if "properties" not in schema:
            return schema.get("default")
        return {name: fill(part) for name, part in schema["properties"].items()} | schema.get("default", {})

    return fill(definitions[section])
