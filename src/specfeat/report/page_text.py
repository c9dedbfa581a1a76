"""Joins the parts of the page: HTML, style, scripts, description and data. Everything inserted is escaped."""

import base64
import hashlib
import html
import json
import re
from importlib.resources import files

from specfeat.report.data_block import PageFacts

# The scripts in the order in which they are joined. Each uses only those before it while it is read.
SCRIPTS = (
    "data",
    "state",
    "colors",
    "labels",
    "projection",
    "drawing",
    "player",
    "details",
    "pointer",
    "map_keys",
    "legend",
    "table",
    "summary",
    "archive",
    "label_files",
    "label_import",
    "label_panel",
    "link",
    "main",
)
_PLACE = re.compile(r"\{\{(\w+)\}\}")


def read_asset(name: str) -> str:
    """Return a file of the page, e.g. "page.css"."""
    return files("specfeat.report").joinpath("page", name).read_text(encoding="utf-8")


def build_page(title: str, description: PageFacts, data: str, data_address: str = "") -> str:
    """Return the page as text.

    Args:
        title: the title of the page.
        description: what the scripts read about the output, as JSON.
        data: the arrays as Base64; "" if they are in a file beside the page.
        data_address: the address of this file, relative to the page; "" if there is none.
    """
    style = read_asset("page.css")
    script = "(() => {\n" + "\n".join(read_asset(f"{name}.js") for name in SCRIPTS) + "\n})();\n"
    values = {
        "policy": html.escape(_make_policy(style, script, has_file=bool(data_address))),
        "title": html.escape(title),
        "style": style,
        "description": escape_json(description),
        "data": data,
        "data_script": f'<script src="{html.escape(data_address)}"></script>' if data_address else "",
        "script": script,
    }
    # All places are replaced in one step, so that an inserted text that looks like a place stays as it is.
    return _PLACE.sub(lambda match: values[match[1]], read_asset("page.html"))


def build_data_script(data: str, identity: str) -> str:
    """Return the script beside a page that has the arrays.

    Args:
        data: the arrays as Base64.
        identity: the text by which the page recognises its own data.
    """
    return f"window.specfeatData = {escape_json({'identity': identity, 'data': data})};\n"


def escape_json(value: PageFacts) -> str:
    """Return JSON in which no character ends a script element or begins a comment of HTML."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _make_policy(style: str, script: str, *, has_file: bool) -> str:
    """Return the Content-Security-Policy of the page: only its own script runs, and nothing is fetched.

    Args:
        style: the style of the page.
        script: the script of the page.
        has_file: whether the page also loads a script from a file beside it.
    """
    scripts = _hash_source(script) + (" 'self' file:" if has_file else "")
    return (
        f"default-src 'none'; script-src {scripts}; style-src {_hash_source(style)}; "
        "img-src data: blob:; media-src 'self' file: blob:; base-uri 'none'; form-action 'none'"
    )


def _hash_source(text: str) -> str:
    """Return the source expression of CSP that allows an inline element with exactly this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"
