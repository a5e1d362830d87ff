"""The tutorial tells the truth: its commands run, and print what it says they print."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OLIST = ROOT.parent / "shared" / "data" / "olist"
NEEDS_THE_APP = ("rung up", "rung import olist --map examples/olist/mapping.yaml\n")
BLOCKS = re.compile(r"```(sh|text)\n(.*?)```", re.DOTALL)

pytestmark = pytest.mark.skipif(not OLIST.is_dir(), reason="Olist's files are not beside the repository")


def squeezed(text: str) -> str:
    return re.sub(r"[ \t]+", " ", text)


def test_every_command_of_the_tutorial_prints_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "olist").mkdir()
    for name in ("olist_closed_deals_dataset.csv", "olist_marketing_qualified_leads_dataset.csv"):
        shutil.copy(OLIST / name, tmp_path / "olist")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    changed = (ROOT / "examples/olist/playbook.yaml").read_text("utf-8").replace("idle >= days(90)", "idle >= days(30)")
    (tmp_path / "shorter.yaml").write_text(changed, encoding="utf-8")

    printed, commands = "", 0
    for language, block in BLOCKS.findall((ROOT / "docs/tutorial.md").read_text("utf-8")):
        if language == "text":
            for line in block.splitlines():
                assert squeezed(line.strip()) in squeezed(printed)
            continue
        if any(needed in block for needed in NEEDS_THE_APP):
            continue
        printed = ""
        for command in block.splitlines():
            words = shlex.split(command)
            assert words[0] == "rung"
            done = subprocess.run(
                [sys.executable, "-m", "rung.cli", *words[1:]],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            printed += done.stdout
            commands += 1
    assert commands >= 4
