output "project_id" {
  description = "Id of the project."
  value       = module.platform.project_id
}

output "shared_dev_environment_id" {
  description = "Id of the environment where branch jobs of all teams run."
  value       = module.platform.shared_dev_environment_id
}

output "marketing_staging_environment_id" {
  description = "Id of the staging environment."
  value       = module.platform.marketing_staging_environment_id
}

output "marketing_production_environment_id" {
  description = "Id of the production environment."
  value       = module.platform.marketing_production_environment_id
}

output "team_reference_guide" {
  description = "What each team copies into its CI variables, by team."
  value       = module.platform.team_reference_guide
}
