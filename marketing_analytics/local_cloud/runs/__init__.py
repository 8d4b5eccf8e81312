"""Runs of the local dbt Cloud: queue, scheduler, and the dbt processes that do the work.

Imports `cloud.store` and `core`. Start reading at `engine`, then `queue` and `runner`.
"""
