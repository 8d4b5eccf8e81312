# What a job file may hold. The table behind it is marketing_analytics/cloud_api/attributes.py.
# Times are UTC.

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

  validation {
    condition     = var.project_id >= 1 && floor(var.project_id) == var.project_id
    error_message = "Use the number from the page URL."
  }
}

variable "environment_id" {
  type        = number
  nullable    = false
  description = "Id of the dbt Cloud environment that runs the jobs."

  validation {
    condition     = var.environment_id >= 1 && floor(var.environment_id) == var.environment_id
    error_message = "Use the number from the page URL."
  }
}

variable "jobs" {
  nullable    = false
  description = "Jobs by key; see docs/jobs.md."

  type = map(object({
    # attributes: types, by scripts/attributes.py
    execute_steps  = list(string)
    description    = optional(string, "")
    environment_id = optional(number)
    schedule_cron  = optional(string)
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
    triggers_on_draft_pr     = optional(bool, false)
    job_type                 = optional(string)
    deferring_environment_id = optional(number)
    run_compare_changes      = optional(bool, false)
    run_lint                 = optional(bool, false)
    errors_on_lint_failure   = optional(bool, true)
    force_node_selection     = optional(bool)
    dbt_version              = optional(string)
    env_vars                 = optional(map(string), {})
    keep                     = optional(bool, false)
    tags                     = optional(list(string), [])
    # attributes: end
  }))

  # attributes: checks, by scripts/attributes.py
  validation {
    condition     = alltrue([for job in values(var.jobs) : length(trimspace(job.description)) <= 255])
    error_message = "description has at most 255 characters."
  }

  validation {
    condition     = alltrue([for job in values(var.jobs) : job.environment_id == null ? true : (job.environment_id >= 1 && floor(job.environment_id) == job.environment_id)])
    error_message = "environment_id is a whole number from 1."
  }

  validation {
    condition     = alltrue([for job in values(var.jobs) : job.schedule_cron == null ? true : (can(regex("(?i)^((\\*|[0-5]?[0-9](-[0-5]?[0-9])?)(/[1-9][0-9]*)?)(,((\\*|[0-5]?[0-9](-[0-5]?[0-9])?)(/[1-9][0-9]*)?))*[[:space:]]+((\\*|([01]?[0-9]|2[0-3])(-([01]?[0-9]|2[0-3]))?)(/[1-9][0-9]*)?)(,((\\*|([01]?[0-9]|2[0-3])(-([01]?[0-9]|2[0-3]))?)(/[1-9][0-9]*)?))*[[:space:]]+((\\*|(0?[1-9]|[12][0-9]|3[01])(-(0?[1-9]|[12][0-9]|3[01]))?)(/[1-9][0-9]*)?|LW?)(,((\\*|(0?[1-9]|[12][0-9]|3[01])(-(0?[1-9]|[12][0-9]|3[01]))?)(/[1-9][0-9]*)?|LW?))*[[:space:]]+((\\*|(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)(-(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC))?)(/[1-9][0-9]*)?)(,((\\*|(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)(-(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC))?)(/[1-9][0-9]*)?))*[[:space:]]+((\\*|([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(-([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT))?)(/[1-9][0-9]*)?|[0-7]L|([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)#[1-5])(,((\\*|([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(-([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT))?)(/[1-9][0-9]*)?|[0-7]L|([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)#[1-5]))*$", job.schedule_cron)) && !can(regex("(?i)(3[01](-31)?,?)+[[:space:]]+((0?2|FEB),?)+[[:space:]]+[*]$", job.schedule_cron)) && !can(regex("(?i)[[:space:]](31,?)+[[:space:]]+((0?[2469]|11|FEB|APR|JUN|SEP|NOV),?)+[[:space:]]+[*]$", job.schedule_cron)) && alltrue([for ends in regexall("([0-9]+)-([0-9]+)", job.schedule_cron) : tonumber(ends[0]) <= tonumber(ends[1])]))])
    error_message = "schedule_cron is a cron expression of five fields that comes due."
  }

  validation {
    condition     = alltrue([for job in values(var.jobs) : (job.threads >= 1 && job.threads <= 256 && floor(job.threads) == job.threads)])
    error_message = "threads is a whole number from 1 to 256."
  }

  validation {
    condition     = alltrue([for job in values(var.jobs) : can(regex("^[A-Za-z0-9_.-]{1,128}$", job.target_name))])
    error_message = "target_name matches ^[A-Za-z0-9_.-]{1,128}$."
  }

  validation {
    condition     = alltrue([for job in values(var.jobs) : (job.timeout_seconds >= 0 && job.timeout_seconds <= 86400 && floor(job.timeout_seconds) == job.timeout_seconds)])
    error_message = "timeout_seconds is a whole number from 0 to 86400."
  }

  validation {
    condition     = alltrue([for job in values(var.jobs) : job.job_type == null ? true : contains(["ci", "adaptive"], job.job_type)])
    error_message = "job_type is one of ci, adaptive."
  }

  validation {
    condition     = alltrue([for job in values(var.jobs) : job.deferring_environment_id == null ? true : (job.deferring_environment_id >= 1 && floor(job.deferring_environment_id) == job.deferring_environment_id)])
    error_message = "deferring_environment_id is a whole number from 1."
  }

  validation {
    condition     = alltrue([for job in values(var.jobs) : job.dbt_version == null ? true : can(regex("^[^[:cntrl:]]*[^[:space:][:cntrl:]][^[:cntrl:]]*$", job.dbt_version))])
    error_message = "dbt_version is one line, not empty."
  }
  # attributes: end

  validation {
    condition     = alltrue([for key in keys(var.jobs) : can(regex("^[a-z0-9][a-z0-9_-]{0,59}$", key))])
    error_message = "Keys have a-z, 0-9, - and _, at most 60 characters."
  }

  validation {
    condition = alltrue([
      for job in values(var.jobs) : contains(range(1, 101), length(job.execute_steps)) && alltrue([
        for step in job.execute_steps : can(regex("^dbt [^[:space:]][^[:cntrl:]]*$", step))
      ])
    ])
    error_message = "Every job needs 1 to 100 execute_steps, each one line that starts with 'dbt '."
  }

  validation {
    condition = alltrue([
      for job in values(var.jobs) : job.after == null ? true : (
        contains(keys(var.jobs), job.after.job) && length(job.after.statuses) > 0 &&
        length(setsubtract(job.after.statuses, ["success", "error", "canceled"])) == 0
      )
    ])
    error_message = "Every after.job must be a key of jobs, with statuses success, error, canceled."
  }

  validation {
    condition = alltrue([
      for job in values(var.jobs) :
      !job.on_merge || (!job.on_pull_request && job.schedule_cron == null && job.job_type == null)
    ])
    error_message = "on_merge cannot be combined with another trigger or job_type."
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
