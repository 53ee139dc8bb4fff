"""The commands of the README and of the examples are commands of the program."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from msd_engine.cli.main import _parse

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SKY = (ROOT / "packaging" / "sky.yaml").read_text(encoding="utf-8").replace("\\\n", " ")


def commands() -> list[str]:
    blocks = "\n".join(re.findall(r"^```\w*\n(.*?)^```", README, re.MULTILINE | re.DOTALL))
    found = re.findall(r"^(?:\$ )?(?:torchrun .* -m msd_engine\.cli|msd) (.*)$", blocks, re.MULTILINE)
    return [*found, *re.findall(r"/bin/msd (.*)$", SKY, re.MULTILINE)]


@pytest.mark.parametrize("line", commands())
def test_a_command_as_printed_is_understood(line: str) -> None:
    words = shlex.split(line, comments=True)
    assert type(_parse(words)).__name__.lower() == words[0].replace("-", "")


def test_there_are_commands() -> None:
    assert len(commands()) > 10
    assert sum("sweep" in line for line in commands()) > 2
