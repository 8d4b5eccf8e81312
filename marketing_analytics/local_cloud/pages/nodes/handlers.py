"""The pages below a run: its nodes, one node, the lineage, another run beside it, dbt's docs."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from marketing_analytics.local_cloud.pages.answering import Answering, limited, page_count
from marketing_analytics.local_cloud.pages.artifacts.docs import POLICY, docs_page, has_docs
from marketing_analytics.local_cloud.pages.artifacts.preview import preview_of
from marketing_analytics.local_cloud.pages.asking import number, page_number, search_text
from marketing_analytics.local_cloud.pages.nodes.compare import compare
from marketing_analytics.local_cloud.pages.nodes.lineage import MAX_DEPTH, lineage_of
from marketing_analytics.local_cloud.pages.nodes.reading import ReadRun, read_run
from marketing_analytics.local_cloud.pages.nodes.views import NodeFilter, list_of_nodes, node_page
from marketing_analytics.local_cloud.pages.reads import Reads
from marketing_analytics.local_cloud.pages.runs.lists import run_line
from marketing_analytics.local_cloud.runs.artifacts import resolve_artifact, step_folder
from marketing_analytics.local_cloud.runs.records import PlacedRun
from marketing_analytics.local_cloud.runs.store import RunFilter, newest_runs

NODES_PER_PAGE = 200
RUNS_TO_COMPARE = 20
DEPTH = 2
STATES = ("error", "warn", "cancelled", "success", "running")


class NodePages(Answering):
    """Handlers of what is below a run but its log."""

    def routes(self) -> list[BaseRoute]:
        """Return the paths."""
        run = "/runs/{run_id:int}"
        return [
            Route(f"{run}/nodes", self.nodes),
            Route(f"{run}/nodes/{{unique_id:path}}", self.node),
            Route(f"{run}/lineage", self.lineage),
            Route(f"{run}/compare", self.compare),
            Route(f"{run}/docs", self.docs),
            Route(f"{run}/files/{{step_index:int}}/{{name:path}}", self.file),
        ]

    def opened(self, reads: Reads, run_id: int | None) -> ReadRun:
        """Return the run of an address. Raise a 404."""
        id_ = limited(run_id) if run_id is not None else -1
        found = read_run(reads, self.settings.data_dir, id_, datetime.now(UTC))
        if found is None:
            raise HTTPException(404, f"There is no run {run_id}.")
        return found

    def nodes(self, request: Request) -> Response:
        """Show every node of a run, the worst first."""
        asked = request.query_params
        state, kind = asked.get("state", ""), asked.get("kind", "")
        wanted = NodeFilter(
            search=search_text(asked),
            state=state if state in STATES else "",
            kind=kind if kind in ("models", "tests") else "",
            order="time" if asked.get("order") == "time" else "",
        )
        with self.reads() as reads:
            read = self.opened(reads, request.path_params["run_id"])
            found = list_of_nodes(read.nodes, wanted)
            page = page_number(asked, len(found), NODES_PER_PAGE)
            return self.page(
                request,
                reads,
                "nodes.html",
                run=read.line,
                nodes=found[(page - 1) * NODES_PER_PAGE : page * NODES_PER_PAGE],
                found=len(found),
                total=len(read.nodes),
                page=page,
                pages=page_count(len(found), NODES_PER_PAGE),
                wanted=wanted,
                states=STATES,
            )

    def node(self, request: Request) -> Response:
        """Show one node of a run."""
        with self.reads() as reads:
            read = self.opened(reads, request.path_params["run_id"])
            found = node_page(read, request.path_params["unique_id"])
            if found is None:
                raise HTTPException(404, f"Run {read.run.id} knows no such node.")
            return self.page(request, reads, "node.html", run=read.line, node=found)

    def lineage(self, request: Request) -> Response:
        """Show how the nodes of a run depend on each other."""
        asked = request.query_params
        depth = min(MAX_DEPTH, max(1, number(asked.get("depth")) or DEPTH))
        with self.reads() as reads:
            read = self.opened(reads, request.path_params["run_id"])
            search = search_text(asked)
            names = {node.name: name for name, node in read.project.nodes.items()}
            focus = asked.get("focus", "") or names.get(search, "")
            near = [name for name in names if search and search.lower() in name.lower()]
            if not focus and len(near) == 1:
                focus = names[near[0]]
            return self.page(
                request,
                reads,
                "lineage.html",
                run=read.line,
                graph=lineage_of(read, focus, depth),
                depth=depth,
                depths=range(1, MAX_DEPTH + 1),
                search=search,
                near=[(name, names[name]) for name in sorted(near)[:20]] if not focus else [],
                has_project=bool(read.project.nodes),
            )

    def compare(self, request: Request) -> Response:
        """Show another run of the same job beside this one."""
        now = datetime.now(UTC)
        with self.reads() as reads:
            read = self.opened(reads, request.path_params["run_id"])
            others = self.others(reads, read.run)
            asked = number(request.query_params.get("with"))
            chosen = asked or next((run.id for run in others if run.id < read.run.id), None)
            other = self.opened(reads, chosen) if chosen else None
            return self.page(
                request,
                reads,
                "compare.html",
                run=read.line,
                other=other.line if other else None,
                others=[run_line(run, now) for run in others],
                found=compare(other, read) if other else None,
            )

    def others(self, reads: Reads, run: PlacedRun) -> list[PlacedRun]:
        """Return the newest other runs of the same job."""
        own = RunFilter(account_id=reads.account_id, job_id=run.job_id)
        runs = newest_runs(reads.connection, own, limit=RUNS_TO_COMPARE)
        return [other for other in runs if other.id != run.id]

    def docs(self, request: Request) -> Response:
        """Show dbt's docs of a run in a sandbox."""
        with self.reads() as reads:
            read = self.opened(reads, request.path_params["run_id"])
            secrets = reads.secrets()
        folder = step_folder(self.settings.data_dir, read.run.id)
        if folder is None or not has_docs(folder):
            raise HTTPException(404, "This run made no docs; switch them on in its job.")
        page = docs_page(folder, secrets)
        return HTMLResponse(page, headers={"content-security-policy": POLICY})

    def file(self, request: Request) -> Response:
        """Show the beginning of a file that a run left."""
        asked = request.path_params
        with self.reads() as reads:
            read = self.opened(reads, asked["run_id"])
            folder, step, name = self.settings.data_dir, asked["step_index"], asked["name"]
            path = resolve_artifact(folder, read.run.id, name, step) if step < 2**31 else None
            if path is None:
                raise HTTPException(404, "There is no such artifact.")
            return self.page(
                request,
                reads,
                "file.html",
                run=read.line,
                step=step,
                name=name,
                size=path.stat().st_size,
                preview=preview_of(path, reads.secrets()),
            )
