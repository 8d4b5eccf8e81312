"""The repository keeps its promises about itself."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

from marketing_analytics import __version__

SOURCE = "marketing_analytics"
MAX_MODULE_LINES = 500
MAX_FUNCTION_LINES = 80


def tracked(repository, *patterns):
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=repository, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [repository / name for name in listed.stdout.split("\0") if name]


def test_requirement_files_match_what_they_are_generated_from(repository):
    command = [sys.executable, "scripts/lock.py", "--check"]
    result = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_an_edited_requirement_file_is_found_stale(repository, tmp_path):
    copy = tmp_path / "copy"
    (copy / "requirements").mkdir(parents=True)
    (copy / "scripts").mkdir()
    names = ["pyproject.toml", "requirements.txt", "scripts/lock.py"]
    names += [f"requirements/{path.name}" for path in (repository / "requirements").iterdir()]
    for name in names:
        (copy / name).write_text((repository / name).read_text())
    check = [sys.executable, "scripts/lock.py", "--check"]
    assert subprocess.run(check, cwd=copy, capture_output=True).returncode == 0
    pinned = copy / "requirements.txt"
    pinned.write_text(pinned.read_text().replace("click==", "click==0"))
    assert subprocess.run(check, cwd=copy, capture_output=True).returncode == 1
    pinned.write_text((repository / "requirements.txt").read_text())
    project = copy / "pyproject.toml"
    project.write_text(project.read_text().replace('"httpx>=0.28"', '"httpx>=0.27"'))
    assert subprocess.run(check, cwd=copy, capture_output=True).returncode == 1


def test_requirement_files_are_hashed_and_name_no_index(repository):
    for path in [repository / "requirements.txt", *(repository / "requirements").glob("*.txt")]:
        text = path.read_text()
        assert "://" not in text
        pins = re.findall(r"^[A-Za-z0-9_.\[\]-]+==\S+", text, re.MULTILINE)
        blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
        assert pins
        assert all("--hash=sha256:" in block for block in blocks)


def test_the_deploy_tool_needs_a_handful_of_packages(repository):
    pins = re.findall(
        r"^([a-z0-9-]+)==", (repository / "requirements.txt").read_text(), re.MULTILINE
    )
    assert len(pins) <= 16
    assert not {"dlt", "duckdb", "dbt-core", "fastapi", "pyarrow"} & set(pins)


def test_version_and_changelog_agree(repository):
    changelog = (repository / "CHANGELOG.md").read_text()
    assert f"## [{__version__}]" in changelog or "## [Unreleased]" in changelog


def test_modules_and_functions_stay_small(repository):
    for path in tracked(repository, f"{SOURCE}/**/*.py", f"{SOURCE}/*.py"):
        text = path.read_text()
        assert text.count("\n") <= MAX_MODULE_LINES, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                assert lines <= MAX_FUNCTION_LINES, f"{path}:{node.lineno} {node.name}"


def test_every_module_says_what_it_does(repository):
    for path in tracked(repository, f"{SOURCE}/**/*.py", "scripts/*.py", "benchmarks/*.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), path


def test_no_module_is_a_dumping_ground(repository):
    names = {path.stem for path in tracked(repository, f"{SOURCE}/**/*.py")}
    assert not names & {"utils", "util", "helpers", "helper", "manager", "common", "misc"}


def test_the_sample_of_documented_targets_exists_in_the_makefile(repository):
    makefile = (repository / "Makefile").read_text()
    for document in [repository / "README.md", *sorted((repository / "docs").glob("*.md"))]:
        for target in re.findall(r"`make ([a-z-]+)", document.read_text()):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{document}: {target}"


def test_documents_link_only_to_files_that_exist(repository):
    for document in tracked(repository, "*.md", "docs/**/*.md"):
        for target in re.findall(r"\]\(([^)#:\s]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document}: {target}"
