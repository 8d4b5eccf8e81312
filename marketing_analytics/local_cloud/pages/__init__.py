"""The pages of the local dbt Cloud: jobs, runs, the queue, one run with its log and timing.

Rendered on the server, reading from the store, readable without scripts. Start at `mount`.
"""
