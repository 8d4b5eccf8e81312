# Production jobs.
# Attributes: docs/jobs.md, and for editors docs/jobs.schema.json.
# Times are UTC. The team, project and environment come from TEAM_NAME, PROJECT_ID and
# ENVIRONMENT_ID (Terraform: TF_VAR_team_name, TF_VAR_project_id, TF_VAR_environment_id).
# A job builds all that it stands on and leaves out the tests that a job before it runs. The last one
# builds the whole project: email, funnel and ads have no job of their own here.
# Deployed by Terraform: terraform apply -var-file=env_file/prod_env.tfvars

jobs = {
  attribution-production = {
    description = "Builds all attribution models for production."
    execute_steps = [
      "dbt source freshness",
      "dbt build --select +tag:attribution --exclude-resource-type unit_test",
    ]
    schedule_cron   = "0 5 * * *"
    timeout_seconds = 3600
    tags            = ["production"]
  }

  campaign-performance-production = {
    description     = "Builds campaign performance for production."
    execute_steps   = ["dbt build --select +tag:campaigns --exclude selector:tests_of_attribution --exclude-resource-type unit_test"]
    schedule_cron   = "0 6 * * *"
    timeout_seconds = 3600
    tags            = ["production"]
  }

  customer-ltv-production = {
    description     = "Builds customer segments and lifetime value for production."
    execute_steps   = ["dbt build --select +tag:customers --exclude selector:tests_of_attribution selector:tests_of_campaigns --exclude-resource-type unit_test"]
    schedule_cron   = "0 7 * * *"
    timeout_seconds = 3600
    tags            = ["production"]
  }

  executive-dashboard-production = {
    description     = "Builds the executive KPIs and all that no job before it builds, with docs."
    execute_steps   = ["dbt build --exclude selector:tests_of_attribution selector:tests_of_campaigns selector:tests_of_customers --exclude-resource-type unit_test"]
    schedule_cron   = "0 8 * * *"
    generate_docs   = true
    timeout_seconds = 3600
    tags            = ["production"]
  }

  critical-data-validation = {
    description = "Tests what must never break: credit, money and consent."
    execute_steps = [
      "dbt source freshness",
      "dbt test --select tag:conservation tag:reconciliation tag:consent tag:customer_consent",
    ]
    schedule_cron   = "0 9,21 * * *"
    timeout_seconds = 1800
    tags            = ["production", "validation"]
  }
}
