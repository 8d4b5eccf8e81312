"""Copy the small warehouse to a PostgreSQL server: marts and raw tables in one database."""

import csv
import io

import duckdb
import psycopg2

TYPES = {"double": "double precision", "hugeint": "numeric", "varchar": "text"}


def copied_to(folder, url):
    with (
        duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as source,
        psycopg2.connect(url) as server,
        server.cursor() as cursor,
    ):
        source.execute(f"attach '{folder / 'raw.duckdb'}' as raw (read_only)")
        tables = source.execute(
            "select distinct table_catalog, table_schema, table_name"
            " from information_schema.columns where table_catalog in ('warehouse', 'raw')"
        ).fetchall()
        for catalog, schema, name in tables:
            full = f'"{catalog}"."{schema}"."{name}"'
            columns = source.execute(f"describe {full}").fetchall()
            kinds = [(row[0], TYPES.get(row[1].lower(), row[1])) for row in columns]
            cursor.execute(f"create schema if not exists {schema}")
            cursor.execute(
                f"create table {schema}.{name} ({', '.join(f'{c} {kind}' for c, kind in kinds)})"
            )
            lines = io.StringIO()
            csv.writer(lines).writerows(source.execute(f"from {full}").fetchall())
            lines.seek(0)
            cursor.copy_expert(f"copy {schema}.{name} from stdin csv", lines)
