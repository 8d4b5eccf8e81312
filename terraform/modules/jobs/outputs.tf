output "job_ids" {
  description = "Id of every job, by key."
  value       = { for key, job in dbtcloud_job.this : key => job.id }
}

output "job_names" {
  description = "Name of every job, by key."
  value       = { for key, job in dbtcloud_job.this : key => job.name }
}
