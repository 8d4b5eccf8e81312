"""Which job builds what, from dbt's manifest, and what goes wrong between jobs because of it.

`manifest.py` finds or makes the manifest, `selection.py` lets dbt say what each step works on,
`project.py` is that as plain data, `schedule.py` knows when jobs run, `checks.py` finds the faults.
"""
