# Jobs of the test and production environments, from the same files the deploy tool reads:
#   terraform apply -var-file=env_file/test_env.tfvars
#   terraform apply -var-file=env_file/prod_env.tfvars
# One state per environment. Branch jobs are deployed by scripts/dbt_job_manager.py.

module "jobs" {
  source = "./terraform/modules/jobs"

  team_name      = var.team_name
  project_id     = var.project_id
  environment_id = var.environment_id
  jobs           = var.jobs
}
