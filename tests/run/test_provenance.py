"""What affects the numbers: how two runs are compared, and how the processor's instructions are read."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from specfeat.config import load_config
from specfeat.output.records import Provenance
from specfeat.run.provenance import _processor, collect_provenance, describe_differences


def test_what_moves_bits_is_compared() -> None:
    """Config, weights, device, versions and processor count; names, Python's patches and the kernel do not."""
    then = replace(collect_provenance(load_config("minimal")), weights={"random": 0}, device="cpu")

    def now(section: str, **values: object) -> Provenance:
        changed: Any = {section: {**getattr(then, section), **values}}
        return replace(then, **changed)

    python = then.versions["python"]
    assert describe_differences(
        then, collect_provenance(load_config("minimal", ["model.compile.loss=mae"]))
    ) == ("model.compile.loss: mse then, mae now")
    assert (
        describe_differences(then, now("versions", numpy="0.1"))
        == f"numpy: {then.versions['numpy']} then, 0.1 now"
    )
    assert describe_differences(then, now("versions", python=f"{python}.9", platform="another")) == ""
    assert describe_differences(then, replace(then, config=replace(then.config, name="copy.yaml"))) == ""
    assert describe_differences(then, now("environment", ONEDNN_MAX_CPU_ISA="AVX2")) == (
        "environment.ONEDNN_MAX_CPU_ISA: null then, AVX2 now"
    )
    assert describe_differences(then, now("weights", random=1)) == "weights.random: 0 then, 1 now"
    assert (
        describe_differences(then, replace(then, device="gpu:0 H100")) == "device: cpu then, gpu:0 H100 now"
    )
    assert describe_differences(then, replace(then, processor="aarch64 asimd")).startswith("processor: ")
    many = collect_provenance(load_config("yamnet"))
    assert describe_differences(then, many).count(" then, ") == 2
    assert describe_differences(then, many).endswith(" more")


def test_the_processors_instructions_are_read(tmp_path: Path) -> None:
    """Of the first core, and only those that change sums; a system without such a file has none."""
    (tmp_path / "cpuinfo").write_text(
        "processor : 0\nflags\t\t: fpu avx2 fma sse4_1 smap\n\nprocessor : 1\nflags : x\n"
    )

    assert _processor(tmp_path / "cpuinfo").split()[1:] == ["avx2", "fma"]
    assert len(_processor(tmp_path / "none").split()) == 1
