# The one definition of the job file: names, types and defaults. The Python model is compared
# with it field by field by a test. Times are UTC.

variable "team_name" {
  type        = string
  default     = "marketing-team"
  nullable    = false
  description = "Team, the first part of every job name."

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", var.team_name))
    error_message = "Use lower case, digits and dashes, at most 40 characters."
  }
}

variable "project_id" {
  type        = number
  nullable    = false
  description = "Id of the dbt Cloud project."
}

variable "environment_id" {
  type        = number
  nullable    = false
  description = "Id of the dbt Cloud environment that runs the jobs."
}

variable "jobs" {
  nullable    = false
  description = "Jobs by key; see docs/jobs.md."

  type = map(object({
    execute_steps = list(string)
    description   = optional(string, "")
    schedule_cron = optional(string)
    after = optional(object({
      job      = string
      statuses = optional(set(string), ["success"])
    }))
    threads                  = optional(number, 4)
    target_name              = optional(string, "default")
    timeout_seconds          = optional(number, 0)
    generate_docs            = optional(bool, false)
    run_source_freshness     = optional(bool, false)
    on_pull_request          = optional(bool, false)
    on_merge                 = optional(bool, false)
    deferring_environment_id = optional(number)
    dbt_version              = optional(string)
    env_vars                 = optional(map(string), {})
    tags                     = optional(list(string), [])
  }))

  validation {
    condition     = alltrue([for key in keys(var.jobs) : can(regex("^[a-z0-9][a-z0-9_-]{0,59}$", key))])
    error_message = "Keys have a-z, 0-9, - and _, at most 60 characters."
  }

  validation {
    condition = alltrue([
      for job in values(var.jobs) : length(job.execute_steps) > 0 && alltrue([
        for step in job.execute_steps : can(regex("^dbt [^[:space:]]", step))
      ])
    ])
    error_message = "Every job needs execute_steps that start with 'dbt '."
  }

  validation {
    condition = alltrue([
      for job in values(var.jobs) :
      job.schedule_cron == null ? true : length(regexall("[^[:space:]]+", job.schedule_cron)) == 5
    ])
    error_message = "Every schedule_cron needs five fields."
  }

  validation {
    condition = alltrue([
      for job in values(var.jobs) : job.after == null ? true : (
        contains(keys(var.jobs), job.after.job) &&
        length(setsubtract(job.after.statuses, ["success", "error", "canceled"])) == 0
      )
    ])
    error_message = "Every after.job must be a key of jobs, with statuses success, error, canceled."
  }

  validation {
    condition = alltrue([
      for job in values(var.jobs) : !job.on_merge || (!job.on_pull_request && job.schedule_cron == null)
    ])
    error_message = "on_merge cannot be combined with another trigger."
  }

  validation {
    condition = alltrue(flatten([
      for job in values(var.jobs) : [
        for name in keys(job.env_vars) : can(regex("^DBT_[A-Z0-9_]{1,250}$", name))
      ]
    ]))
    error_message = "Names of env_vars start with DBT_ and have A-Z, 0-9 and _."
  }
}
