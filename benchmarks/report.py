"""Formats the results of measurements as tables, and draws them as a picture.

`python -m benchmarks.report OUT.json` prints the table in docs/speed.md.
"""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.stages import STAGES

# "Work done ahead" is the work that the workers do while TensorFlow is loaded.
COLUMNS = (
    "corpus",
    "network",
    "files",
    "audio, min",
    "rows",
    *(f"{stage}: ms of a core for 1 s of audio" for stage in STAGES),
    "network alone, ms a clip",
    "Keras' tf.function / that, batches as in a run; one by one",
    "limit, s",
    "specfeat, s",
    "limit / specfeat",
    "limit without the work done ahead, s",
    "limit without the work done ahead / specfeat",
    "specfeat minus limit without the work done ahead, ms a file",
    "typical script, s",
    "typical script / specfeat with the work done ahead",
    "from the command to the last byte, s",
    "peak of all processes, MB",
)


def format_table(result: dict[str, Any]) -> str:
    """Return all results as tables in Markdown."""
    columns = [COLUMNS, *map(_format_cells, result["pairs"])]
    widths = [max(map(len, column)) for column in columns]
    rows = [
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        for row in zip(*columns, strict=True)
    ]
    rule = f"|{'|'.join('-' * (width + 2) for width in widths)}|"
    lines = [f"{format_machines(result)}, Python {result['python']}", "", rows[0], rule, *rows[1:]]
    lines += ["", "| start | s |", "|---|---|"]
    lines += [f"| {name} | {seconds:.2f} |" for name, seconds in result["start"].items()]
    return "\n".join(lines)


def format_machines(result: dict[str, Any]) -> str:
    """Return the machine of the measurements, or all machines if there were several."""
    return "; ".join(dict.fromkeys(pair["machine"] for pair in result["pairs"]))


def _format_cells(pair: dict[str, Any]) -> tuple[str, ...]:
    seconds = pair["audio_seconds"]
    return (
        pair["corpus"],
        pair["network"],
        str(pair["files"]),
        f"{seconds / 60:.1f}",
        str(pair["rows"]),
        *(f"{1000 * pair['stages'][stage] / seconds:.2f}" for stage in STAGES),
        f"{1000 * pair['alone']['specfeat']:.2f}",
        f"{pair['alone']['speed_up']:.2f} x; {pair['alone']['folding']:.2f} x",
        f"{pair['limit']:.2f}",
        f"{pair['work']:.2f}",
        f"{pair['share']:.0%}",
        f"{pair['rest']:.2f}",
        f"{pair['share_of_rest']:.0%}",
        f"{pair['overhead_ms_a_file']:.2f}",
        f"{pair['naive']:.1f}" if "naive" in pair else "",
        f"{pair['over_naive']:.1f} x" if "naive" in pair else "",
        f"{pair['wall']:.1f}",
        f"{pair['peak_mb']:.0f}",
    )


def format_short_table(result: dict[str, Any]) -> str:
    """Return the table in docs/speed.md as Markdown."""
    lines = [
        "| sound | network | limit | specfeat | limit / specfeat | corrected | script | script / specfeat |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for pair in result["pairs"]:
        naive = ("naive" in pair) and (f"{pair['naive']:.0f} s", f"{pair['over_naive']:.1f} x")
        cells = (
            f"`{pair['corpus']}`: {_format_file_count(pair['files'])}, {pair['audio_seconds'] / 60:.0f} min",
            f"`{pair['network']}`",
            f"{pair['limit']:.1f} s",
            f"{pair['work']:.1f} s",
            f"{pair['share']:.0%}",
            f"{pair['share_of_rest']:.0%} ({_format_range(pair['shares_of_rest'])})",
            *(naive or ("", "")),
        )
        lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |"))
    return "\n".join(lines)


def _format_range(shares: list[float]) -> str:
    return f"{100 * min(shares):.0f} to {100 * max(shares):.0f}"


def _format_file_count(files: int) -> str:
    return f"{files:,} file" + ("" if files == 1 else "s")


def draw_picture(result: dict[str, Any], path: Path) -> None:
    """Draw a group of bars for each pair of corpus and network: limit, specfeat and typical script."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    pairs = result["pairs"]
    figure = Figure(figsize=(8, 1.2 + 0.62 * len(pairs)), layout="constrained")
    axes = figure.subplots()
    kinds = [
        ("limit", "limit of the machine", "#b9c0c7"),
        ("work", "specfeat", "#1f6fb2"),
        ("naive", "a typical script", "#d98c2b"),
    ]
    for k, (key, label, colour) in enumerate(kinds):
        measured = [(i, pair[key]) for i, pair in enumerate(pairs) if pair.get(key, 0) > 0]
        positions = [i + (k - 1) * 0.27 for i, _ in measured]
        bars = axes.barh(positions, [seconds for _, seconds in measured], 0.25, label=label, color=colour)
        axes.bar_label(bars, [_format_bar_label(pairs[i], key) for i, _ in measured], padding=3, fontsize=8)
    names = [
        f"{p['corpus']}, {p['network']}\n{_format_file_count(p['files'])}, {p['audio_seconds'] / 60:.0f} min"
        for p in pairs
    ]
    axes.set_yticks(range(len(pairs)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.tick_params(axis="x", labelsize=8)
    axes.xaxis.set_minor_formatter("")
    axes.margins(x=0.14, y=0.02)
    axes.set_xlim(left=0.5 * min(pair[key] for pair in pairs for key, *_ in kinds if pair.get(key, 0) > 0))
    axes.set_xlabel("seconds of work after the start-up, logarithmic scale; less is better", fontsize=9)
    axes.set_title(format_machines(result), fontsize=9)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def _format_bar_label(pair: dict[str, Any], key: str) -> str:
    notes = {"work": f"  (limit / specfeat: {pair['share']:.0%})", "limit": ""}
    notes["naive"] = f"  ({pair['over_naive']:.1f} x specfeat's time)" if "naive" in pair else ""
    return f"{pair[key]:.{1 if pair[key] >= 1 else 2}f} s{notes[key]}"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m benchmarks.report OUT.json")
    print(format_short_table(json.loads(Path(sys.argv[1]).read_text())))
