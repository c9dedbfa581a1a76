"""`specfeat doctor`: says what is wrong with the installation and the machine."""

import importlib.util
import json
import sys
from typing import Annotated

import typer

from specfeat import __version__
from specfeat.errors import escape_control_characters
from specfeat.inspection.finding import Finding
from specfeat.inspection.installation import inspect_installation
from specfeat.inspection.libraries import inspect_libraries
from specfeat.inspection.machine import inspect_machine

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
QuickOption = Annotated[
    bool, typer.Option("--quick", help="Look only at versions and the machine, and load no library.")
]


def doctor_command(as_json: JsonOption = False, quick: QuickOption = False) -> int:
    """Say what is wrong with the installation and the machine, and what to do about it.

    specfeat doctor

    specfeat doctor --json

    The versions of all packages are compared with those that specfeat needs. Then each library is loaded in a
    process of its own, so that a broken library gives one line. TensorFlow takes some seconds.

    Exit code: 0 everything works, 1 there is a problem.
    """
    findings = [Finding("specfeat", "ok", __version__), *inspect_installation()]
    if not quick:
        findings += inspect_libraries(has_av=importlib.util.find_spec("av") is not None)
    findings += inspect_machine()
    has_problem = any(finding.status == "problem" for finding in findings)
    if as_json:
        report = {"schema": 1, "ok": not has_problem, "findings": [one.to_json() for one in findings]}
        sys.stdout.write(json.dumps(report, indent=1) + "\n")
    else:
        for finding in findings:
            print(escape_control_characters(f"{finding.status:8} {finding.name}: {finding.text}"))
            if finding.cure:
                print(escape_control_characters(f"         cure: {finding.cure}"))
    return 1 if has_problem else 0
