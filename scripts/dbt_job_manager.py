"""Deploy dbt jobs from tfvars files; works after `pip install -r requirements.txt` alone."""

import os.path
import sys

# an old Python has to get this far, so the syntax here is as old as can be
if sys.version_info < (3, 11):  # noqa: UP036
    found = sys.executable + " is " + sys.version.split()[0]
    sys.stderr.write("error: this needs Python 3.11 or newer, and " + found + "\n")
    sys.exit(2)
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120

try:
    from marketing_analytics.jobs.cli import group
except ModuleNotFoundError as error:
    said = "error: the package " + str(error.name) + " is not installed for " + sys.executable
    sys.exit(said + "\n  help: pip install -r requirements.txt")

group()
