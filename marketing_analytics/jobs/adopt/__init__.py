"""Jobs that are there already: whose they are, how they become ours, and how they are given up.

`claims.py` finds our jobs without a mark, `links.py` writes and removes marks, `imports.py` and
`yaml_jobs.py` make job files of them, `to_terraform.py` hands them to Terraform.
"""
