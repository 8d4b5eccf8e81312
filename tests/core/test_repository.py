"""The repository keeps its promises about itself."""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

SOURCE = "marketing_analytics"
MAX_MODULE_LINES = 500
MAX_FUNCTION_LINES = 80
MAX_MODULES_IN_A_FOLDER = 13


def tracked(repository, *patterns):
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=repository, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [repository / name for name in listed.stdout.split("\0") if name]


def load_script(name):
    path = Path(__file__).resolve().parents[2] / "scripts" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"scripts_{name}", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


release = load_script("release")


def copy_of(repository, tmp_path, *patterns):
    copy = tmp_path / "copy"
    for path in tracked(repository, *patterns):
        place = copy / path.relative_to(repository)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    return copy


def test_requirement_files_match_what_they_are_generated_from(repository):
    command = [sys.executable, "scripts/lock.py", "--check"]
    result = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_an_edited_requirement_file_is_found_stale(repository, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(repository / "requirements", copy / "requirements")
    (copy / "scripts").mkdir()
    for name in ("pyproject.toml", "requirements.txt", "scripts/lock.py"):
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
    for path in [repository / "requirements.txt", *(repository / "requirements").rglob("*.txt")]:
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


@pytest.mark.parametrize(
    ("version", "headings", "tags", "complaint"),
    [
        ("0.1.0.dev0", ["Unreleased"], [], ""),
        ("0.2.0.dev0", ["Unreleased", "0.1.0"], [], ""),
        ("0.1.0", ["0.1.0"], ["v0.1.0"], ""),
        ("0.2.0", ["Unreleased", "0.2.0", "0.1.0"], ["v0.2.0"], ""),
        ("0.2.0", ["Unreleased", "0.1.0"], [], "newest changelog section is 0.1.0"),
        ("0.1.0", ["Unreleased"], [], "newest changelog section is none"),
        ("0.2.0.dev0", ["0.1.0"], [], "must start with Unreleased"),
        ("1.2", ["1.2"], [], "write 1.2.0"),
        ("0.1.0", ["0.1.0"], ["v0.1.1"], "tag v0.1.1 is not v0.1.0"),
        ("0.2.0.dev0", ["Unreleased", "0.1.0"], ["v0.2.0"], "tag v0.2.0 is not v0.2.0.dev0"),
    ],
)
def test_version_changelog_and_tag_that_disagree_are_told(version, headings, tags, complaint):
    found = "; ".join(release.disagreements(version, headings, tags))
    assert complaint in found
    assert bool(found) == bool(complaint)


def test_a_release_is_cut_and_tagged_by_the_recipe(repository, tmp_path):
    copy = copy_of(repository, tmp_path, "CHANGELOG.md", "marketing_analytics/__init__.py")
    git = ["git", "-C", str(copy), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "init", "-q", str(copy)], check=True)
    subprocess.run([*git, "add", "."], check=True)
    release.cut(copy, "9.8.7", "2026-11-25")
    subprocess.run([*git, "commit", "-qam", "Release 9.8.7"], check=True)
    assert release.check(copy) == []
    assert "## [9.8.7] - 2026-11-25" in (copy / "CHANGELOG.md").read_text()
    subprocess.run([*git, "tag", "v9.8.6"], check=True)
    assert release.check(copy) == ["tag v9.8.6 is not v9.8.7"]


def test_this_version_its_changelog_and_its_tag_agree(repository):
    assert release.check(repository) == []


@pytest.mark.parametrize(
    ("place", "text", "complaint"),
    [
        ("throwaway/__init__.py", "import {p}.ingest.cli\nimport {p}.jobs.cli\n", "throwaway"),
        ("throwaway/__init__.py", "", "throwaway"),
        ("jobs/extra.py", "import {p}.ingest.cli\n", "jobs is not allowed to import"),
        ("core/extra.py", "import {p}.web.words\n", "core is not allowed to import"),
        ("local_cloud/store/extra.py", "import {p}.local_cloud.runs.moves\n", "store is not"),
        ("local_cloud/extra.py", "", "local_cloud.extra"),
    ],
    ids=["two rooms", "unlisted", "room to room", "floor to floor", "inside a room", "no layer"],
)
def test_an_import_against_the_layers_fails(repository, tmp_path, place, text, complaint):
    copy = copy_of(repository, tmp_path, "pyproject.toml", f"{SOURCE}/**/*.py", f"{SOURCE}/*.py")
    planted = copy / SOURCE / place
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(text.format(p=SOURCE))
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 1
    assert complaint in done.stdout


def test_git_ignores_the_settings_files_that_documents_tell_to_write(repository):
    documents = tracked(repository, "README.md", "docs/**/*.md", f"{SOURCE}/**/cli.py")
    written = {
        name
        for document in documents
        for name in re.findall(r"(?<![\w/])[\w./-]*[\w-]\.env\b", document.read_text())
    }
    assert {"meta_ads.env", "connections.env"} <= written
    names = [*sorted(written), ".env", "connections.env.lock"]
    asked = subprocess.run(
        ["git", "check-ignore", "--no-index", *names],
        cwd=repository,
        capture_output=True,
        text=True,
    )
    assert asked.stdout.split() == names
    # what is there on purpose stays
    assert tracked(repository, ":(glob)**/*.env") == []
    assert (repository / "env_file" / "dev_env.tfvars") in tracked(repository, "env_file/*")


def test_linting_holds_the_layers(repository):
    asked = subprocess.run(["make", "-n", "lint"], cwd=repository, capture_output=True, text=True)
    assert "lint-imports" in asked.stdout


def test_the_commit_hooks_are_valid(repository):
    command = [Path(sys.executable).with_name("pre-commit"), "validate-config"]
    assert subprocess.run(command, cwd=repository, capture_output=True).returncode == 0


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


def names_of_module(tree):
    """Return what a module defines at its top."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        for target in getattr(node, "targets", [getattr(node, "target", None)]):
            if isinstance(target, ast.Name):
                yield target.id


def test_names_of_modules_have_no_underscore_in_front(repository):
    for path in tracked(repository, f"{SOURCE}/**/*.py", f"{SOURCE}/*.py", "scripts/*.py"):
        names = names_of_module(ast.parse(path.read_text()))
        assert not [name for name in names if re.match("_[^_]", name)], path


def test_no_folder_has_more_than_about_a_dozen_modules(repository):
    folders = Counter(path.parent for path in tracked(repository, f"{SOURCE}/**/*.py"))
    assert max(folders.values()) <= MAX_MODULES_IN_A_FOLDER + 1, folders.most_common(1)


def test_what_nobody_uses_is_found(repository, tmp_path):
    copy = copy_of(repository, tmp_path, "scripts/*.py", "benchmarks/*.py", f"{SOURCE}/**")
    (copy / SOURCE / "core" / "extra.py").write_text('"""Extra."""\n\nNOBODY_READS_THIS = 1\n')
    statements = copy / SOURCE / "local_cloud" / "sql" / "jobs.sql"
    statements.write_text(f"{statements.read_text()}\n-- name: nobody_asks_this\nselect 1;\n")
    command = [sys.executable, "scripts/dead_code.py"]
    found = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    assert found.returncode == 1
    # these two and nothing else
    name, statement = found.stderr.splitlines()
    assert "extra.py:3: variable NOBODY_READS_THIS" in name
    assert "jobs.sql: statement nobody_asks_this" in statement


def test_no_module_is_a_dumping_ground(repository):
    names = {path.stem for path in tracked(repository, f"{SOURCE}/**/*.py")}
    assert not names & {"utils", "util", "helpers", "helper", "manager", "common", "misc"}


def test_the_sample_of_documented_targets_exists_in_the_makefile(repository):
    makefile = (repository / "Makefile").read_text()
    for document in [repository / "README.md", *sorted((repository / "docs").rglob("*.md"))]:
        for target in re.findall(r"`make ([a-z-]+)", document.read_text()):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{document}: {target}"


def test_documents_link_only_to_files_that_exist(repository):
    for document in tracked(repository, "*.md", "docs/**/*.md"):
        for target in re.findall(r"\]\(([^)#:\s]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document}: {target}"
