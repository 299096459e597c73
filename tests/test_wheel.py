"""What the packages need beside their code is in the wheel: pages, SQL, the small judge."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[1]


def test_a_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]
    source = _copy_of_what_git_knows(tmp_path / "source")
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*wheel, "--wheel-dir", tmp_path, source], check=True, timeout=120)
    [built] = tmp_path.glob("*.whl")
    needed = {str(file) for name in packages for file in _files(source) if file.parts[0] == name}
    assert {"actors/small_judge/delta.safetensors", "actors/small_judge/judge.json"} <= needed
    assert needed <= set(ZipFile(built).namelist())


def _copy_of_what_git_knows(target: Path) -> Path:
    """A checkout of the working tree's tracked and new files: a build leaves nothing in ours."""
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes((ROOT / name).read_bytes())
    return target


def _files(source: Path) -> list[Path]:
    return [file.relative_to(source) for file in source.rglob("*") if file.is_file() and "build" not in file.parts]
