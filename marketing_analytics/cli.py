"""The `marketing` command: the groups of the features, loaded when asked for."""

from __future__ import annotations

import click

from marketing_analytics import __version__
from marketing_analytics.core.commands import LateGroup

# group name: (module that holds `group`, help line); a feature is imported only when used
GROUPS = {
    "audience": ("marketing_analytics.audiences.cli", "Export audiences to ad platforms."),
    "cloud": ("marketing_analytics.local_cloud.cli", "Run the local dbt Cloud."),
    "demo": ("marketing_analytics.demo.cli", "Run everything end to end on simulated data."),
    "diagnose": ("marketing_analytics.diagnose.cli", "Name what is broken behind a figure."),
    "ingest": ("marketing_analytics.ingest.cli", "Sync ad platforms, email and shop data."),
    "jobs": ("marketing_analytics.jobs.cli", "Deploy dbt jobs from tfvars files."),
    "measure": ("marketing_analytics.measure.cli", "Fit what SQL cannot."),
    "monitor": ("marketing_analytics.monitor.cli", "Watch the marts, and tell who has to know."),
    "privacy": ("marketing_analytics.governance.cli", "Erase and export persons, map their data."),
    "report": ("marketing_analytics.report.cli", "Build the page that leadership opens."),
    "simulate": ("marketing_analytics.simulate.cli", "Build and serve a simulated world."),
}


@click.group(
    cls=LateGroup,
    members={name: (f"{module}:group", summary) for name, (module, summary) in GROUPS.items()},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="marketing")
def main() -> None:
    """dbt jobs as code, a local dbt Cloud, ad data ingestion and attribution."""
