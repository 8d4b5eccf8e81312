"""What each block is made of: published tables, the models they read, where docs say more."""

from __future__ import annotations

import re
from dataclasses import dataclass

from marketing_analytics.report.pages.contents import Page
from marketing_analytics.report.snapshots.published import statements, watched_statements

MODEL = re.compile(r"\b(?:from|join)\s+((?:dim|fct|int|rpt|stg)_\w+)")
ATTRIBUTION, CAMPAIGNS, BUDGETS = "attribution-models.md", "campaign-tracking.md", "report.md"
VALUE, SEGMENTS, EMAIL, WATCH = "ltv-calculations.md", "segments.md", "email.md", "monitoring.md"
FUNNEL = ("fct_acquisition_funnel", "campaign_days")
CREDIT = ("rpt_attribution_days", "campaign_days")
# page and block: its published tables, and the page of docs/ that says more
BLOCKS = {
    ("overview", "revenue-plan"): (("order_days", "rpt_executive_kpis"), "metrics.md"),
    ("overview", "channels"): (CREDIT, ATTRIBUTION),
    ("overview", "pacing"): (("rpt_budget_pacing",), BUDGETS),
    ("overview", "funnel"): ((*FUNNEL, "cohort_months", "value_cells"), "metrics.md"),
    ("channels", "channel-table"): (
        (*CREDIT, "rpt_campaign_attribution_days", "ad_days"),
        ATTRIBUTION,
    ),
    ("channels", "channel-trend"): (("rpt_attribution_days",), ATTRIBUTION),
    ("channels", "channel-models"): (("rpt_attribution_days", "fct_path_attribution"), ATTRIBUTION),
    ("channels", "claims"): ((*CREDIT, "rpt_campaign_attribution_days"), CAMPAIGNS),
    ("channels", "causal"): (("hold_outs", "rpt_attribution_days"), ATTRIBUTION),
    ("channels", "paths"): (("rpt_conversion_paths",), ATTRIBUTION),
    ("channels", "path-length"): (("rpt_conversion_paths",), ATTRIBUTION),
    ("channels", "hold-outs"): (("automation_flows",), EMAIL),
    ("budget", "pacing"): (("rpt_budget_pacing",), BUDGETS),
    ("budget", "pacing-days"): (("rpt_budget_pacing", "campaign_days"), BUDGETS),
    ("budget", "pacing-campaigns"): (("rpt_budget_pacing",), BUDGETS),
    ("budget", "returns"): (("rpt_marginal_returns",), CAMPAIGNS),
    ("budget", "fatigue"): (("rpt_ad_fatigue",), CAMPAIGNS),
    ("customers", "stages"): (FUNNEL, "metrics.md"),
    ("customers", "stages-channels"): (FUNNEL, "metrics.md"),
    ("customers", "cohorts"): (("cohort_months", "campaign_days"), VALUE),
    ("customers", "acquisition"): (("acquisition_channels", "value_cells"), VALUE),
    ("customers", "value"): (("value_cells",), VALUE),
    ("customers", "accuracy"): (("value_accuracy",), VALUE),
    ("customers", "calibration"): (("value_calibration",), VALUE),
    ("customers", "behaviour"): (("behaviour_cohorts",), SEGMENTS),
    ("customers", "segments"): (("rfm_segments",), SEGMENTS),
    ("customers", "moves"): (("rfm_moves",), SEGMENTS),
    ("customers", "models"): (("segment_models",), SEGMENTS),
    ("email", "mail-platforms"): (("email_campaigns",), EMAIL),
    ("email", "opens"): (("email_campaigns",), EMAIL),
    ("email", "mail-campaigns"): (("email_campaigns",), EMAIL),
    ("email", "flows"): (("automation_flows",), EMAIL),
    ("email", "uplift"): (("automation_flows",), EMAIL),
    ("email", "flow-steps"): (("automation_steps",), EMAIL),
    ("email", "frequency"): (("email_frequency",), EMAIL),
    ("email", "lists"): (("email_list_months",), EMAIL),
    ("email", "mail-breakdowns"): (("email_breakdowns",), EMAIL),
    ("health", "monitors"): (("monitor_results", "monitor_runs"), WATCH),
    ("health", "freshness"): (("stg_ingest__freshness",), WATCH),
    ("health", "service-level"): (("monitor_probes",), "service-levels.md"),
    ("health", "loads"): (("stg_ingest__loads",), WATCH),
    ("health", "campaigns"): (("stg_ingest__freshness", "campaign_days"), WATCH),
}


@dataclass(frozen=True)
class Source:
    """What a block is made of; `anchor` is its place on the page of definitions."""

    title: str
    anchor: str
    tables: tuple[str, ...]
    models: tuple[str, ...]
    docs: str


def sources(page: Page) -> list[Source]:
    """Return what every block of a page is made of."""
    known, found = {**statements(), **watched_statements("")}, []
    for name, title, *_ in page.blocks:
        tables, docs = BLOCKS[page.name, name]
        models = {model for table in tables for model in MODEL.findall(known[table])}
        found.append(Source(title, f"{page.name}-{name}", tables, tuple(sorted(models)), docs))
    return found
