# Jobs of `marketing demo replay`: what reports and monitors read, as few models as that takes.

jobs = {
  replay-seed = {
    description   = "Loads the seeds, once; with the same variables dbt reads the project once."
    execute_steps = ["dbt seed --vars '{attribution_models: [last_touch, position_based], attribution_windows_days: [7, 30], path_windows_days: [7]}'"]
    tags          = ["replay"]
  }

  replay-start = {
    description = "Builds what a day needs, once, its views too."
    execute_steps = [
      "dbt run --select +fct_campaign_performance +rpt_executive_kpis +rpt_set_aside_orders +rpt_budget_pacing +rpt_unmapped_traffic +rpt_attribution_days dim_channels tag:ingest --vars '{attribution_models: [last_touch, position_based], attribution_windows_days: [7, 30], path_windows_days: [7]}'",
    ]
    tags = ["replay"]
  }

  replay-day = {
    description = "Builds a day: spend, credit, pacing and figures of the month. Views are there."
    execute_steps = [
      "dbt run --select +fct_campaign_performance +rpt_executive_kpis +rpt_set_aside_orders +rpt_budget_pacing +rpt_unmapped_traffic +rpt_attribution_days dim_channels tag:ingest --exclude config.materialized:view --vars '{attribution_models: [last_touch, position_based], attribution_windows_days: [7, 30], path_windows_days: [7]}'",
    ]
    tags = ["replay"]
  }
}
