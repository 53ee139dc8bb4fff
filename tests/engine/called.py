"""The `msd` command, called: what one call leaves behind."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

MSD = Path(sys.executable).with_name("msd")
QUICK = ["--network.width", "16", "--network.embedding", "16", "--batch", "16", "--precision", "float32"]


class Outcome:
    """What one call left behind."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> dict[str, Any]:
        (line,) = self.out.splitlines()
        found: dict[str, Any] = json.loads(line)
        return found

    def refuses(self, *words: str) -> bool:
        """Whether the end is one sentence of bad input that holds the words."""
        lines = self.err.splitlines()
        tidy = len(lines) == 1 and lines[0].startswith("msd: ") and lines[0][-1] in ".?"
        return self.code == 2 and tidy and all(word in lines[0] for word in words)


def in_a_process(*words: str, cwd: Path, encoding: str = "utf-8") -> Outcome:
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run([MSD, *words], cwd=cwd, env=environment, capture_output=True, encoding=encoding, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)
