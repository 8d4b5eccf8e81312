# The platform team's side, a state of its own:
#   terraform -chdir=terraform/platform init
#   TF_VAR_passwords='{"staging":"...","production":"..."}' terraform -chdir=terraform/platform apply
# Then each team copies its part of `terraform output team_reference_guide`; see
# docs/howto/platform-team.md. The values below are an example: put yours in.

module "platform" {
  source = "../modules/platform"

  project_name         = "Marketing analytics"
  project_subdirectory = "transform"
  production_branch    = "production"

  postgres = {
    hostname = "warehouse.example.com"
    dbname   = "marketing"
  }
  credentials = {
    staging    = { username = "dbt_staging", schema = "analytics_staging" }
    production = { username = "dbt_production", schema = "analytics" }
  }
  passwords = var.passwords

  teams = {
    marketing-team = {
      sso_groups = ["marketing-analytics"]
      email      = "marketing-alerts@example.com"
    }
    growth-team = {
      sso_groups = ["growth"]
      slack      = { channel_id = "C0000000000", channel_name = "#growth-alerts" }
    }
  }
  platform_sso_groups  = ["data-platform"]
  notification_user_id = var.notification_user_id
}
