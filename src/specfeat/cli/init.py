"""`specfeat init [NAME]` writes a starter config, and `specfeat schema` prints the JSON schema of configs."""

import json
from typing import Annotated

import typer

from specfeat.cli.messages import print_message
from specfeat.cli.output_options import ErrorsOnlyOption

NewConfig = Annotated[
    str, typer.Argument(metavar="NAME", help="The file to write; .yaml is added if it is missing.")
]


def init_command(name: NewConfig = "my.yaml", quiet: ErrorsOnlyOption = False) -> int:
    """Write a commented config to begin with. An existing file is never replaced.

    specfeat init

    specfeat init birds.yaml

    Exit code: 0 written, 2 the file exists already or cannot be written.
    """
    from specfeat.inspection.starter_config import write_starter_config

    path = write_starter_config(name)
    if not quiet:
        print_message(f"{path}: written; edit it, and look at it with specfeat inspect {path}")
    return 0


def schema_command() -> int:
    """Print the JSON schema of configs, with which editors complete and check a config while you write.

    specfeat schema > specfeat.schema.json

    specfeat schema | check-jsonschema --schemafile /dev/stdin my.yaml

    The first line of a config from `specfeat init` tells editors to use the file specfeat.schema.json beside
    the config. specfeat itself checks more than the schema can.

    Exit code: 0 printed.
    """
    from specfeat.inspection.config_schema import make_config_schema

    print(json.dumps(make_config_schema(), indent=1, ensure_ascii=False))
    return 0
