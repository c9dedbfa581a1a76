"""The measured numbers as a table and as a picture."""

from pathlib import Path
from typing import Any


def table(result: dict[str, Any]) -> str:
    """Return the table in Markdown."""
    lines = [
        f"{result['files']} files on {result['machine']}, Python {result['python']}",
        "",
        "| network | audio, min | rows | decode, mono, resample, spectrogram: ms of a core for 1 s of audio "
        "| network alone, ms a clip | limit, s | specfeat, s | share | naive, s | faster | peak, MB |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, entry in result["networks"].items():
        seconds = entry["audio_seconds"]
        cells = (
            name,
            f"{seconds / 60:.1f}",
            str(entry["rows"]),
            ", ".join(f"{1000 * stage / seconds:.2f}" for stage in entry["stages"].values()),
            f"{1000 * entry['network_alone'] / max(1, entry['rows']):.2f}",
            f"{entry['limit']:.2f}",
            f"{entry['work']:.2f}",
            f"{entry['share']:.0%}",
            f"{entry['naive']:.1f}" if "naive" in entry else "",
            f"{entry['over_naive']:.1f} x" if "naive" in entry else "",
            f"{entry['peak_mb']:.0f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| start | s |", "|---|---|"]
    lines += [f"| {name} | {seconds:.2f} |" for name, seconds in result["start"].items()]
    lines += ["", "Network stage over Keras' plain tf.function: "]
    lines[-1] += ", ".join(f"{n} {e['network_over_keras']:.2f} x" for n, e in result["networks"].items())
    return "\n".join(lines)


def draw(result: dict[str, Any], path: Path) -> None:
    """Draw the limit, specfeat and the naive script as bars, a group for each network."""
    from matplotlib.figure import Figure

    names = list(result["networks"])
    figure = Figure(figsize=(8, 0.9 + 0.85 * len(names)), layout="constrained")
    axes = figure.subplots()
    kinds = [
        ("limit", "limit of the machine", "#bbbbbb"),
        ("work", "specfeat", "#1f6fb2"),
        ("naive", "naive script", "#d98c2b"),
    ]
    for k, (key, label, colour) in enumerate(kinds):
        values = [result["networks"][name].get(key, 0.0) for name in names]
        places = [i + (k - 1) * 0.27 for i in range(len(names))]
        bars = axes.barh(places, values, 0.25, label=label, color=colour)
        axes.bar_label(bars, [f"{v:.1f} s" if v else "" for v in values], padding=3, fontsize=8)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.margins(x=0.12)
    axes.set_xlabel("seconds of work without start-up, logarithmic; less is better")
    minutes = max(entry["audio_seconds"] for entry in result["networks"].values()) / 60
    axes.set_title(
        f"{minutes:.0f} minutes of audio in {result['files']} files, {result['machine']}", fontsize=10
    )
    axes.legend(fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
