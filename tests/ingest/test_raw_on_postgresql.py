"""Raw tables on a real PostgreSQL server: the same rows, and the same source kit."""

import uuid
import zlib

import psycopg2
import pytest

from marketing_analytics.ingest.raw import places
from marketing_analytics.warehouse.postgresql import open_error
from tests.ingest.platforms.test_google_ads import TestGoogleAds as GoogleAds
from tests.ingest.platforms.test_mailchimp import TestMailchimp as Mailchimp
from tests.ingest.platforms.test_meta_ads import TestMetaAds as MetaAds
from tests.ingest.platforms.test_shop import TestShop as Shop

from .commands import call, contents, ingest, read
from .database_servers import PASSWORD, postgresql

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def server():
    with postgresql() as url:
        yield url


def new_database(server):
    """Return the address of an empty database."""
    name = f"raw_{uuid.uuid4().hex[:12]}"
    connection = psycopg2.connect(server)
    connection.autocommit = True
    connection.cursor().execute(f"create database {name}")
    connection.close()
    return server.rpartition("/")[0] + f"/{name}"


class OnPostgreSQL:
    """Puts the raw database of a source kit on the server."""

    @pytest.fixture(autouse=True)
    def _places(self, server, tmp_path, monkeypatch):
        self.server = server
        self.made = {}
        monkeypatch.chdir(tmp_path)

    def place(self, folder, name):
        if name not in self.made:
            self.made[name] = new_database(self.server)
        return self.made[name]

    def restricted(self, folder, name):
        return self.place(folder, name)

    @pytest.fixture
    def copy_of_loaded(self, shared_emulators, tmp_path):
        database = self.place(tmp_path, "loaded")
        assert self.load(database, shared_emulators.settings)[0].code == 0
        return database


class TestShopOnPostgreSQL(OnPostgreSQL, Shop):
    """The kit of the shop."""


@pytest.mark.slow
class TestMetaAdsOnPostgreSQL(OnPostgreSQL, MetaAds):
    """The kit of Meta Ads."""


@pytest.mark.slow
class TestGoogleAdsOnPostgreSQL(OnPostgreSQL, GoogleAds):
    """The kit of Google Ads."""


@pytest.mark.slow
class TestMailchimpOnPostgreSQL(OnPostgreSQL, Mailchimp):
    """The kit of Mailchimp."""


SOME = ("--source", "meta_ads", "--source", "mailchimp", "--source", "shop")


@pytest.fixture(scope="module")
def filled(server, shared_emulators, tmp_path_factory):
    """Return the address of a database with three sources."""
    return fill(server, shared_emulators.settings, tmp_path_factory.mktemp("working"), *SOME)


@pytest.fixture(scope="module")
def filled_with_all(server, shared_emulators, tmp_path_factory):
    """Return the address of a database with all sources."""
    return fill(server, shared_emulators.settings, tmp_path_factory.mktemp("working"))


def fill(server, settings, working, *sources):
    """Load sources, all when none are named; return the address of their database."""
    address = new_database(server)
    settings = settings | {"INGEST_WORKING_PATH": working}
    done = ingest("--raw-database", address, *sources, "--json", **settings)
    assert done.code == 0, done.out + done.err
    assert PASSWORD not in done.out + done.err
    assert done.json["raw_database"] == address.replace(f":{PASSWORD}", "")
    assert not [path for path in working.rglob("*") if path.is_file() and path.suffix == ".parquet"]
    return address


@pytest.mark.slow
def test_the_rows_are_those_of_a_duckdb_file(filled_with_all, everything):
    found = contents(filled_with_all)
    assert found.keys() == everything.keys()
    for table, rows in everything.items():
        assert found[table] == rows, table


LOADS = "select source, status, row_count, rejected_count, window_count from _ingest.loads"
FRESHNESS = "select source, report, account_id, campaign_id, last_row_day from _ingest.freshness"


@pytest.mark.slow
@pytest.mark.parametrize("query", [LOADS + " where finished_at is not null", FRESHNESS])
def test_loads_and_freshness_are_those_of_a_duckdb_file(filled_with_all, loaded, query):
    found = read(filled_with_all, query)
    assert sorted(found, key=repr) == sorted(read(loaded, query), key=repr)


def test_the_doctor_knows_that_it_can_be_written(filled, shared_emulators, tmp_path):
    settings = shared_emulators.settings | {"INGEST_WORKING_PATH": tmp_path}
    done = call("doctor", "--raw-database", filled, "--source", "shop", **settings)
    assert done.code == 0, done.out
    assert "can be written, nobody else does" in done.out
    assert PASSWORD not in done.out


def test_parquet_goes_in_by_adbc(filled):
    types = read(
        filled,
        "select distinct data_type from information_schema.columns where table_schema = 'meta_ads' "
        "and column_name in ('spend', 'date', '_loaded_at')",
    )
    assert {kind for (kind,) in types} == {"numeric", "date", "timestamp with time zone"}


def test_plain_values_lie_in_a_schema_that_others_may_not_use(filled):
    [(known,)] = read(filled, "select count(*) from mailchimp_restricted.persons")
    assert known > 100
    query = "select has_schema_privilege('public', ?, 'usage')"
    assert read(filled, query, "mailchimp_restricted") == [(False,)]


def test_a_second_writer_waits_and_then_gives_up(filled, shared_emulators, tmp_path):
    held = psycopg2.connect(filled)
    held.cursor().execute("select pg_advisory_lock(1)")
    settings = shared_emulators.settings | {
        "INGEST_WORKING_PATH": tmp_path,
        "INGEST_LOCK_WAIT_SECONDS": "0.5",
    }
    chosen = ("--raw-database", filled, "--source", "shop")
    assert ingest(*chosen, **settings).code == 0, "another lock is none of ours"
    held.cursor().execute("select pg_advisory_lock(%s)", [zlib.crc32(b"marketing ingest")])
    refused = ingest(*chosen, **settings)
    assert refused.code == 4
    assert "another ingestion writes postgresql://" in refused.err
    assert PASSWORD not in refused.err
    held.close()


@pytest.mark.parametrize(
    ("address", "code", "said"),
    [
        ("postgresql://postgres:hush-hush-shop@127.0.0.1:9/raw", 1, "cannot reach"),
        ("postgresql://127.0.0.1", 2, "is not whole"),
        ("postgresql://u:hush-hush-shop@127.0.0.1:port/raw", 2, "is not whole"),
        ("mysql://u:hush-hush-shop@127.0.0.1/raw", 2, "no raw database can be at a mysql address"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_in_a_sentence(
    shared_emulators, tmp_path, address, code, said
):
    settings = shared_emulators.settings | {"INGEST_WORKING_PATH": tmp_path}
    done = ingest("--raw-database", address, "--source", "shop", **settings)
    assert (done.code, PASSWORD in done.err) == (code, False), done.err
    assert said in done.err


def test_without_its_driver_nothing_is_loaded_in_another_way(
    server, shared_emulators, monkeypatch, tmp_path
):
    monkeypatch.setattr(places, "find_spec", lambda name: None)
    settings = shared_emulators.settings | {"INGEST_WORKING_PATH": tmp_path}
    address = new_database(server)
    done = ingest("--raw-database", address, "--source", "shop", "--json", **settings)
    assert done.code != 0
    [error] = done.source("shop")["errors"]
    assert error["message"] == "the package adbc-driver-postgresql is not installed"
    assert read(address, "select count(*) from shop.orders") == [(0,)]


def test_a_wrong_password_is_told_as_one():
    text = 'connection to server failed: FATAL:  password authentication failed for user "me"'
    error = open_error("postgresql://me:hush@db/raw", text)
    assert (error.hint, error.exit_code) == ("check user and password", 4)
    assert "hush" not in error.message
