# Validation jobs of the test environment.
# Attributes: docs/jobs.md, and for editors docs/jobs.schema.json.
# Times are UTC. The team, project and environment come from TEAM_NAME, PROJECT_ID and
# ENVIRONMENT_ID (Terraform: TF_VAR_team_name, TF_VAR_project_id, TF_VAR_environment_id).
# Tests are what these jobs are for: each runs all of what it builds, unit tests included.
# Deployed by Terraform: terraform apply -var-file=env_file/test_env.tfvars

jobs = {
  attribution-validation = {
    description   = "Builds and tests the attribution models."
    execute_steps = ["dbt build --select +tag:attribution"]
    schedule_cron = "0 7 * * *"
    tags          = ["validation"]
  }

  campaign-validation = {
    description   = "Builds campaign performance and reconciles spend."
    execute_steps = ["dbt build --select +tag:campaigns +tag:reconciliation"]
    schedule_cron = "0 8 * * *"
    tags          = ["validation"]
  }

  customer-validation = {
    description   = "Builds and tests customer segments and values."
    execute_steps = ["dbt build --select +tag:customers"]
    schedule_cron = "0 9 * * *"
    tags          = ["validation"]
  }

  email-automation-validation = {
    description   = "Builds and tests email metrics and automated flows."
    execute_steps = ["dbt build --select +tag:email +tag:automation"]
    schedule_cron = "30 9 * * *"
    tags          = ["validation"]
  }

  business-logic-validation = {
    description   = "Builds what the business rules need and tests the rules."
    execute_steps = ["dbt build --select +tag:business_logic"]
    schedule_cron = "0 10 * * *"
    tags          = ["validation"]
  }

  integration-validation = {
    description = "Checks freshness, then builds and tests the whole project."
    execute_steps = [
      "dbt source freshness",
      "dbt build",
    ]
    schedule_cron = "0 11 * * *"
    tags          = ["validation"]
  }
}
