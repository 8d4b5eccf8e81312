"""`marketing jobs` and `scripts/dbt_job_manager.py`: the commands, loaded when they are called."""

from __future__ import annotations

import click

from marketing_analytics.core.commands import LateGroup

EPILOG = """Settings come from flags or from DBTCLOUD_ACCOUNT_ID, DBTCLOUD_TOKEN, PROJECT_ID,
ENVIRONMENT_ID, DBTCLOUD_HOST_URL, TEAM_NAME, CI_COMMIT_REF_SLUG and GITLAB_USER_LOGIN.

Exit codes: 0 ok, 1 failed, 2 bad usage or file (diff, plan --detailed-exitcode: changes),
3 stale plan, 4 token or lock, 5 partly applied, 130 interrupted; of a run that is followed:
20 cancelled, 21 timed out."""


# command: (module, its attribute)
COMMANDS = {
    "artifacts": ("logs", "artifacts"),
    "cancel": ("run", "cancel"),
    "cleanup": ("cleanup", "cleanup"),
    "completion": ("completion", "completion"),
    "config": ("config", "config"),
    "convert": ("validate", "convert"),
    "deploy": ("deploy", "deploy"),
    "diff": ("diff", "diff"),
    "doctor": ("doctor", "doctor"),
    "export": ("adopt", "export"),
    "history": ("logs", "history"),
    "import": ("adopt", "import_"),
    "link": ("link", "link"),
    "list": ("list", "list_"),
    "logs": ("logs", "logs"),
    "plan": ("deploy", "plan"),
    "retry": ("run", "retry"),
    "run": ("run", "run"),
    "undo": ("undo", "undo"),
    "unlink": ("link", "unlink"),
    "validate": ("validate", "validate"),
}


@click.group(
    cls=LateGroup,
    members={
        name: f"marketing_analytics.jobs.commands.{module}:{attribute}"
        for name, (module, attribute) in COMMANDS.items()
    },
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
def group() -> None:
    """Deploy dbt jobs from tfvars files, run them and clean up."""
