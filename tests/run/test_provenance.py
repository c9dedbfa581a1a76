"""What is compared before the rows of an earlier run are used."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from specfeat.config import load_config
from specfeat.output.records import Provenance
from specfeat.run.provenance import collect_provenance, describe_differences, describe_processor


def test_everything_that_affects_the_numbers_is_compared() -> None:
    """Config, weights, device, versions and processor are; names, patch releases of Python and the kernel are not."""
    old = replace(collect_provenance(load_config("minimal")), weights={"random": 0}, device="cpu")

    def change(section: str, **values: object) -> Provenance:
        changed: Any = {section: {**getattr(old, section), **values}}
        return replace(old, **changed)

    python = old.versions["python"]
    assert describe_differences(
        old, collect_provenance(load_config("minimal", ["model.compile.loss=mae"]))
    ) == ("model.compile.loss: mse, now mae")
    assert (
        describe_differences(old, change("versions", numpy="0.1"))
        == f"numpy: {old.versions['numpy']}, now 0.1"
    )
    assert describe_differences(old, change("versions", python=f"{python}.9", platform="another")) == ""
    assert describe_differences(old, replace(old, config=replace(old.config, name="copy.yaml"))) == ""
    assert describe_differences(old, change("environment", ONEDNN_MAX_CPU_ISA="AVX2")) == (
        "environment.ONEDNN_MAX_CPU_ISA: null, now AVX2"
    )
    assert describe_differences(old, change("weights", random=1)) == "weights.random: 0, now 1"
    assert describe_differences(old, replace(old, device="gpu:0 H100")) == "device: cpu, now gpu:0 H100"
    assert describe_differences(old, replace(old, processor="aarch64 asimd")).startswith("processor: ")
    many = collect_provenance(load_config("yamnet"))
    assert describe_differences(old, many).count(", now ") == 2
    assert describe_differences(old, many).endswith(" more")


def test_the_instruction_sets_of_the_processor_are_read(tmp_path: Path) -> None:
    """They are those of the first core, and only those that affect sums; without such a file there are none."""
    (tmp_path / "cpuinfo").write_text(
        "processor : 0\nflags\t\t: fpu avx2 fma sse4_1 smap\n\nprocessor : 1\nflags : x\n"
    )

    assert describe_processor(tmp_path / "cpuinfo").split()[1:] == ["avx2", "fma"]
    assert len(describe_processor(tmp_path / "none").split()) == 1
