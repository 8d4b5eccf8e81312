variable "project_name" {
  type        = string
  nullable    = false
  description = "Name of the dbt Cloud project that the teams share."

  validation {
    condition     = trimspace(var.project_name) != ""
    error_message = "Give the project a name."
  }
}

variable "project_subdirectory" {
  type        = string
  default     = null
  description = "Folder of the dbt project in its repository; null is the top."
}

variable "dbt_version" {
  type        = string
  default     = "latest"
  nullable    = false
  description = "Version of dbt in all environments."
}

variable "production_branch" {
  type        = string
  default     = null
  description = "Branch that production runs; null is the default branch of the repository."
}

variable "connection_id" {
  type        = number
  default     = null
  description = "Id of a connection that exists; null creates one from `postgres`, or none at all."
}

variable "postgres" {
  default     = null
  description = "Warehouse to connect to when connection_id is null; no password stands here."

  type = object({
    hostname = string
    dbname   = string
    port     = optional(number, 5432)
  })

  validation {
    condition     = var.postgres == null || var.connection_id == null
    error_message = "Give connection_id or postgres, not both."
  }
}

variable "credentials" {
  nullable    = false
  default     = {}
  description = "Who staging and production are in the warehouse: an id from outside, or a user."

  type = map(object({
    credential_id    = optional(number)
    username         = optional(string)
    schema           = optional(string, "analytics")
    threads          = optional(number, 4)
    password_version = optional(number, 1)
  }))

  validation {
    condition     = length(setsubtract(keys(var.credentials), ["staging", "production"])) == 0
    error_message = "Credentials are for staging and production."
  }

  validation {
    condition = alltrue([
      for one in values(var.credentials) : (one.credential_id == null) != (one.username == null)
    ])
    error_message = "Every entry has a credential_id or a username, not both."
  }
}

variable "passwords" {
  type        = map(string)
  default     = {}
  nullable    = false
  sensitive   = true
  ephemeral   = true
  description = "Passwords of the users in `credentials`, by environment: TF_VAR_passwords, never a file. A new password_version sends them again."
}

variable "teams" {
  nullable    = false
  description = "Teams that deploy jobs, by the name their jobs start with."

  type = map(object({
    sso_groups     = optional(set(string), [])
    permission_set = optional(string, "developer")
    # branch jobs run in the shared development environment, which dbt Cloud counts as "other"
    writes_to = optional(set(string), ["development", "staging", "other"])
    # who hears of failures in production
    email = optional(string)
    slack = optional(object({ channel_id = string, channel_name = string }))
  }))

  validation {
    condition     = alltrue([for name in keys(var.teams) : can(regex("^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", name))])
    error_message = "Names of teams have lower case, digits and dashes, at most 40 characters."
  }
}

variable "platform_group" {
  type        = string
  default     = "platform-team"
  nullable    = false
  description = "Name of the group whose members may do all in the project."

  validation {
    condition     = !contains(keys(var.teams), var.platform_group)
    error_message = "The platform's group needs another name than the teams."
  }
}

variable "platform_sso_groups" {
  type        = set(string)
  default     = []
  nullable    = false
  description = "Groups of the identity provider whose members may do all in the project."
}

variable "notification_user_id" {
  type        = number
  default     = null
  description = "dbt Cloud user in whose name notifications are sent; needed when a team has email or slack."

  validation {
    condition = var.notification_user_id != null || alltrue([
      for team in values(var.teams) : team.email == null && team.slack == null
    ])
    error_message = "A team has email or slack: give notification_user_id."
  }
}

variable "environment_variables" {
  type        = map(map(string))
  default     = {}
  nullable    = false
  description = "Values by name of the variable, then by `project`, `development`, `staging` or `production`."

  validation {
    condition     = alltrue([for name in keys(var.environment_variables) : can(regex("^DBT_[A-Z0-9_]{1,250}$", name)) && !startswith(name, "DBT_ENV_SECRET")])
    error_message = "Names start with DBT_; secrets (DBT_ENV_SECRET...) are set in dbt Cloud, not in files."
  }

  validation {
    condition = alltrue([
      for values in values(var.environment_variables) :
      length(setsubtract(keys(values), ["project", "development", "staging", "production"])) == 0
    ])
    error_message = "Values are for project, development, staging or production."
  }
}
