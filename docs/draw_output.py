"""Draw docs/output.png: the sounds of data/sample, their clips, and the output of a run.

`python docs/draw_output.py [PICTURE]` runs `specfeat extract` with the config `default` in a temporary
folder. It needs matplotlib: `pip install '.[plot]'`.
"""

import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import librosa
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch

ROOT = Path(__file__).parents[1]
SOUNDS = "data/sample"
SAMPLE_RATE_HZ, HOP_SAMPLES, CLIP_SAMPLES = 16_000, 160, 16_000  # of the config `default`
COLOURS = ("#1f6fb2", "#d98c2b", "#3a8f5c", "#a2509f", "#b5483a", "#5b6b7a", "#8a7a1f")
COLUMN_WIDTHS = (4, 31, 9, 9, 7, 10, 7)  # of the index
MONOSPACE = {"family": "monospace", "fontsize": 8.5}


def run_extract(folder: Path) -> tuple[np.ndarray, list[dict[str, str]], dict]:
    """Extract data/sample and return the array, the lines of the index, and the record."""
    array = folder / "features.npy"
    command = [sys.executable, "-m", "specfeat", "extract", SOUNDS, str(array), "-q"]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603  the command is written above
    with (folder / "features.index.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    return np.load(array), lines, json.loads((folder / "features.run.json").read_text())


def make_spectrogram(path: str, start_s: float) -> np.ndarray:
    """Return the log-mel spectrogram of one clip, in dB, shape (mel band, frame)."""
    sound, _ = librosa.load(ROOT / path, sr=SAMPLE_RATE_HZ)
    start = round(start_s * SAMPLE_RATE_HZ)
    clip = librosa.util.fix_length(sound[start : start + CLIP_SAMPLES], size=CLIP_SAMPLES)
    mel = librosa.feature.melspectrogram(
        y=clip,
        sr=SAMPLE_RATE_HZ,
        n_fft=512,
        win_length=400,
        hop_length=HOP_SAMPLES,
        n_mels=64,
        fmin=60,
        fmax=7800,
    )
    return librosa.power_to_db(mel, top_db=None)[:, :100]


def scale_features(rows: np.ndarray) -> np.ndarray:
    """Scale each feature to 0..1 over the rows, so that the picture shows how rows differ."""
    low, high = rows.min(axis=0), rows.max(axis=0)
    return (rows - low) / np.maximum(high - low, 1e-9)


def draw_row(axes: list[Axes], number: int, row: np.ndarray, line: dict[str, str], colour: str) -> None:
    """Draw one clip, its row of the array and its line of the index beside each other."""
    clip, strip, text = axes
    clip.imshow(
        make_spectrogram(line["path"], float(line["start_s"])),
        origin="lower",
        aspect="auto",
        vmin=-80,
        vmax=20,
    )
    strip.imshow(row[np.newaxis], aspect="auto", vmin=0, vmax=1, cmap="cividis")
    strip.set_ylabel(f"row {number}", rotation=0, ha="right", va="center", fontsize=8)
    for axis in (clip, strip):
        axis.set_xticks([])
        axis.set_yticks([])
        for spine in axis.spines.values():
            spine.set_color(colour)
            spine.set_linewidth(1.5)
    text.text(0, 0.5, align_cells(line.values()), va="center", color=colour, **MONOSPACE)
    text.axis("off")
    if number == 0:
        text.text(0, 1.35, align_cells(line), va="center", weight="bold", **MONOSPACE)


def align_cells(cells: Iterable[str]) -> str:
    """Join the cells of one line of the index, each as wide as its column."""
    return "".join(cell.ljust(width) for cell, width in zip(cells, COLUMN_WIDTHS, strict=True))


def shorten_record(record: dict) -> str:
    """Return some lines of the record, as the file has them."""
    name, sha256 = record["config"]["name"], record["config"]["sha256"][:12]
    sizes = {"rows": record["rows"], "features": record["features"]}
    lines = (
        f'"command": ["specfeat", "extract", "{SOUNDS}", "features.npy"],',
        f'"config": {{"name": "{name}", "sha256": "{sha256}...", "resolved": {{...}}}},',
        f'"weights": {json.dumps(record["weights"])}, "device": "{record["device"]}", "versions": {{...}},',
        f'{json.dumps(sizes)[1:-1]}, "audio_seconds": {record["audio_seconds"]:.2f},',
        f'"counts": {json.dumps(record["counts"])},',
        '"files": [{"path": ..., "status": "ok", "rows": 3, ...}, ...], "passed_over": [...]',
    )
    return "\n".join(lines)


def draw(picture: Path) -> None:
    """Run the command and draw what it writes."""
    with tempfile.TemporaryDirectory() as folder:
        rows, lines, record = run_extract(Path(folder))
    scaled = scale_features(rows)
    paths = list(dict.fromkeys(line["path"] for line in lines))
    figure = Figure(figsize=(13.2, 8.6), facecolor="white")
    grid = figure.add_gridspec(
        len(lines),
        4,
        width_ratios=(1.5, 0.75, 3.5, 5.5),
        left=0.01,
        right=0.99,
        top=0.89,
        bottom=0.235,
        wspace=0.17,
        hspace=0.28,
    )
    clips: dict[str, list[Axes]] = {path: [] for path in paths}
    for number, line in enumerate(lines):
        axes = [figure.add_subplot(grid[number, column]) for column in (1, 2, 3)]
        draw_row(axes, number, scaled[number], line, COLOURS[paths.index(line["path"])])
        clips[line["path"]].append(axes[0])
    names = figure.add_subplot(grid[:, 0])
    names.set_axis_off()
    names.set_xlim(0, 1)
    names.set_ylim(len(lines), 0)
    first = 0
    for path, colour in zip(paths, COLOURS, strict=True):
        middle = first + len(clips[path]) / 2
        names.text(
            0, middle, path.removeprefix(f"{SOUNDS}/"), va="center", fontsize=9.5, color=colour, weight="bold"
        )
        for clip in clips[path]:
            figure.add_artist(
                ConnectionPatch(
                    (0.97, middle), (-0.04, 0.5), names.transData, clip.transAxes, color=colour, lw=0.8
                )
            )
        first += len(clips[path])
    headings = (
        (names, "audio files", "of any length"),
        (figure.axes[0], "clips", "of 1 second"),
        (
            figure.axes[1],
            "features.npy",
            f"{rows.shape[0]} rows x {rows.shape[1]} features, one row for each clip",
        ),
        (figure.axes[2], "features.index.csv", "the clip that each row comes from"),
    )
    for axes_below, title, subtitle in headings:
        x = axes_below.get_position().x0
        figure.text(x, 0.965, title, fontsize=12, weight="bold")
        figure.text(x, 0.943, subtitle, fontsize=9, color="#444444")
    figure.text(0.01, 0.19, "features.run.json", fontsize=12, weight="bold")
    figure.text(
        0.01,
        0.168,
        "the record: settings, weights, versions, and the result for each file",
        fontsize=9,
        color="#444444",
    )
    figure.text(
        0.012, 0.15, shorten_record(record), va="top", linespacing=1.5, **MONOSPACE,
        bbox={"boxstyle": "round,pad=0.5", "facecolor": "#f4f4f1", "edgecolor": "#cccccc"},
    )  # fmt: skip
    figure.savefig(picture, dpi=100)


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "output.png")
