"""Import blocks for Terraform: it takes over the jobs as they are, and they keep their history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from marketing_analytics.jobs.model import JobFile
from marketing_analytics.jobs.plan import RemoteJob
from marketing_analytics.jobs.tfvars.writer import quoted

MODULE = "module.jobs"


@dataclass(frozen=True)
class Block:
    """One thing that Terraform takes over."""

    resource: str
    key: str
    identity: str

    def lines(self, module: str) -> list[str]:
        """Return the block as `terraform fmt` has it."""
        address = f"{module}.{self.resource}.this[{quoted(self.key)}]"
        return ["import {", f"  to = {address}", f"  id = {quoted(self.identity)}", "}", ""]


def import_blocks(
    file: JobFile, jobs: Sequence[RemoteJob], project_id: int
) -> tuple[list[Block], list[str]]:
    """Return the blocks for the jobs of a file, and the keys that dbt Cloud has no job for.

    A job with two marks alike is the older one, as in a deploy.
    """
    by_key: dict[str, RemoteJob] = {}
    for job in sorted(jobs, key=lambda job: job.job_id):
        if job.owner:
            by_key.setdefault(job.owner.key, job)
    blocks, missing = [], []
    for wanted in file.jobs:
        found = by_key.get(wanted.key)
        if found is None:
            missing.append(wanted.key)
            continue
        blocks.append(Block("dbtcloud_job", wanted.key, str(found.job_id)))
        if wanted.after and found.data.get("job_completion_trigger_condition"):
            trigger = "dbtcloud_job_completion_trigger"
            blocks.append(Block(trigger, wanted.key, str(found.job_id)))
        blocks += [
            Block(
                "dbtcloud_environment_variable_job_override",
                f"{wanted.key}/{override.name}",
                f"{project_id}:{found.job_id}:{override.override_id}",
            )
            for override in sorted(found.overrides or (), key=lambda o: o.name)
            if override.name in wanted.env_vars
        ]
    order = {name: n for n, name in enumerate(dict.fromkeys(block.resource for block in blocks))}
    return sorted(blocks, key=lambda block: order[block.resource]), missing


def blocks_text(blocks: Iterable[Block], source: str, module: str = MODULE) -> str:
    """Return the text of the .tf file."""
    lines = [
        f"# What dbt Cloud has of {source}, for Terraform to take over without creating it anew.",
        "# After `terraform apply` this file can go.",
        "",
    ]
    for block in blocks:
        lines += block.lines(module)
    return "\n".join(lines).rstrip("\n") + "\n"
