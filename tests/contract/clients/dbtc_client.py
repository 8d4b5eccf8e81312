"""dbtc 0.11.7: jobs, runs and artifacts, as its users write it. Prints what it was told."""

import json
import os
import sys

from dbtc import dbtCloudClient

account, project, environment = (
    int(os.environ[name]) for name in ("DBTCLOUD_ACCOUNT_ID", "PROJECT_ID", "ENVIRONMENT_ID")
)
build, fragile = sys.argv[1:]
cloud = dbtCloudClient().cloud
found = {
    "accounts": [one["id"] for one in cloud.list_accounts()["data"]],
    "account": cloud.get_account(account)["data"]["run_slots"],
    "projects": [one["id"] for one in cloud.list_projects(account)["data"]],
    "by name": cloud.get_project_by_name("Marketing", account)["data"]["id"],
    "environments": [one["id"] for one in cloud.list_environments(account, project)["data"]],
    "users": [one["id"] for one in cloud.list_users(account)["data"]],
    "groups": cloud.list_groups(account)["data"],
    "licenses": cloud.get_account_licenses(account)["data"],
    "invites": cloud.list_invited_users(account)["data"],
    "audit": len(cloud.list_audit_logs(account)["data"]),
    "webhooks": cloud.list_webhooks(account)["data"],
    "tokens": cloud.list_service_tokens(account)["data"],
}
found["user"] = cloud.get_user(account, found["users"][0])["data"]["id"]

base = {"account_id": account, "project_id": project, "environment_id": environment}
job = cloud.create_job(account, {**base, "name": "dbtc", "execute_steps": [build]})["data"]
run = cloud.trigger_job(account, job["id"], {"cause": "dbtc"}, poll_interval=1)["data"]
recent = cloud.get_most_recent_run(account, job_definition_id=job["id"])["data"]
found |= {
    "job": job["id"],
    "run": run["id"],
    "status": run["status"],
    "recent": recent["id"],
    "artifacts": cloud.list_run_artifacts(account, run["id"])["data"],
    "results": cloud.get_run_artifact(account, run["id"], "run_results.json"),
    "newest": cloud.get_most_recent_run_artifact(
        account, "run_results.json", job_definition_id=job["id"]
    ),
    "jobs": [one["id"] for one in cloud.list_jobs(account, project_id=project)["data"]],
    "runs": [one["id"] for one in cloud.list_runs(account, job_definition_id=job["id"])["data"]],
}

steps = [build, fragile]
failing = cloud.create_job(account, {**base, "name": "fails", "execute_steps": steps})["data"]
first = cloud.trigger_job(account, failing["id"], {"cause": "dbtc"}, poll_interval=1)["data"]
again = cloud.trigger_job_from_failure(account, failing["id"], poll_interval=1)["data"]
found["failing"] = [failing["id"], first["status"], again["status"]]

slim = cloud.create_job(account, {**base, "name": "slim", "execute_steps": [build]})["data"]
asked = {"cause": "pull request", "github_pull_request_id": 7, "git_sha": None}
slim_run = cloud.trigger_autoscaling_ci_job(
    account, slim["id"], asked, should_poll=True, poll_interval=1
)["data"]
found["slim"] = [slim["id"], slim_run["id"], slim_run["status"]]

changed = cloud.update_job(account, job["id"], {**job, "name": "renamed"})["data"]
found["renamed"] = changed["name"]
made = cloud.create_environment(account, project, {"name": "dbtc", "type": "deployment"})["data"]
found["made"] = cloud.get_environment(account, project, made["id"])["data"]["name"]
found["gone"] = cloud.delete_environment(account, made["id"])["data"]["state"]
found["deleted"] = cloud.delete_job(account, failing["id"])["data"]["state"]
QUERY = """
query ($environmentId: BigInt!, $after: String, $first: Int) {
  environment(id: $environmentId) { applied { models(after: $after, first: $first) {
    edges { node { uniqueId executionInfo { lastRunId } } } pageInfo { hasNextPage endCursor }
  } } } }
"""
metadata = dbtCloudClient().metadata
asked = {"environmentId": environment, "first": 2}
found["models"] = metadata.query(QUERY, asked, paginated_request_to_list=True)
print(json.dumps(found))
