output "job_ids" {
  description = "Id of every job in dbt Cloud, by key."
  value       = module.jobs.job_ids
}

output "job_names" {
  description = "Name of every job in dbt Cloud, by key."
  value       = module.jobs.job_names
}
