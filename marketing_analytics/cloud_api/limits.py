"""The limits of dbt Cloud, each once: job files, Terraform and the server share them."""

from __future__ import annotations

MAX_THREADS = 256
MAX_TIMEOUT_SECONDS = 86_400
MAX_STEPS = 100
MAX_NAME_LENGTH = 128
MAX_DESCRIPTION_LENGTH = 255
MAX_CRON_LENGTH = 120
# ids are 64-bit integers
MAX_ID = 2**63 - 1

VARIABLE_PATTERN = "^DBT_[A-Z0-9_]{1,250}$"
TARGET_PATTERN = "^[A-Za-z0-9_.-]{1,128}$"
