"""The software bill of materials: whole, and in the form that others read."""

import json
import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from skiagraph.cli import app
from skiagraph.cli.sbom import bill

PROJECT = Path(__file__).parents[2]
PURL = r"^pkg:pypi/[a-z0-9-]+@.+$"
LICENCE = {
    "oneOf": [
        {
            "required": ["expression"],
            "properties": {"expression": {"type": "string", "minLength": 1}},
            "additionalProperties": False,
        },
        {
            "required": ["license"],
            "properties": {
                "license": {"required": ["name"], "properties": {"name": {"type": "string", "minLength": 1}}}
            },
            "additionalProperties": False,
        },
    ]
}
COMPONENT = {
    "type": "object",
    "required": ["type", "name", "version", "purl", "bom-ref"],
    "properties": {
        "type": {"enum": ["application", "library"]},
        "name": {"type": "string", "minLength": 1},
        "version": {"type": "string", "minLength": 1},
        "purl": {"type": "string", "pattern": PURL},
        "bom-ref": {"type": "string", "minLength": 1},
        "licenses": {"type": "array", "items": LICENCE, "minItems": 1},
    },
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "required": [
        "bomFormat",
        "specVersion",
        "version",
        "serialNumber",
        "metadata",
        "components",
        "dependencies",
    ],
    "properties": {
        "bomFormat": {"const": "CycloneDX"},
        "specVersion": {"const": "1.6"},
        "version": {"type": "integer", "minimum": 1},
        "serialNumber": {
            "pattern": "^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
        },
        "metadata": {"required": ["component"], "properties": {"component": COMPONENT}},
        "components": {"type": "array", "items": COMPONENT, "uniqueItems": True},
        "dependencies": {"type": "array", "items": {"required": ["ref", "dependsOn"]}},
    },
    "additionalProperties": False,
}
"""What CycloneDX 1.6 asks of the parts that we write."""


@pytest.fixture(scope="module")
def said():
    return bill()


def test_it_has_the_form_of_cyclonedx(said):
    jsonschema.validate(said, SCHEMA)


def test_references_lead_to_components_and_each_stands_once(said):
    known = [said["metadata"]["component"]["bom-ref"], *(one["bom-ref"] for one in said["components"])]
    assert len(set(known)) == len(known)
    for one in said["dependencies"]:
        assert {one["ref"], *one["dependsOn"]} <= set(known)


def test_every_requirement_that_is_installed_is_listed_with_its_version(said):
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["server"], *extras["train"]]
    listed = {re.sub(r"[-_.]+", "-", one["name"]).lower(): one["version"] for one in said["components"]}
    for line in wanted:
        name = re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", line)[0]).lower()
        try:
            here = version(name)
        except PackageNotFoundError:
            assert name not in listed
            continue
        assert listed[name] == here


def test_nearly_every_part_states_its_licence(said):
    without = [one["name"] for one in said["components"] if "licenses" not in one]
    assert len(without) <= 0.05 * len(said["components"]), without


def test_the_same_installation_gives_the_same_bill(said):
    assert bill() == said


def test_the_command_writes_it(tmp_path, said):
    result = CliRunner().invoke(app, ["sbom", "--out", str(tmp_path / "a.json")])
    assert result.exit_code == 0
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == said
    assert json.loads(CliRunner().invoke(app, ["sbom"]).stdout) == said
