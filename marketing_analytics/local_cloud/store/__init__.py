"""The SQLite store of the local dbt Cloud: connection, accounts, projects, jobs, variables.

Start reading at `connection`. Every statement lives in a named file under `sql`.
"""
