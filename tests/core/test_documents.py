"""Every `marketing` command that a document names exists, with the options it names."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from marketing_analytics.cli import main

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(
    r"^(?:\.venv/bin/)?marketing ([^#|`]*)|^python scripts/dbt_job_manager\.py ([^#]*)"
)


def commands_in(document):
    """Return the words of every command in the code blocks of a document."""
    blocks = re.findall(r"```\w*\n(.*?)```", document.read_text(), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    found = [match for line in lines if (match := COMMAND.match(line.strip()))]
    return [(f"jobs {m[2]}" if m[2] else m[1]).split() for m in found]


CASES = [(path.name, words) for path in DOCUMENTS for words in commands_in(path)]


@pytest.mark.parametrize(("name", "words"), CASES, ids=[" ".join([n, *w]) for n, w in CASES])
def test_documented_commands_and_options_exist(name, words):
    command: click.Command = main
    context = click.Context(main)
    rest = list(words)
    while isinstance(command, click.Group):
        found = command.get_command(context, rest.pop(0))
        assert found is not None, words
        command = found
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word.strip("[]") for word in rest if word.strip("[").startswith("--")} <= known


def test_the_documents_name_commands_of_every_room():
    assert {words[0] for _, words in CASES} >= {"cloud", "ingest", "jobs", "simulate"}


@pytest.mark.parametrize("page", ["attribution-models", "campaign-tracking", "ltv-calculations"])
def test_the_links_into_internal_docs_find_their_pages(page):
    assert (ROOT / "internal-docs" / f"{page}.md").samefile(ROOT / "docs" / f"{page}.md")


def is_in_the_package(name):
    """Return whether a path, written from a room or a floor on, exists."""
    return any(
        path.as_posix().endswith(f"/{name}")
        for path in ROOT.glob(f"marketing_analytics/**/{Path(name).name}")
    )


RECIPES = sorted((ROOT / "docs" / "howto").glob("*.md"))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_names_files_that_exist_and_ends_with_a_command(recipe):
    text = recipe.read_text()
    for name in re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.\w+)`", text):
        assert (ROOT / name).exists() or is_in_the_package(name), f"{recipe.name} names {name}"
    last = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)[-1].split()
    assert text.rstrip().endswith("```")
    assert last[0].endswith((".venv/bin/pytest", "make", "python", "marketing"))
    for place in last[1:]:
        if place.startswith("tests/"):
            assert (ROOT / place.partition("::")[0]).exists(), f"{recipe.name} runs {place}"


def test_the_pictures_of_the_readme_are_small_and_load_nothing():
    page, screen = re.findall(r"!\[[^]]*\]\((.*?)\)", (ROOT / "README.md").read_text())
    assert (ROOT / page).read_bytes().startswith(b"\x89PNG")
    assert (ROOT / page).stat().st_size < 200_000
    picture = (ROOT / screen).read_text()
    assert len(picture) < 200_000
    assert "paid_search" in picture
    assert not re.search(r"url\((?!#)|href=|@import|src=", picture)
