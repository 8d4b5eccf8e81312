# Jobs of a branch: every branch and user gets its own copy and its own schema.
# Attributes: docs/jobs.md, and for editors docs/jobs.schema.json.
# Times are UTC. The team, project and environment come from TEAM_NAME, PROJECT_ID and
# ENVIRONMENT_ID (Terraform: TF_VAR_team_name, TF_VAR_project_id, TF_VAR_environment_id).
# A job builds all that it stands on and leaves out the tests that a job before it runs; unit tests
# know no data: the push suite and the test environment run them.
# Deploy: python scripts/dbt_job_manager.py deploy --config env_file/dev_env.tfvars

jobs = {
  ad-platform-sync = {
    description          = "Checks how fresh the sources are, then builds staging and the unified ad tables."
    execute_steps        = ["dbt build --select tag:staging tag:ads --exclude-resource-type unit_test"]
    schedule_cron        = "0 6,12,18 * * *"
    run_source_freshness = true
    tags                 = ["ads", "ingest"]
  }

  attribution-daily-refresh = {
    description   = "Builds touchpoints, conversions and all attribution models."
    execute_steps = ["dbt build --select +tag:attribution --exclude selector:tests_of_ads --exclude-resource-type unit_test"]
    schedule_cron = "0 8 * * *"
    tags          = ["attribution"]
  }

  campaign-performance = {
    description   = "Builds spend, conversions and ROAS per campaign and day."
    execute_steps = ["dbt build --select +tag:campaigns --exclude selector:tests_of_ads selector:tests_of_attribution --exclude-resource-type unit_test"]
    schedule_cron = "0 9 * * *"
    tags          = ["ads", "attribution"]
  }

  customer-acquisition-funnel = {
    description   = "Builds the funnel from first session to first order."
    execute_steps = ["dbt build --select +tag:funnel --exclude selector:tests_of_ads selector:tests_of_attribution --exclude-resource-type unit_test"]
    schedule_cron = "0 10 * * *"
    tags          = ["funnel"]
  }

  email-marketing-metrics = {
    description   = "Builds sends, human opens, clicks and revenue per email campaign."
    execute_steps = ["dbt build --select +tag:email --exclude selector:tests_of_ads selector:tests_of_attribution --exclude-resource-type unit_test"]
    schedule_cron = "0 11 * * *"
    tags          = ["email"]
  }

  automation-flows = {
    description   = "Builds the steps of automated email flows."
    execute_steps = ["dbt build --select +tag:automation --exclude selector:tests_of_ads selector:tests_of_attribution selector:tests_of_email --exclude-resource-type unit_test"]
    schedule_cron = "30 11 * * *"
    tags          = ["automation"]
  }

  customer-ltv-modeling = {
    description   = "Builds RFM segments, and fits, predicts and judges customer lifetime value."
    execute_steps = ["dbt build --select +tag:customers --exclude selector:tests_of_ads selector:tests_of_attribution --exclude-resource-type unit_test"]
    # not at 12:00, when ad-platform-sync builds the tables that it stands on
    schedule_cron = "30 12 * * *"
    tags          = ["customers"]
  }

  marketing-executive-dashboard = {
    description   = "Builds the monthly KPIs against budget and targets."
    execute_steps = ["dbt build --select +tag:executive --exclude selector:tests_of_ads selector:tests_of_attribution selector:tests_of_customers --exclude-resource-type unit_test"]
    schedule_cron = "0 13 * * *"
    tags          = ["executive"]
  }

  attribution-validation = {
    description = "Tests on demand what the jobs built: credit is conserved, consent kept, money agrees."
    execute_steps = [
      "dbt test --select tag:attribution tag:conservation tag:consent tag:reconciliation tag:business_logic --exclude-resource-type unit_test",
    ]
    tags = ["validation"]
  }
}
