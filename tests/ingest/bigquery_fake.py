"""BigQuery over Parquet files: what `tables.list`, `tables.get` and `tabledata.list` answer.

Shapes: cloud.google.com/bigquery/docs/reference/rest/v2. Also a token server that checks the
signature of a service account.
"""

import base64
import json
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .scripted_platform import Answer, serve

PROJECT, DATASET = "shop-web", "analytics_4242"
TABLES = f"/bigquery/v2/projects/{PROJECT}/datasets/{DATASET}/tables"
TOKEN = "ya29.of-a-service-account"
PLAIN = {pa.string(): "STRING", pa.int64(): "INTEGER", pa.float64(): "FLOAT"}


def field_of(name, kind, mode="NULLABLE"):
    """Return a column of a table's schema for an Arrow type."""
    if pa.types.is_list(kind):
        return field_of(name, kind.value_type, "REPEATED")
    if pa.types.is_struct(kind):
        inner = [field_of(f.name, f.type) for f in kind]
        return {"name": name, "type": "RECORD", "mode": mode, "fields": inner}
    return {"name": name, "type": PLAIN[kind], "mode": mode}


def cell_of(field, value):
    """Return a value as the rows of BigQuery hold it: text, nested in f and v."""
    if field["mode"] == "REPEATED":
        one = field | {"mode": "NULLABLE"}
        return {"v": [cell_of(one, item) for item in value or ()]}
    if value is None:
        return {"v": None}
    if field["type"] == "RECORD":
        return {"v": {"f": [cell_of(f, value[f["name"]]) for f in field["fields"]]}}
    return {"v": str(value)}


def refused(status, reason, message):
    names = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED"}
    detail = {"message": message, "domain": "global", "reason": reason}
    error = {"code": status, "message": message, "errors": [detail]}
    return Answer({"error": error | {"status": names.get(status, "NOT_FOUND")}}, status)


@cache
def private_key():
    """Return the key of the service account."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class BigQuery:
    """One dataset whose tables are the Parquet files of a folder."""

    def __init__(self, folder, page_rows=100, list_rows=20):
        self.folder = Path(folder)
        self.page_rows = page_rows
        self.list_rows = list_rows
        self.key = private_key()
        # table: rows to leave out of its pages, though its count says otherwise
        self.lost = {}

    def credentials(self, path, url):
        """Write the file of the service account and return its path."""
        pem = self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        known = {"type": "service_account", "client_email": "reader@shop-web.example"}
        path.write_text(
            json.dumps(known | {"private_key": pem.decode(), "token_uri": f"{url}/token"})
        )
        return path

    def answer(self, asked):
        if asked.path == "/token":
            return self.token(asked)
        headers = {name.lower(): value for name, value in asked.headers.items()}
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return refused(401, "authError", "Request had invalid authentication credentials.")
        if not asked.path.startswith(TABLES):
            return refused(404, "notFound", f"Not found: {asked.path}")
        name, _, rest = asked.path.removeprefix(TABLES).strip("/").partition("/")
        if not name:
            return self.list(asked)
        if not self.path(name).exists():
            return refused(404, "notFound", f"Not found: Table {PROJECT}:{DATASET}.{name}")
        return self.rows(name, asked) if rest == "data" else Answer(self.describe(name))

    def token(self, asked):
        """Answer the grant of a service account after a look at its signature."""
        form = {name: values[0] for name, values in parse_qs(asked.body).items()}
        text, _, signature = form["assertion"].rpartition(".")
        decoded = base64.urlsafe_b64decode(signature + "==")
        # raises where the signature is wrong
        self.key.public_key().verify(decoded, text.encode(), padding.PKCS1v15(), hashes.SHA256())
        claim = json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "=="))
        assert claim["aud"].endswith("/token")
        assert claim["iss"] == "reader@shop-web.example"
        assert claim["scope"] == "https://www.googleapis.com/auth/bigquery.readonly"
        assert claim["exp"] - claim["iat"] == 3600
        return Answer({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})

    def path(self, name):
        return self.folder / f"{name}.parquet"

    def list(self, asked):
        names = sorted(path.stem for path in self.folder.iterdir())
        start = int(asked.query.get("pageToken", 0))
        size = min(int(asked.query.get("maxResults", 50)), self.list_rows)
        page = names[start : start + size]
        body = {
            "kind": "bigquery#tableList",
            "tables": [{"id": self.id(n), "tableReference": self.reference(n)} for n in page],
            "totalItems": len(names),
        }
        if start + size < len(names):
            body["nextPageToken"] = str(start + size)
        return Answer(body)

    def id(self, name):
        return f"{PROJECT}:{DATASET}.{name}"

    def reference(self, name):
        return {"projectId": PROJECT, "datasetId": DATASET, "tableId": name}

    def describe(self, name):
        path = self.path(name)
        schema = pq.read_schema(path)
        return {
            "kind": "bigquery#table",
            "id": self.id(name),
            "tableReference": self.reference(name),
            "schema": {"fields": [field_of(f.name, f.type) for f in schema]},
            "numRows": str(pq.read_metadata(path).num_rows),
            "lastModifiedTime": str(path.stat().st_mtime_ns // 1_000_000),
            "type": "TABLE",
        }

    def rows(self, name, asked):
        fields = self.describe(name)["schema"]["fields"]
        if chosen := asked.query.get("selectedFields"):
            names = chosen.split(",")
            unknown = set(names) - {field["name"] for field in fields}
            if unknown:
                return refused(400, "invalid", f"No such field: {min(unknown)}")
            fields = [field for field in fields if field["name"] in names]
        found = pq.read_table(self.path(name), columns=[f["name"] for f in fields])
        start = int(asked.query.get("pageToken", 0))
        size = min(int(asked.query.get("maxResults", self.page_rows)), self.page_rows)
        rows = found.slice(start, size).to_pylist()[self.lost.get(name, 0) :]
        body = {"kind": "bigquery#tableDataList", "totalRows": str(found.num_rows)}
        if rows:
            body["rows"] = [{"f": [cell_of(f, row[f["name"]]) for f in fields]} for row in rows]
        if start + size < found.num_rows:
            body["pageToken"] = str(start + size)
        return Answer(body)


@contextmanager
def served(folder, credentials, **more):
    """Serve a folder; yield the emulator and the settings of a source that reads it."""
    fake = BigQuery(folder, **more)
    with serve(fake.answer) as (url, requests):
        fake.requests = requests
        yield (
            fake,
            {
                "GA4_BIGQUERY_DATASET": f"{PROJECT}.{DATASET}",
                "GA4_BIGQUERY_BASE_URL": f"{url}/bigquery/v2",
                "GOOGLE_APPLICATION_CREDENTIALS": fake.credentials(credentials, url),
            },
        )
