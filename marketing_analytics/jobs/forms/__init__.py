"""The forms that job files have: a list of jobs, settings at the top, several files at once.

All of them end as the map of jobs that `jobs/model.py` checks. Start reading in `lists.py`.
"""
