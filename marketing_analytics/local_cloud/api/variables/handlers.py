"""Environment variable operations of a project: by environment, by job, in bulk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from marketing_analytics.cloud_api.limits import VARIABLE_PATTERN
from marketing_analytics.local_cloud.api.answers import (
    ApiError,
    invalid,
    invalid_at,
    not_found,
    one,
)
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.checks import (
    REQUIRED,
    CheckError,
    Fields,
    identifier,
    mapping,
    one_of,
    text,
)
from marketing_analytics.local_cloud.api.projects import stored_project
from marketing_analytics.local_cloud.api.variables.views import (
    is_secret,
    show_variable,
    shown_value,
)
from marketing_analytics.local_cloud.store import variables as store
from marketing_analytics.local_cloud.store.connection import transaction
from marketing_analytics.local_cloud.store.environments import list_environments
from marketing_analytics.local_cloud.store.jobs import Job, get_job
from marketing_analytics.local_cloud.store.variables import Place, Variable

PROJECT = "project"
# nobody has values of his own here
SCOPES = (PROJECT, "environment", "job")
NO_ENVIRONMENT = "this environment does not exist"
DUPLICATE = "An environment variable by this name already exists in this project and account"


def name_of_variable(value: Any) -> str:
    """Return the name of a variable: upper case, it starts with DBT_."""
    if not re.fullmatch(VARIABLE_PATTERN, text(value)):
        raise CheckError("expected a name of A-Z, 0-9 and _ that starts with DBT_")
    return str(value)


def list_by_environment(call: Call) -> Response:
    """Return every variable of a project by name and environment name.

    One that only jobs set is listed too, without a value: its name is taken.
    """
    project = stored_project(call)
    names = environment_names(call, project.id)
    variables: dict[str, dict[str, Any]] = {}
    for variable in store.list_project_variables(call.connection, project.id):
        values = variables.setdefault(variable.name, {})
        scope = names.get(variable.environment_id)
        if variable.job_id is None and scope is not None:
            values[scope] = {"id": variable.id, "value": shown_value(variable)}
    return one({"environments": list(names.values()), "variables": variables})


def environment_names(call: Call, project_id: int) -> dict[int | None, str]:
    """Return the scopes of a project: None is the project itself, then its environments."""
    page = list_environments(
        call.connection,
        {"account_id": call.account_id, "project_id": [project_id], "limit": -1},
    )
    return {None: PROJECT, **{item.id: item.name for item in page.rows}}


def list_by_job(call: Call) -> Response:
    """Return every variable of a project as one job sees it."""
    project = stored_project(call)
    job_id = call.number("job_definition_id")
    job = get_job(call.connection, job_id, call.account_id) if job_id else None
    if job is None or job.project_id != project.id:
        raise not_found()
    return one(variables_of_job(call, job))


def variables_of_job(call: Call, job: Job) -> dict[str, dict[str, Any]]:
    """Return, by name, the project's value, the environment's and the job's."""
    variables: dict[str, dict[str, Any]] = {}
    for variable in store.list_project_variables(call.connection, job.project_id):
        is_other_job = variable.job_id not in (None, job.id)
        is_other_place = variable.environment_id not in (None, job.environment_id)
        values = variables.setdefault(variable.name, {})
        if is_other_job or is_other_place:
            continue
        values[variable.scope] = {"id": variable.id, "value": shown_value(variable)}
    return variables


def list_by_user(call: Call) -> Response:
    """Return the personal overrides of a user: nobody has any here."""
    stored_project(call)
    return one({})


def create(call: Call) -> Response:
    """Create one value: of a job, an environment or the project."""
    project = stored_project(call)
    place, value = read_place(call, call.body(), project.id)
    with transaction(call.connection):
        refuse_duplicate(call, place)
        variable_id = store.set_variable(call.connection, place, value)
        return one(show_variable(find_variable(call, project.id, variable_id)), 201)


def update(call: Call) -> Response:
    """Replace one value."""
    project = stored_project(call)
    fields = Fields(call.body())
    value = fields.read("raw_value", text)
    if value is None:
        fields.fail(REQUIRED, "raw_value")
    fields.check()
    with transaction(call.connection):
        old = stored_variable(call, project.id)
        # a mask that is sent back leaves the secret as it is
        if value != shown_value(old):
            store.set_variable(call.connection, old, value)
        return one(show_variable(find_variable(call, project.id, old.id)))


def delete(call: Call) -> Response:
    """Delete one value."""
    project = stored_project(call)
    with transaction(call.connection):
        old = stored_variable(call, project.id)
        store.delete_variable(call.connection, project.id, old.id)
    return one({**show_variable(old), "state": 2})


def stored_variable(call: Call, project_id: int) -> Variable:
    """Return the value of the path. Raise a 404."""
    return find_variable(call, project_id, call.id_of("variable_id"))


def find_variable(call: Call, project_id: int, variable_id: int) -> Variable:
    """Return one value of a project. Raise a 404."""
    found = store.get_variable(call.connection, project_id, variable_id)
    if found is None:
        raise not_found()
    return found


def read_place(call: Call, body: Mapping[str, Any], project_id: int) -> tuple[Place, str]:
    """Return where a value belongs, and the value. Raise a 400."""
    fields = Fields(body)
    name = fields.read("name", name_of_variable)
    value = fields.read("raw_value", text, fields.read("display_value", text))
    job_id = fields.read("job_definition_id", identifier)
    environment_id = fields.read("environment_id", identifier)
    scope = fields.read("type", one_of(*SCOPES))
    job = get_job(call.connection, job_id, call.account_id) if job_id else None
    if job_id and (job is None or job.project_id != project_id):
        fields.fail("this job does not exist", "job_definition_id")
    if environment_id and environment_id not in environment_names(call, project_id):
        fields.fail("this environment does not exist", "environment_id")
    if name is None:
        fields.fail(REQUIRED, "name")
    if value is None:
        fields.fail(REQUIRED, "raw_value")
    fields.check()
    place = Place(
        account_id=call.account_id,
        project_id=project_id,
        environment_id=None if job_id else environment_id,
        job_id=job_id,
        name=name,
    )
    if scope not in (None, place.scope):
        raise invalid_at(f"the ids of this body are those of a value of the {place.scope}", "type")
    return place, value


def refuse_duplicate(call: Call, place: Place) -> None:
    """Raise a 400 when there is a value in this place."""
    wanted = (place.name, place.environment_id, place.job_id)
    for variable in store.list_project_variables(call.connection, place.project_id):
        if (variable.name, variable.environment_id, variable.job_id) == wanted:
            raise invalid({"reason": DUPLICATE})


def bulk_create(call: Call) -> Response:
    """Create a variable with its values for the project and for environments by name."""
    project = stored_project(call)
    fields = Fields(call.body())
    given = dict(fields.read("env_var", mapping, {}))
    name = read_name(given, "env_var", "new_name")
    values = read_values(call, project.id, given, "env_var")
    with transaction(call.connection):
        if name in names_of_project(call, project.id):
            raise invalid({"reason": DUPLICATE})
        new_ids = [write(call, project.id, name, *item) for item in values.items()]
    return one({"message": "Environment variables were created.", "new_var_ids": new_ids}, 201)


def read_name(given: dict[str, Any], place: str, key: str) -> str:
    """Take the variable's name out of a bulk body. Raise a 400."""
    fields = Fields(given)
    name = fields.read(key, name_of_variable)
    if name is None:
        fields.fail(REQUIRED, key)
    if fields.errors:
        raise invalid({place: fields.errors})
    given.pop(key)
    return str(name)


def read_values(
    call: Call, project_id: int, given: Mapping[str, Any], place: str
) -> dict[int | None, str]:
    """Return the values of a bulk body by environment id; empty ones are left out."""
    fields = Fields(given)
    ids = known_places(call, project_id, fields)
    found: dict[int | None, str] = {}
    for name in given:
        value = fields.read(name, text)
        if name not in ids:
            fields.fail(NO_ENVIRONMENT, name)
        elif value:
            found[ids[name]] = value
    if fields.errors:
        raise invalid({place: fields.errors})
    return found


def known_places(call: Call, project_id: int, fields: Fields) -> dict[str, int | None]:
    """Return the places of values by name: those of the project and its environments.

    A field whose name is that of several would be written to one of them.
    """
    ids: dict[str, int | None] = {}
    for key, name in environment_names(call, project_id).items():
        if name in ids and name in fields.body:
            fields.fail("several environments have this name; write to one by its id", name)
        ids[name] = key
    return ids


def names_of_project(call: Call, project_id: int) -> set[str]:
    """Return the names of the variables of a project."""
    return {item.name for item in store.list_project_variables(call.connection, project_id)}


def write(call: Call, project_id: int, name: str, environment_id: int | None, value: str) -> int:
    """Write the value of a project or an environment and return its id."""
    place = Place(
        account_id=call.account_id,
        project_id=project_id,
        environment_id=environment_id,
        name=name,
    )
    return store.set_variable(call.connection, place, value)


def bulk_update(call: Call) -> Response:
    """Change a variable: values by id or by environment name, "" and null delete, rename."""
    project = stored_project(call)
    fields = Fields(call.body())
    given = dict(fields.read("env_vars", mapping, fields.read("env_var", mapping, {})))
    name = read_name(given, "env_vars", "name")
    new_name = given.pop("new_name", None)
    with transaction(call.connection):
        if name not in names_of_project(call, project.id):
            raise not_found()
        result = apply_values(call, project.id, name, given)
        if new_name and new_name != name:
            rename(call, project.id, name, new_name)
    return one({"message": "Environment variables were updated.", **result, "failures": []})


def apply_values(
    call: Call, project_id: int, name: str, given: Mapping[str, Any]
) -> dict[str, list[int]]:
    """Write or delete the values of one variable; return the ids that came and went."""
    fields = Fields(given)
    ids = known_places(call, project_id, fields)
    stored = {
        str(item.id): item
        for item in store.list_project_variables(call.connection, project_id)
        if item.name == name
    }
    by_place = {item.environment_id: item for item in stored.values() if not item.job_id}
    new_ids, deleted_ids = [], []
    for key in given:
        value = fields.read(key, text)
        old = stored.get(key) or (by_place.get(ids[key]) if key in ids else None)
        if old is None and key not in ids:
            fields.fail(NO_ENVIRONMENT, key)
        elif key in fields.errors:
            continue
        elif value and old:
            if value != shown_value(old):
                store.set_variable(call.connection, old, value)
        elif value:
            new_ids.append(write(call, project_id, name, ids[key], value))
        elif old:
            store.delete_variable(call.connection, project_id, old.id)
            deleted_ids.append(old.id)
    if fields.errors:
        raise invalid({"env_vars": fields.errors})
    return {"new_var_ids": new_ids, "deleted_var_ids": deleted_ids}


def rename(call: Call, project_id: int, name: str, new_name: Any) -> None:
    """Give a variable another name. Raise a 400 when it is taken or none."""
    try:
        clean = name_of_variable(new_name)
    except CheckError as error:
        raise invalid({"env_vars": {"new_name": str(error)}}) from None
    if clean in names_of_project(call, project_id):
        raise invalid({"reason": DUPLICATE})
    if is_secret(name) and not is_secret(clean):
        message = "a secret keeps a name that begins with DBT_ENV_SECRET: others are shown"
        raise invalid({"env_vars": {"new_name": message}})
    store.rename_variable(call.connection, project_id, name, clean)


def bulk_delete(call: Call) -> Response:
    """Delete a variable in every scope."""
    project = stored_project(call)
    name = call.body().get("name")
    if not isinstance(name, str):
        raise ApiError(400, "The request was invalid.", {"name": REQUIRED})
    with transaction(call.connection):
        if not store.delete_variables_of_name(call.connection, project.id, name):
            raise not_found()
    return one({"message": "Environment variables were deleted.", "new_var_ids": []})
