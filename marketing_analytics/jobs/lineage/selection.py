"""What each step works on, said by dbt itself: its argument parser, its tasks, its selection.

Nothing is run and no warehouse is asked: dbt's tasks get the manifest and say what they would take.
A process of its own runs this (`asking.py`): dbt prints, and keeps its flags for the process.
"""

from __future__ import annotations

import importlib
import json
import os
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError
from dbt import flags as dbt_flags
from dbt.artifacts.schemas.manifest import WritableManifest
from dbt.cli.exceptions import DbtUsageException
from dbt.cli.flags import Flags, args_to_context
from dbt.clients.yaml_helper import load_yaml_text
from dbt.compilation import Linker
from dbt.config.selectors import selector_config_from_data
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.project import ProjectFlags
from dbt.graph import Graph
from dbt.graph.cli import parse_union
from dbt_common.exceptions import DbtBaseException

from marketing_analytics.jobs.lineage.project import Fault, Node, Project, Work, project_json

# command: its task, and whether it makes tables and views
TASKS = {
    "build": ("dbt.task.build:BuildTask", True),
    "run": ("dbt.task.run:RunTask", True),
    "seed": ("dbt.task.seed:SeedTask", True),
    "snapshot": ("dbt.task.snapshot:SnapshotTask", True),
    "clone": ("dbt.task.clone:CloneTask", True),
    "test": ("dbt.task.test:TestTask", False),
    "freshness": ("dbt.task.freshness:FreshnessTask", False),
}
# arguments after which dbt prints a text and ends; `--version` asks the internet too
TEXTS = {"-h", "--help", "-v", "-V", "--version"}
# methods of selection that compare with an earlier run
OF_EARLIER_RUNS = ("state:", "result:", "source_status:")


class Asked:
    """dbt with a manifest: says what steps work on."""

    def __init__(self, data: Mapping[str, Any], project_flags: Mapping[str, Any]) -> None:
        self.project_flags = ProjectFlags.from_dict(dict(project_flags))
        self.set_flags(args_to_context(["parse"]))
        upgraded = WritableManifest.upgrade_schema_version(dict(data))
        self.manifest = Manifest.from_writable_manifest(upgraded)
        linker = Linker()
        linker.link_graph(self.manifest)
        self.graph = Graph(linker.graph)
        known = {"selectors": list((data.get("selectors") or {}).values())}
        self.selectors = selector_config_from_data(known)

    def set_flags(self, context: click.Context) -> Flags:
        """Make the flags of a command line those of dbt, which keeps them for the process."""
        flags = Flags(context, self.project_flags)
        dbt_flags.set_flags(flags)
        return flags

    def project(self, steps: Iterable[str]) -> Project:
        """Return the nodes and what steps work on."""
        works = {step: self.work_or_nothing(step) for step in steps}
        has_freshness = any(source.has_freshness for source in self.manifest.sources.values())
        return Project(self.nodes(), works, has_freshness)

    def nodes(self) -> dict[str, Node]:
        """Return the nodes by id; what is switched off is not among them."""
        found = {}
        for members in (self.manifest.nodes, self.manifest.sources, self.manifest.unit_tests):
            for each, node in members.items():
                kind, config = str(node.resource_type.value), node.config
                form = getattr(config, "materialized", "")
                found[each] = Node(
                    node.name,
                    kind,
                    tuple(node.depends_on_nodes) if kind != "source" else (),
                    is_stored=form != "ephemeral",
                    is_looked_through=kind == "model" and form in ("ephemeral", "view"),
                )
        return found

    def work_or_nothing(self, step: str) -> Work:
        """Return what a step works on; where dbt itself trips, nothing is known of the step."""
        try:
            return self.work_of(step)
        except Exception:
            return Work(is_known=False)

    def work_of(self, step: str) -> Work:
        """Return what a step works on, or why it fails."""
        try:
            words = shlex.split(step)[1:]
        except ValueError as error:
            return failing(str(error).lower(), "close the quotes")
        if set(words) & TEXTS:
            return failing("it only prints a text", "remove the step")
        try:
            context = args_to_context(words)
            flags = self.set_flags(context)
        except (NoArgsIsHelpError, IndexError):
            return failing("it names no command", "write a command, like dbt build")
        except click.BadParameter as error:
            if error.param and isinstance(error.param.type, click.Path):
                # a path of the machine that runs the job
                return Work(is_known=False)
            return refused(error, "correct the argument")
        except (click.ClickException, DbtBaseException, DbtUsageException) as error:
            return refused(error, f"`{' '.join(['dbt', *words[:1]])} --help` lists what there is")
        return self.work(str(context.info_name), flags)

    def work(self, command: str, flags: Flags) -> Work:
        """Return what a command works on that could be read."""
        if command == "run-operation":
            return self.operation(str(flags.MACRO))
        if command not in TASKS:
            return Work()
        chosen = [*(flags.SELECT or ()), *(flags.EXCLUDE or ())]
        if any(method in part for part in chosen for method in OF_EARLIER_RUNS):
            return Work(is_known=False)
        place, is_building = TASKS[command]
        try:
            task = self.task(place, flags)
            selected = frozenset(task.get_node_selector().get_selected(task.get_selection_spec()))
            faults = [
                *self.empty_parts(task, "--select", flags.SELECT),
                *self.empty_parts(task, "--exclude", flags.EXCLUDE),
            ]
        except (DbtBaseException, ValueError) as error:
            return refused(error, "correct the selection")
        if not selected and not faults:
            faults = [NOTHING_FRESH if command == "freshness" else NOTHING]
        return Work(selected, is_building, faults=tuple(faults))

    def task(self, place: str, flags: Flags) -> Any:
        """Return dbt's task of a command, with the manifest and no warehouse."""
        module, _, name = place.partition(":")
        selectors = self.selectors
        config = SimpleNamespace(
            selectors=selectors,
            get_selector=lambda name: definition_of(selectors, name),
            get_default_selector_name=lambda: next(
                (name for name, each in selectors.items() if each["default"]), None
            ),
            target_path="target",
            project_root=".",
            project_name=self.manifest.metadata.project_name,
        )
        # a state to compare with lies on the machine that runs the job
        for setting in ("state", "defer_state", "STATE", "DEFER_STATE"):
            object.__setattr__(flags, setting, None)
        task = getattr(importlib.import_module(module), name)(flags, config, self.manifest, [])
        task.graph = self.graph
        return task

    def empty_parts(self, task: Any, flag: str, parts: Any) -> list[Fault]:
        """Return a fault for each part of a selection that matches nothing."""
        selector, faults = task.get_node_selector(), []
        words = [word for part in parts or () for word in part.split(" ") if word]
        for word in words:
            found, _ = selector.select_nodes(parse_union([word], True), warn_on_no_nodes=False)
            if not found:
                faults.append(self.nothing_matches(flag, word))
        return faults

    def nothing_matches(self, flag: str, word: str) -> Fault:
        """Return the fault of a part that matches nothing."""
        method, _, value = word.partition(":")
        if method.strip("+@1234567890") == "selector":
            known = ", ".join(self.selectors) or "none"
            return Fault(f'"{flag} {word}" names no selector', f"selectors.yml has: {known}")
        does = "selects" if flag == "--select" else "leaves out"
        hint = f"check {value or word} for a slip; `dbt ls --select {shlex.quote(word)}` lists it"
        return Fault(f'"{flag} {word}" {does} nothing', hint)

    def operation(self, name: str) -> Work:
        """Return the work of `run-operation`: none, or a fault where nobody has the macro."""
        package, _, macro = name.rpartition(".")
        known = self.manifest.macros.values()
        if any(m.name == macro and package in ("", m.package_name) for m in known):
            return Work()
        return failing(f"the project has no macro {name}", "check its name")


NOTHING = Fault("it selects nothing", "check --select, --exclude and the types of resources")
NOTHING_FRESH = Fault(
    "no source of it has a freshness", "give sources a freshness and a loaded_at_field"
)


def definition_of(selectors: Mapping[str, Any], name: str) -> Any:
    """Return a selector's definition. Raise ValueError when there is none of this name."""
    if name not in selectors:
        known = ", ".join(selectors) or "none"
        raise ValueError(f"there is no selector {name}; selectors.yml has: {known}")
    return selectors[name]["definition"]


def failing(message: str, hint: str) -> Work:
    """Return the work of a step that fails."""
    return Work(is_known=False, faults=(Fault(message, hint),))


def refused(error: Exception, hint: str) -> Work:
    """Return the work of a step with what dbt says against it."""
    return failing(f"dbt refuses it: {said_of(error)}", hint)


def said_of(error: Exception) -> str:
    """Return what dbt says about an error, in one line."""
    text = error.format_message() if isinstance(error, click.ClickException) else str(error)
    return " ".join(text.split()).removeprefix("Runtime Error ")


def flags_of(project_file: str | None) -> Mapping[str, Any]:
    """Return the flags that `dbt_project.yml` sets."""
    if project_file is None:
        return {}
    data = load_yaml_text(Path(project_file).read_text(encoding="utf-8")) or {}
    found = data.get("flags") if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def main() -> None:
    """Answer the request on stdin with a project on stdout; what dbt prints goes to stderr."""
    with os.fdopen(os.dup(1), "w") as answer:
        os.dup2(2, 1)
        request = json.load(sys.stdin)
        data = json.loads(Path(request["manifest"]).read_bytes())
        asked = Asked(data, flags_of(request["project_file"]))
        json.dump(project_json(asked.project(request["steps"])), answer)


if __name__ == "__main__":
    main()
