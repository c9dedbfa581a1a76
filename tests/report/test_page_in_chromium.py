"""The page of a report works in a real browser, opened as a file."""

import csv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from helpers.browser import open_browser, open_page, run_script, wait_for
from helpers.handmade_outputs import write_output
from specfeat.report.report import ReportOptions, write_report
from specfeat.segments.formats import audacity, raven

pytestmark = pytest.mark.slow

HOSTILE = "<img src=x onerror=window.bad=1><\u2028script>.wav"
LABELS = ("</script><script>window.bad=1</script>", "wren")
# Each row is at its own place: the first axis of the map is the first feature, the second axis the second one.
ROWS = {
    "birds/a #%.wav": [[8, 4], [4, 3], [1, -1]],
    "b.aiff": [[-1, 4], [-2, -4]],
    HOSTILE: [[-3, 2], [-7, -3]],
    "bad.wav": None,
}
MARGIN = 16  # pixels between the outermost point and the edge of the map


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of an output with seven rows."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "birds").mkdir()
    soundfile.write(folder / "birds" / "a #%.wav", np.zeros(24000), 8000)  # longer than its rows
    soundfile.write(folder / "b.aiff", np.zeros(8000), 8000)
    write_output(folder / "out.npy", ROWS, labels=LABELS)
    return write_report(folder / "out.npy", None, ReportOptions()).page


@pytest.fixture(scope="module")
def _browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with open_browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def browser(_browser: Any, page: Path) -> Iterator[Any]:
    """Return a browser with the page, without labels of an earlier test. The page must report no error."""
    open_page(_browser, page)
    run_script(_browser, "localStorage.clear()")
    open_page(_browser, page)
    _browser.get_log("browser")
    yield _browser
    assert [entry for entry in _browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def find_place(browser: Any, row: int) -> tuple[float, float]:
    """Return the place of a row on the map in pixels, which follows from the scores of all rows."""
    rows = np.concatenate([np.array(one, float) for one in ROWS.values() if one])
    centred = rows - rows.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    axes *= np.sign([axis[np.abs(axis).argmax()] for axis in axes])[:, None]
    places = centred @ axes.T
    size = np.array(
        run_script(
            browser, "const f = document.getElementById('map-frame'); return [f.clientWidth, f.clientHeight]"
        )
    )
    scales = (size - 2 * MARGIN) / np.ptp(places, axis=0)
    scales = np.minimum(scales, 3 * scales.min())
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    offset = (places[row] - middle) * scales * [1, -1]
    return float(offset[0] + size[0] / 2), float(offset[1] + size[1] / 2)


def act_on_map(browser: Any, *steps: tuple[str, float, float]) -> None:
    """Move the mouse, press or release its button at places of the map, in pixels."""
    from selenium.webdriver.common.action_chains import ActionChains

    run_script(browser, "document.getElementById('map-frame').scrollIntoView()")
    left, top = run_script(
        browser, "const r = document.getElementById('marks').getBoundingClientRect(); return [r.left, r.top]"
    )
    chain = ActionChains(browser, duration=0)
    for action, x, y in steps:
        chain.w3c_actions.pointer_action.move_to_location(round(left + x), round(top + y))
        if action == "press":
            chain.w3c_actions.pointer_action.pointer_down()
        elif action == "release":
            chain.w3c_actions.pointer_action.pointer_up()
    chain.perform()


def click_row(browser: Any, row: int) -> None:
    place = find_place(browser, row)
    act_on_map(browser, ("move", *place), ("press", *place), ("release", *place))


def press(browser: Any, *keys: str) -> None:
    """Press keys, one after the other, where the keyboard is."""
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser, duration=0).send_keys(*keys).perform()


def read_text(browser: Any, element: str) -> str:
    return str(run_script(browser, "return document.getElementById(arguments[0]).textContent", element))


def click(browser: Any, element: str) -> None:
    run_script(browser, "document.getElementById(arguments[0]).click()", element)


def read_table(browser: Any, table: str = "row-table") -> list[list[str]]:
    """Return the texts of the lines of a table."""
    script = """return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)].map(
        (line) => [...line.cells].map((cell) => cell.textContent))"""
    lines: list[list[str]] = run_script(browser, script, table)
    return lines


def read_download(browser: Any, page: Path, button: str, name: str) -> Path:
    """Press a button that saves a file, and return the file."""
    folder = Path(browser.capabilities["chrome"]["userDataDir"]).parent / "downloads"
    path = folder / name
    path.unlink(missing_ok=True)
    click(browser, button)
    wait_for(path.exists)
    return path


def test_each_row_is_a_point(browser: Any) -> None:
    """Each row is drawn at its place in the colour of the legend, and hostile names are only text."""
    assert run_script(browser, "return document.getElementById('points').dataset.drawn") == "7"
    script = """const [x, y] = arguments; const canvas = document.getElementById("points");
        const ratio = canvas.width / canvas.clientWidth;
        return [...canvas.getContext("2d").getImageData(x * ratio, y * ratio, 1, 1).data]"""
    colors = {tuple(run_script(browser, script, *find_place(browser, row))) for row in range(3)}
    swatches = run_script(
        browser, "return [...document.querySelectorAll('.swatch')].map((one) => one.style.background)"
    )

    assert len(swatches) == 2
    assert [f"rgb({r}, {g}, {b})" for r, g, b, _ in colors] == [swatches[1]]
    assert [line[1] for line in read_table(browser)] == ["birds/a #%.wav"] * 3 + ["b.aiff"] * 2 + [
        HOSTILE
    ] * 2
    assert run_script(browser, "return window.bad ?? 'none'") == "none"
    assert run_script(browser, "return document.images.length") == 0
    assert read_table(browser, "problem-table")[0][:2] == ["bad.wav", "failed"]


def test_the_pointer_names_file_and_second(browser: Any) -> None:
    """A point under the pointer shows its file, its time and its spectrogram."""
    act_on_map(browser, ("move", *find_place(browser, 1)))
    text = wait_for(lambda: read_text(browser, "tooltip"))

    assert text.startswith("birds/a #%.wav0.5 to 1 s")
    assert run_script(browser, "return document.querySelectorAll('#tooltip canvas').length") == 1


def test_a_click_plays_the_clip_and_stops_in_time(browser: Any) -> None:
    """The clip plays from its start minus the context to its end plus the context."""
    run_script(browser, "document.getElementById('context').value = '0.1'")
    run_script(
        browser,
        "window.times = []; const a = document.getElementById('audio');"
        "a.addEventListener('playing', () => window.times.push(a.currentTime));"
        "a.addEventListener('pause', () => window.times.push(a.currentTime));",
    )
    click_row(browser, 1)
    wait_for(lambda: read_text(browser, "play-state").startswith("Stopped at"))
    started, stopped = run_script(browser, "return [window.times[0], window.times.at(-1)]")

    assert started == pytest.approx(0.4, abs=0.05)
    assert 1.1 <= stopped < 1.5
    assert "row1" in read_text(browser, "details")


def test_a_file_that_cannot_be_played_is_named_at_the_point(browser: Any) -> None:
    """Browsers do not play AIFF: the point says so, and what to do."""
    click_row(browser, 3)
    text = wait_for(lambda: "--embed-audio" in (one := read_text(browser, "play-state")) and one)

    assert text.startswith("b.aiff cannot be played: browsers do not play .aiff files.")
    assert "cannot be played" in read_text(browser, "details")
    browser.get_log("browser")  # the browser reports the file, too


def test_everything_goes_by_keyboard(browser: Any) -> None:
    """Arrow keys go from point to point, space plays, and a screen reader hears the point."""
    run_script(browser, "document.getElementById('marks').focus()")
    press(browser, "\ue014")  # the arrow key to the right
    first = read_text(browser, "announcement")
    for _ in range(6):
        press(browser, "\ue014")
    press(browser, " ")
    wait_for(lambda: read_text(browser, "play-state").startswith(("Playing", "Stopped")))

    assert first.startswith("row ")
    assert read_text(browser, "announcement").startswith("row 0, birds/a #%.wav, 0 to 0.5 s, folder birds")
    press(browser, ".")
    assert read_text(browser, "announcement").startswith("row 1, ")
    press(browser, "n")
    assert read_text(browser, "announcement").startswith("row 0, ")


def test_labels_survive_a_reload_and_can_be_taken_back(browser: Any, page: Path) -> None:
    """Number keys label, Ctrl+Z takes the last label back, and a reload changes nothing."""
    open_page(browser, page, "#row=1")
    press(browser, "1")
    open_page(browser, page, "#row=5")
    press(browser, "2", "3")
    click(browser, "undo")
    labels = [line[5] for line in read_table(browser)]
    open_page(browser, page)

    assert labels == ["", "label: positive", "", "", "", "label: negative", ""]
    assert [line[5] for line in read_table(browser)] == labels
    assert read_text(browser, "label-counts") == "label: 1 positive, 1 negative, 0 uncertain."


def label_rows(browser: Any, page: Path, *labels: tuple[int, str, str]) -> None:
    for row, name, key in labels:
        open_page(browser, page, f"#row={row}")
        run_script(
            browser,
            "const f = document.getElementById('label-name'); f.value = arguments[0]; f.dispatchEvent(new Event('input'))",
            name,
        )
        press(browser, key)


def test_exports_are_what_was_labelled(browser: Any, page: Path, tmp_path: Path) -> None:
    """Other readers find in the exported files exactly the labels, and an import restores them."""
    name = 'a "song",\u00e9 __proto__'
    label_rows(browser, page, (1, name, "1"), (1, "wren", "2"), (4, "wren", "3"), (5, name, "1"))
    table = read_download(browser, page, "export-csv", "labels.csv")
    with table.open(newline="", encoding="utf-8") as file:
        lines = [tuple(line.values()) for line in csv.DictReader(file)]
    path = "birds/a #%.wav"
    expected = [
        ("1", path, "0.5", "1", name, "positive"),
        ("1", path, "0.5", "1", "wren", "negative"),
        ("4", "b.aiff", "0.5", "1", "wren", "uncertain"),
        ("5", HOSTILE, "0", "0.5", name, "positive"),
    ]
    assert lines == expected

    selections = read_download(browser, page, "export-raven", "raven.zip")
    tracks = read_download(browser, page, "export-audacity", "audacity.zip")
    for archive in (selections, tracks):
        with zipfile.ZipFile(archive) as content:
            assert content.testzip() is None
            content.extractall(tmp_path)
    table_of_file = raven.FORMAT.read_table(tmp_path / "birds_a #%.wav.selections.txt", {})
    found = [
        (one.paths[0], one.part.start_s, one.part.end_s, *one.values[-2:]) for one in table_of_file.lines
    ]
    assert found == [(path, 0.5, 1, name, "positive"), (path, 0.5, 1, "wren", "negative")]
    track = audacity.FORMAT.read_table(tmp_path / "birds_a #%.wav.labels.txt", {})
    assert [(one.part.start_s, one.part.end_s, one.values[0]) for one in track.lines] == [
        (0.5, 1, name),
        (0.5, 1, "wren (negative)"),
    ]

    run_script(browser, "localStorage.clear()")
    open_page(browser, page)
    restored = [sorted(tmp_path.glob("*.selections.txt")), sorted(tmp_path.glob("*.labels.txt")), [table]]
    for files in restored:
        open_page(browser, page)
        browser.find_element("id", "import-file").send_keys("\n".join(map(str, files)))
        wait_for(lambda: "changed" in read_text(browser, "label-message"))
        assert read_download(browser, page, "export-csv", "labels.csv").read_text().count("\n") == 5
        assert [line[5] for line in read_table(browser)][1] == f"{name}: positive, wren: negative"
        run_script(browser, "localStorage.clear()")


def test_rectangle_lasso_and_link_select(browser: Any, page: Path) -> None:
    """A rectangle and a lasso select the points inside them, and the copied link selects them again."""
    (left, top), (right, bottom) = find_place(browser, 0), find_place(browser, 2)
    corners = (min(left, right) - 6, min(top, bottom) - 6), (max(left, right) + 6, max(top, bottom) + 6)
    run_script(browser, "document.querySelector('input[value=brush]').click()")
    act_on_map(browser, ("press", *corners[0]), ("move", *find_place(browser, 1)), ("release", *corners[1]))
    selected = {line[0] for line in read_table(browser)}
    inside = {
        str(row)
        for row in range(7)
        if all(a <= b <= c for a, b, c in zip(corners[0], find_place(browser, row), corners[1], strict=True))
    }
    assert selected == inside
    assert {"0", "2"} <= selected < {*"0123456"}

    click(browser, "copy-link")
    address = wait_for(lambda: run_script(browser, "return document.getElementById('link').value"))
    open_page(browser, page, "#" + address.partition("#")[2])
    assert {line[0] for line in read_table(browser)} == selected

    run_script(browser, "document.querySelector('input[value=lasso]').click()")
    x, y = find_place(browser, 6)
    act_on_map(
        browser,
        ("press", x - 9, y - 9),
        ("move", x + 9, y - 9),
        ("move", x + 9, y + 9),
        ("release", x - 9, y + 9),
    )
    assert [line[0] for line in read_table(browser)] == ["6"]


def test_the_legend_filters(browser: Any) -> None:
    """A category without its mark has no points, and a range of numbers hides the other rows."""
    run_script(browser, "document.querySelector('#legend input').click()")  # the most frequent folder
    hidden = [line[1] for line in read_table(browser)]
    click(browser, "reset-filters")
    run_script(
        browser,
        "const s = document.getElementById('color-column');"
        "s.selectedIndex = [...s.options].findIndex((one) => one.text === 'start_s'); s.dispatchEvent(new Event('change'));"
        "const f = document.querySelector('#legend input'); f.value = '0.5'; f.dispatchEvent(new Event('change'));",
    )

    assert hidden == ["birds/a #%.wav"] * 3
    assert [line[2] for line in read_table(browser)] == ["0.5", "1", "0.5", "0.5"]
    assert read_text(browser, "filter-state") == "4 of 7 points shown; filtered by start_s"


def test_dark_and_light(browser: Any) -> None:
    """The page and the map follow the system, and the button chooses against the system."""
    script = """const canvas = document.getElementById("points");
        return [getComputedStyle(document.body).backgroundColor, canvas.getContext("2d").getImageData(1, 1, 1, 1).data[0]]"""
    found = []
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        found.append(wait_for(lambda: run_script(browser, script)))
        run_script(
            browser, "return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        found[-1] = run_script(browser, script)
    assert found == [["rgb(255, 255, 255)", 255], ["rgb(22, 24, 28)", 22]]
    click(browser, "theme")
    click(browser, "theme")
    assert run_script(browser, script)[0] == "rgb(255, 255, 255)"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_embedded_audio_plays(browser: Any, page: Path) -> None:
    """A snippet in the page plays although the browser cannot play its file; the data may lie beside the page."""
    other = page.with_name("other.html")
    options = ReportOptions(embedded_audio=1, has_data_beside=True, replaces=True)
    write_report(page.with_name("out.npy"), other, options)
    open_page(browser, other, "#row=3")
    press(browser, " ")
    wait_for(lambda: read_text(browser, "play-state").startswith("Stopped at"))
    stopped = float(read_text(browser, "play-state").split()[2])

    assert 0.95 <= stopped <= 1.3
    other.with_name("other.data.js").unlink()
    browser.get(f"{other.as_uri()}?again")
    message = wait_for(lambda: read_text(browser, "message"))
    assert message.endswith("keep the file that ends in .data.js beside the page.")
    browser.get_log("browser")  # the browser reports the missing file, too
