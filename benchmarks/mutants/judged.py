"""What dbt or pytest find of a mutant in a copy of the small warehouse of the tests.

The project is built once and its manifest kept. A mutant is a change of that manifest: in a process
of its own, forked with dbt loaded, the changed models are built in a copy of the built file, with
their unit tests. What passes goes to the data tests of all that stands on them, and last to the
Python tests.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.mutants.descendants import Descendants
from benchmarks.mutants.edits import Edit
from benchmarks.mutants.plans import are_planned_alike

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "transform"
TESTS = ROOT / "tests" / "transform"
RANDOM_HISTORIES = (
    "test_build.py::test_random_touch_sets_are_credited_like_the_independent_calculation"
)
SCIPY = "test_lifetime_value.py::test_the_score_in_sql_is_that_of_scipy"
# Python tests by the models that they are for: those that run their compiled SQL over own rows, and
# those that read what was built, which see nothing where no row differs
SQL_TESTS = {
    "test_staging.py::test_what_a_source_leaves_out_is_nothing_false_or_unknown": re.compile(
        "stg_.*"
    ),
    "test_channels.py": re.compile("stg_ga4__events|int_web__(visits|traffic)"),
    "test_journeys.py": re.compile("int_(journeys|markov|shapley)__.*|.*_paths?_.*|.*_paths"),
    RANDOM_HISTORIES: re.compile("int_attribution__credits|fct_attribution"),
    "test_increments.py": re.compile("int_attribution__credits"),
    SCIPY: re.compile("int_value__(series|expectations)"),
}
ROW_TESTS = {
    "test_campaigns.py": re.compile(".*"),
    "test_twelve_questions.py": re.compile(".*"),
    "test_build.py": re.compile(".*"),
}
# what says only that something moved goes last: it tells of what nothing else has noticed
STAGED = "test_staging.py::test_every_staging_column_takes_what_was_recorded"
FIGURES = "test_figures.py::test_every_column_holds_what_was_recorded"
SQL_RECORDS, ROW_RECORDS = {STAGED: re.compile("stg_.*")}, {FIGURES: re.compile(".*")}
NO_SQL = re.compile(r"Parser Error|Binder Error|Catalog Error|Compilation Error|Not implemented")
OTHER_ENGINES = re.compile(
    r"(postgres|redshift|trino|spark|snowflake|bigquery|databricks)__|(check_|refuse_|is_above_)"
)


@dataclass(frozen=True)
class Mutant:
    """An edit of a file of the project."""

    path: str
    edit: Edit
    # as the file was when its edits were looked for: it may be written to while mutants are judged
    text: str = field(repr=False)

    @property
    def layer(self) -> str:
        """Return macros, staging, intermediate or marts."""
        folders = self.path.split("/")
        return folders[1] if folders[0] == "models" else folders[0]

    @property
    def line(self) -> int:
        """Return the line where it begins."""
        rest = self.text[self.edit.start :]
        begin = self.edit.start + len(rest) - len(rest.lstrip())
        return self.text[:begin].count("\n") + 1

    def __str__(self) -> str:
        before = " ".join(self.text[self.edit.start : self.edit.end].split())
        after = " ".join(self.edit.after.split())
        return f"transform/{self.path}:{self.line} {self.edit.kind}: `{before}` -> `{after}`"


@dataclass(frozen=True)
class Verdict:
    """By what a mutant was caught; `invalid` and `same` do not count, `survived` does."""

    mutant: Mutant
    by: str
    detail: str = ""


def build(folder: Path) -> None:
    """Build the small world of the tests, which must pass."""
    sys.path.insert(0, str(TESTS))
    rows = importlib.import_module("raw_tables").small_world(seed=1)
    warehouse = importlib.import_module("small_warehouse").make_warehouse(folder, rows)
    result = warehouse.run_dbt("build")
    if result.returncode:
        sys.exit(f"the project itself does not pass:\n{result.stdout[-3000:]}")


class Base:
    """The small world as it was built, with the manifest of dbt, and a place for mutants."""

    def __init__(self, base: Path, folder: Path) -> None:
        self.base = base
        self.folder = folder
        self._point_at(base)
        self.manifest = _dbt(None, "parse", base).result
        self.paths = {node.original_file_path for node in self.manifest.nodes.values()}
        self.rebuilt = Descendants(base)

    def _point_at(self, folder: Path) -> None:
        os.environ |= {
            "MARKETING_RAW_DATABASE": str(self.base / "raw.duckdb"),
            "MARKETING_DEV_DATABASE": str(folder / "wh.duckdb"),
            "DBT_SCHEMA": "built",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }

    def is_built(self, mutant: Mutant) -> bool:
        """Tell whether a mutant stands in a model that is built, or in a macro of DuckDB's."""
        if mutant.path.startswith("models/"):
            return mutant.path in self.paths
        macro = self._macro_of(mutant)
        return macro is not None and not OTHER_ENGINES.match(macro.name)

    def judge(self, mutant: Mutant) -> Verdict:
        """Build a mutant in a copy of its own and tell who found it."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            shutil.copy(self.base / "wh.duckdb", folder / "wh.duckdb")
            self._point_at(folder)
            return self._judged(mutant, folder)
        finally:
            shutil.rmtree(folder)

    def _judged(self, mutant: Mutant, folder: Path) -> Verdict:
        # in a process of its own: the manifest is for this mutant alone
        names = self._mutate(self.manifest, mutant)
        if not names:
            return Verdict(mutant, "same", "no model on DuckDB uses it")
        unit_tests = [
            test.name for test in self.manifest.unit_tests.values() if test.model in names
        ]
        done = _dbt(
            self.manifest, "build", folder, "--full-refresh", "--fail-fast", "--threads", "2",
            "--no-write-json", "--resource-type", "model", "--resource-type", "unit_test",
            "--select", *names, *unit_tests,
        )  # fmt: skip
        verdict = _dbt_verdict(mutant, done)
        if verdict:
            return verdict
        changed = self._compiled_otherwise(folder)
        if not changed:
            return Verdict(mutant, "same", "compiles to the same SQL")
        warehouse, raw = folder / "wh.duckdb", self.base / "raw.duckdb"
        if mutant.edit.kind == "join" and are_planned_alike(warehouse, raw, changed):
            return Verdict(mutant, "same", "the engine plans the same")
        failed, is_different = self.rebuilt.first_failure(folder / "wh.duckdb", names)
        if failed:
            return Verdict(mutant, *failed)
        known = SQL_TESTS | SQL_RECORDS
        if is_different:
            known = SQL_TESTS | ROW_TESTS | SQL_RECORDS | ROW_RECORDS
        tests = [test for test, models in known.items() if any(map(models.fullmatch, names))]
        return self._python_verdict(mutant, folder, tests) if tests else Verdict(mutant, "survived")

    def _macro_of(self, mutant: Mutant) -> Any:
        for macro in self.manifest.macros.values():
            if macro.package_name == "marketing" and macro.original_file_path == mutant.path:
                start = mutant.text.index(macro.macro_sql)
                if start <= mutant.edit.start < start + len(macro.macro_sql):
                    return macro
        return None

    def _mutate(self, manifest: Any, mutant: Mutant) -> list[str]:
        """Change the manifest; return the models that are changed by it."""
        models = [
            node
            for node in manifest.nodes.values()
            if node.package_name == "marketing" and node.resource_type == "model"
        ]
        if mutant.path.startswith("models/"):
            (model,) = [node for node in models if node.original_file_path == mutant.path]
            model.raw_code = mutant.edit.apply(mutant.text).strip()
            return [model.name]
        macro = self._macro_of(mutant)
        start = mutant.text.index(macro.macro_sql)
        edit = Edit("", mutant.edit.start - start, mutant.edit.end - start, mutant.edit.after)
        manifest.macros[macro.unique_id].macro_sql = edit.apply(macro.macro_sql)
        users = _users(manifest, macro.unique_id)
        return [node.name for node in models if users & set(node.depends_on.macros)]

    def _compiled_otherwise(self, folder: Path) -> list[tuple[str, str]]:
        """Return the SQL, as it was and as it is, of what compiles to another one."""
        pairs = []
        for path in (folder / "target" / "compiled").rglob("*.sql"):
            before = self.base / path.relative_to(folder)
            pairs.append((before.read_text() if before.exists() else "", path.read_text()))
        return [(before, now) for before, now in pairs if before != now]

    def _python_verdict(self, mutant: Mutant, folder: Path, tests: list[str]) -> Verdict:
        """Run the Python tests on the built copy, in a copy of the project with the mutant."""
        copied = folder / "project"
        ignore = shutil.ignore_patterns("target", "logs", "__pycache__")
        shutil.copytree(PROJECT, copied / "transform", ignore=ignore)
        shutil.copytree(TESTS, copied / "tests" / "transform", ignore=ignore)
        shutil.copy(TESTS.parent / "conftest.py", copied / "tests")
        (copied / "docs").symlink_to(ROOT / "docs")
        (copied / "transform" / mutant.path).write_text(mutant.edit.apply(mutant.text))
        (folder / "target").rename(folder / "new")
        shutil.copytree(self.base / "target", folder / "target")
        compiled = folder / "target" / "compiled"
        shutil.copytree(folder / "new" / "compiled", compiled, dirs_exist_ok=True)
        (folder / "raw.duckdb").symlink_to(self.base / "raw.duckdb")
        done = _pytest(copied, folder, folder / "temp", tests)
        if done.returncode == 0:
            return Verdict(mutant, "survived")
        failed = re.findall(r"^FAILED \S+::(\S+)", done.stdout, re.MULTILINE)
        if not failed:
            raise RuntimeError(f"pytest did not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        is_record = failed[0] in {test.split("::")[1] for test in (STAGED, FIGURES)}
        return Verdict(mutant, "record" if is_record else "python test", failed[0])


def check(built: Path, folder: Path) -> None:
    """Stop where the Python tests find fault with a build that no mutant has touched."""
    tests = [*SQL_TESTS, *ROW_TESTS, *SQL_RECORDS, *ROW_RECORDS]
    done = _pytest(ROOT, built, folder / "temp", tests)
    if done.returncode:
        sys.exit(f"the project itself does not pass:\n{done.stdout[-3000:]}")


def _pytest(
    root: Path, built: Path, temporary: Path, tests: list[str]
) -> subprocess.CompletedProcess[str]:
    """Run Python tests of a project on a build, up to the first that fails."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-n", "0", "-p", "no:cacheprovider",
         "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(root), "--basetemp", str(temporary),
         *(str(root / "tests" / "transform" / test) for test in tests)],
        cwd=ROOT, env=os.environ | {"MARKETING_BUILT_WAREHOUSE": str(built)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def _dbt(manifest: Any, command: str, folder: Path, *arguments: str) -> Any:
    """Run dbt in this process."""
    runner = importlib.import_module("dbt.cli.main").dbtRunner(manifest=manifest)
    place = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    place += ["--target-path", str(folder / "target"), "--log-path", str(folder / "logs")]
    quiet = ["--quiet", "--log-level", "none", "--log-level-file", "none", "--no-use-colors"]
    done = runner.invoke([*quiet, command, *arguments, *place])
    # the file is read by others now
    manager = importlib.import_module("dbt.adapters.duckdb.connections").DuckDBConnectionManager
    manager.close_all_connections()
    return done


def _users(manifest: Any, macro: str) -> set[str]:
    """Return a macro and those that call it, directly or not."""
    users = {macro}
    while True:
        more = {
            key
            for key, other in manifest.macros.items()
            if other.package_name == "marketing" and users & set(other.depends_on.macros)
        }
        if more <= users:
            return users
        users |= more


WORDS = {"unit_test": "unit test", "test": "data test", "model": "build"}


def _dbt_verdict(mutant: Mutant, done: Any) -> Verdict | None:
    """Read what dbt found; a statement that is no SQL does not count."""
    if done.result is None:
        message = str(done.exception)
        return Verdict(mutant, "invalid", message[-300:])
    found = []
    for result in done.result.results:
        status, node = str(result.status), result.node
        if status in {"success", "pass", "skipped", "no-op", "reused"}:
            continue
        message = str(result.message)
        if status == "error" and NO_SQL.search(message) and "contract" not in message:
            return Verdict(mutant, "invalid", f"{node.name}: {message[:300]}")
        found.append((WORDS.get(str(node.resource_type), str(node.resource_type)), node.name))
    return Verdict(mutant, *found[0]) if found else None
