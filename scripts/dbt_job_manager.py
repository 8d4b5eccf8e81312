"""Deploy dbt jobs from tfvars files: the door to marketing_analytics.jobs.

Works after `pip install -r requirements.txt`, also when the package is not installed.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

try:
    from marketing_analytics.jobs.cli import group
except ModuleNotFoundError as error:
    said = f"error: the package {error.name} is not installed for {sys.executable}"
    sys.exit(f"{said}\n  help: pip install -r requirements.txt")

if __name__ == "__main__":
    group(prog_name="dbt_job_manager")
