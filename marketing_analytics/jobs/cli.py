"""`marketing jobs` and `scripts/dbt_job_manager.py`: the commands, loaded when they are called."""

from __future__ import annotations

import click

from marketing_analytics.core.commands import LateGroup

EPILOG = """Settings come from flags or from DBTCLOUD_ACCOUNT_ID, DBTCLOUD_TOKEN, PROJECT_ID,
ENVIRONMENT_ID, DBTCLOUD_HOST_URL, TEAM_NAME, CI_COMMIT_REF_SLUG and GITLAB_USER_LOGIN.

Exit codes: 0 ok, 1 failed, 2 bad usage or file (diff, plan --detailed-exitcode: changes),
3 stale plan, 4 token or lock, 5 partly applied, 130 interrupted; of a run that is followed:
20 cancelled, 21 timed out."""


# command: (module, its attribute, the first line of its help)
COMMANDS = {
    "artifacts": ("logs", "artifacts", "List the files that a run left, or save some of them."),
    "cancel": ("run", "cancel", "Cancel runs, or all runs of a job that have not ended."),
    "cleanup": ("cleanup", "cleanup", "Delete the team's branch jobs that nobody needs."),
    "completion": ("completion", "completion", "Print the script that completes words in a shell."),
    "config": ("config", "config", "Show the settings that count here, and where they come from."),
    "convert": (
        "validate",
        "convert",
        "Write a file that lists its jobs as one that has them by key.",
    ),
    "deploy": ("deploy", "deploy", "Bring dbt Cloud to what the job file says."),
    "diff": ("list", "diff", "Show how dbt Cloud differs from the job file; 2 if it does."),
    "doctor": ("config", "doctor", "Look whether a deploy would work, and say what to do."),
    "export": ("adopt", "export", "Write import blocks: Terraform takes over existing jobs."),
    "history": ("logs", "history", "Show how the last runs of a job ended and how long they took."),
    "import": ("adopt", "import_", "Write a job file of jobs that exist already."),
    "link": ("link", "link", "Write our mark into existing jobs: deploy takes them over."),
    "list": ("list", "list_", "Show the team's jobs."),
    "logs": ("logs", "logs", "Show the logs of a run, or of a job's last one."),
    "plan": ("deploy", "plan", "Show what deploy would do."),
    "retry": ("run", "retry", "Run a failed run again, from the step that failed."),
    "run": ("run", "run", "Start jobs, by key in this branch, name or id."),
    "undo": ("undo", "undo", "Bring jobs back to before a deploy or a cleanup."),
    "unlink": ("link", "unlink", "Remove our mark from jobs; they stay and nobody deploys them."),
    "validate": (
        "validate",
        "validate",
        "Check job files and what their jobs build; show all mistakes.",
    ),
}


@click.group(
    cls=LateGroup,
    members={
        name: (f"marketing_analytics.jobs.commands.{module}:{attribute}", summary)
        for name, (module, attribute, summary) in COMMANDS.items()
    },
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
def group() -> None:
    """Deploy dbt jobs from tfvars files, run them and clean up."""
