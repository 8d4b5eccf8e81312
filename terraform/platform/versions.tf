terraform {
  required_version = ">= 1.11"

  required_providers {
    dbtcloud = {
      source  = "dbt-labs/dbtcloud"
      version = "~> 1.12"
    }
  }
}

# DBT_CLOUD_TOKEN, DBT_CLOUD_ACCOUNT_ID and DBT_CLOUD_HOST_URL (with /api, without a slash at
# the end) come from the environment; nothing secret is kept in files or variables.
provider "dbtcloud" {}
