output "project_id" {
  description = "Id of the project."
  value       = dbtcloud_project.this.id
}

output "shared_dev_environment_id" {
  description = "Id of the environment where branch jobs of all teams run."
  value       = dbtcloud_environment.this["development"].environment_id
}

output "marketing_staging_environment_id" {
  description = "Id of the staging environment."
  value       = dbtcloud_environment.this["staging"].environment_id
}

output "marketing_production_environment_id" {
  description = "Id of the production environment."
  value       = dbtcloud_environment.this["production"].environment_id
}

output "team_reference_guide" {
  description = "What each team copies into its CI variables, by team."
  value = {
    for team in keys(var.teams) : team => <<-GUIDE
      # ${team}: CI variables for the jobs of project ${dbtcloud_project.this.id} (${var.project_name})
      TEAM_NAME=${team}
      PROJECT_ID=${dbtcloud_project.this.id}
      # branch jobs, in the shared development environment
      ENVIRONMENT_ID=${dbtcloud_environment.this["development"].environment_id}
      # staging, deployed from the default branch
      TEST_ENVIRONMENT_ID=${dbtcloud_environment.this["staging"].environment_id}
      # production, deployed from the branch production
      PROD_ENVIRONMENT_ID=${dbtcloud_environment.this["production"].environment_id}
      # a masked variable of your own, never in a file: DBTCLOUD_TOKEN
    GUIDE
  }
}
