variable "team_name" {
  type        = string
  description = "Team, the first part of every job name."
}

variable "project_id" {
  type        = number
  description = "Id of the dbt Cloud project."
}

variable "environment_id" {
  type        = number
  description = "Id of the dbt Cloud environment."
}

variable "jobs" {
  description = "Jobs by key; types, defaults and checks are in the root's variables.tf."

  type = map(object({
    # attributes: types, by scripts/attributes.py
    execute_steps  = list(string)
    description    = string
    environment_id = number
    schedule_cron  = string
    after = object({
      job      = string
      statuses = set(string)
    })
    threads                  = number
    target_name              = string
    timeout_seconds          = number
    generate_docs            = bool
    run_source_freshness     = bool
    on_pull_request          = bool
    on_merge                 = bool
    triggers_on_draft_pr     = bool
    job_type                 = string
    deferring_environment_id = number
    run_compare_changes      = bool
    run_lint                 = bool
    errors_on_lint_failure   = bool
    force_node_selection     = bool
    dbt_version              = string
    env_vars                 = map(string)
    keep                     = bool
    tags                     = list(string)
    # attributes: end
  }))
}
