"""The page has no place in which a name of a file or a label becomes markup or a script."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from specfeat.report import page_text

HOSTILE = (
    "</script><script>window.bad=1</script>",
    "<!--<script>",
    "]]>",
    '"><img src=x onerror=alert(1)>',
    "{{data}}{{script}}",
    "\u2028\u2029\0",
    "\udcff",
)


class PageParser(HTMLParser):
    """Collects the elements of a page, and the texts of its scripts and its style."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: dict[str, str] = {}
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._open = dict(attrs).get("id") or tag if tag in ("script", "style", "title") else ""

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open] = self.texts.get(self._open, "") + data


def parse_page(text: str) -> PageParser:
    parser = PageParser()
    parser.feed(text)
    parser.close()
    return parser


@pytest.mark.parametrize("name", HOSTILE)
def test_names_stay_text(name: str) -> None:
    """With a hostile title, name or value, the page has the same elements, and JSON gives the same text back."""
    plain = parse_page(page_text.build_page("title", {"name": "plain"}, "AAAA"))
    title = name.replace("\udcff", "?")
    page = parse_page(page_text.build_page(title, {name: [name]}, "AAAA"))

    assert page.tags == plain.tags
    assert json.loads(page.texts["description"]) == {name: [name]}
    assert page.texts["data"] == "AAAA"
    assert page.texts["title"].replace("\ufffd", "\0") == title


def test_only_the_pages_own_script_runs() -> None:
    """The policy names the hashes of the style and the script, allows nothing else, and no attribute runs code."""
    page = parse_page(page_text.build_page("t", {}, ""))
    policy = next(value for key, value in page.attributes if key == "content" and "src" in str(value))
    directives = dict(part.split(" ", 1) for part in str(policy).split("; "))
    hashes = {
        tag: base64.b64encode(hashlib.sha256(page.texts[tag].encode()).digest()).decode()
        for tag in ("script", "style")
    }

    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == f"'sha256-{hashes['script']}'"
    assert directives["style-src"] == f"'sha256-{hashes['style']}'"
    assert [key for key, _ in page.attributes if key.startswith("on") or key == "style"] == []


def test_the_page_asks_the_network_for_nothing() -> None:
    """No part of the page has an address, makes markup from text, or a script from text."""
    folder = Path(page_text.__file__).parent / "page"
    texts = {path.name: path.read_text() for path in folder.iterdir()}
    pattern = r"https?:|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|fetch\(|XMLHttpRequest|import\("

    assert {name for name in texts if name.endswith(".js")} == {f"{name}.js" for name in page_text.SCRIPTS}
    assert [(name, found) for name, text in texts.items() for found in re.findall(pattern, text)] == []


def test_scripts_are_short_and_names_are_unique() -> None:
    """Each script has one subject and at most 200 lines; no two scripts declare the same name."""
    names = []
    for name in page_text.SCRIPTS:
        text = page_text.read_asset(f"{name}.js")
        assert len(text.splitlines()) <= 200, name
        names += re.findall(r"^(?:async )?(?:const|let|function|class) (\w+)", text, re.M)

    assert sorted(names) == sorted({*names})


def test_the_data_beside_the_page_is_one_assignment() -> None:
    """The script beside a page contains the data as JSON, and the policy allows scripts from files."""
    script = page_text.build_data_script("QUJD", "id")
    page = page_text.build_page("t", {}, "", "./a%22b.data.js")

    assert json.loads(script.removeprefix("window.specfeatData = ").removesuffix(";\n")) == {
        "identity": "id",
        "data": "QUJD",
    }
    assert '<script src="./a%22b.data.js"></script>' in page
    assert "file:; style-src" in page
