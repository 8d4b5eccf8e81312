"""What of the marts is published: the tables of a snapshot, each by the statement that reads it.

No row of a snapshot is about one person. A table that the warehouse does not have is left out.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "sql"
# as they are built, with the columns that the pages read
WHOLE = {
    "dim_channels": "channel, channel_name, is_paid, sort_order",
    "fct_acquisition_funnel": (
        "session_date, channel, spend_usd, sessions, product_view_sessions, "
        "add_to_cart_sessions, checkout_sessions, purchase_sessions, seconds_to_product_view, "
        "seconds_to_add_to_cart, seconds_to_checkout, seconds_to_purchase"
    ),
    "fct_path_attribution": (
        "model, conversion_type, window_days, path_level, channel, credit, revenue_usd"
    ),
    "int_calendar__as_of": "as_of_date, reporting_currency",
    "rpt_ad_fatigue": (
        "platform, campaign_id, campaign_name, ad_id, ad_name, showing_days, impressions, "
        "first_click_through_rate, latest_click_through_rate, click_through_rate_change, "
        "first_frequency, latest_frequency, is_fatigued, is_click_rate_falling, "
        "fatigue_status"
    ),
    "rpt_budget_pacing": (
        "budget_month, platform, campaign_id, campaign_name, is_platform_total, "
        "is_current_month, budget_usd, spend_usd, budget_due_usd, pacing, counted_until_date, "
        "forecast_spend_usd, forecast_attainment, daily_spend_to_budget_usd"
    ),
    "rpt_conversion_paths": (
        "conversion_type, window_days, channel_path, path_length, conversions, "
        "conversions_share, conversion_rate, revenue_usd, mean_days_to_convert, "
        "median_days_to_convert, p90_days_to_convert"
    ),
    "rpt_executive_kpis": "kpi_month, metric, plan_value",
    "rpt_lifetime_value": "cohort_month, customers, value_365d_usd",
    "rpt_marginal_returns": (
        "platform, campaign_id, campaign_name, is_platform_total, fit_status, is_estimate, "
        "weeks, weekly_spend_usd, roas, marginal_roas, cut_weekly_spend_usd, "
        "cut_weekly_revenue_usd, cut_weekly_revenue_lower_usd, cut_weekly_revenue_upper_usd"
    ),
    "stg_ingest__freshness": (
        "source, report, account_id, campaign_id, last_day, last_row_day, read_at"
    ),
    "stg_ingest__loads": (
        "source, status, row_count, rejected_count, started_at, finished_at, error_messages"
    ),
}
# of the schema of the monitors
WATCHED = ("monitor_results", "monitor_runs", "monitor_probes")
# a report of anything at all needs these
NEEDED = ("order_days", "rpt_attribution_days", "campaign_days", "dim_channels")


def statements() -> dict[str, str]:
    """Return the statement of every published table of the marts, by its name."""
    written = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.sql"))}
    return {**{name: f"select * from {name}" for name in WHOLE}, **written}  # noqa: S608


def check_of(table: str) -> str:
    """Return a statement that fails where a table published as it is lacks a column of the pages.

    It is empty for a table of a statement, which fails itself.
    """
    return f"select {WHOLE[table]} from {table}" if table in WHOLE else ""  # noqa: S608


def described() -> list[tuple[str, str, str]]:
    """Return name, sentence and SQL of every table with a statement of its own."""
    found = []
    for path in sorted(FOLDER.glob("*.sql")):
        lines = path.read_text(encoding="utf-8").splitlines()
        body = next(place for place, line in enumerate(lines) if not line.startswith("--"))
        sentence = " ".join(line.removeprefix("-- ") for line in lines[:body])
        found.append((path.stem, sentence[0].upper() + sentence[1:], "\n".join(lines[body:])))
    return found


def watched_statements(schema: str) -> dict[str, str]:
    """Return the same of the monitors' tables, which stand beside the schema of the marts."""
    beside = '"' + f"{schema}_monitor".replace('"', '""') + '"'
    return {name: f"select * from {beside}.{name}" for name in WATCHED}  # noqa: S608
