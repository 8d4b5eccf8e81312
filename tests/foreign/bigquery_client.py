"""Google's own client of BigQuery, as its documentation shows it; prints what it read as JSON.

Arguments: address, access token, project, dataset.
"""

import json
import sys

from google.cloud import bigquery
from google.oauth2.credentials import Credentials

address, token, project, dataset = sys.argv[1:]
client = bigquery.Client(
    project=project,
    credentials=Credentials(token),
    client_options={"api_endpoint": address},
)
tables = list(client.list_tables(f"{project}.{dataset}"))
found = {}
for listed in tables:
    table = client.get_table(listed.reference)
    rows = list(client.list_rows(table))
    chosen = [field for field in table.schema if field.name in {"event_name", "event_params"}]
    named = list(client.list_rows(table, selected_fields=chosen))
    found[listed.table_id] = {
        "counted": table.num_rows,
        "rows": len(rows),
        "names": sorted({row["event_name"] for row in named}),
        "with_session": sum(
            any(param["key"] == "ga_session_id" and param["value"]["int_value"] for param in params)
            for params in (row["event_params"] for row in named)
        ),
    }
print(json.dumps(found))
