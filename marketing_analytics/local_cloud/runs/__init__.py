"""Runs of the local dbt Cloud: queue, scheduler, and the dbt processes that do the work.

Start reading at `engine`, then `queue` and `runner`.
"""
