"""Raw rows tell of persons by keyed pseudonyms alone; plain values are kept apart."""

import hashlib
import hmac
import stat

import pyarrow as pa
import pytest

from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.engine.persons import Key, domain_of, key_of, replaced
from marketing_analytics.ingest.engine.tables import Table
from marketing_analytics.ingest.platforms import load_source, source_names

from .commands import contents, ingest, read, reading

KEY = Key(3, b"a secret of the tests")
MEMBERS = Table(
    "members",
    {"member_id": "text", "email": "text", "phone": "text", "first_name": "text", "city": "text"},
    key=("member_id",),
    personal={"email": "email", "phone": "phone", "first_name": "name"},
    domains={"email_domain": "email"},
)


def test_a_pseudonym_is_a_keyed_hash_of_kind_and_value():
    digest = hmac.new(b"a secret of the tests", b"email:ann@example.com", hashlib.sha256)
    assert KEY.pseudonym("email", " Ann@Example.com ") == f"3-{digest.hexdigest()[:32]}"
    assert KEY.pseudonym("phone", "+1 (555) 010-99") == KEY.pseudonym("phone", "155501099")
    assert KEY.pseudonym("customer", "7") != KEY.pseudonym("device", "7")
    assert KEY.pseudonym("email", " ") is None
    assert KEY.pseudonym("phone", "none") is None


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        (" Ann@Shop.Example ", "shop.example"),
        ('"a@b"@x.org', "x.org"),
        ("ann", None),
        ("ann@", None),
        ("", None),
        (None, None),
    ],
)
def test_a_domain_is_what_stands_behind_the_last_at(address, domain):
    assert domain_of(address) == domain


def test_rows_are_stored_without_persons_and_persons_without_rows():
    rows = pa.table(
        {
            "member_id": ["1", "2", "3"],
            "email": ["Ann@x.org", "ann@x.org", None],
            "phone": ["1-2", None, None],
            "first_name": ["Ann", "Anna", "Bob"],
            "city": ["Oslo", "Rome", "Bonn"],
        }
    )
    stored, persons = replaced(MEMBERS, rows, KEY)
    ann, phone = KEY.pseudonym("email", "ann@x.org"), KEY.pseudonym("phone", "12")
    assert stored.column_names == list(MEMBERS.stored.columns)
    assert stored.to_pydict() == {
        "member_id": ["1", "2", "3"],
        "email_key": [ann, ann, None],
        "phone_key": [phone, None, None],
        "city": ["Oslo", "Rome", "Bonn"],
        "email_domain": ["x.org", "x.org", None],
    }
    found = {(row["person_key"], row["kind"]): row["value"] for row in persons.to_pylist()}
    assert found == {
        (ann, "email"): "ann@x.org",
        (phone, "phone"): "1-2",
        (ann, "first_name"): "Anna",
        ("members 3", "first_name"): "Bob",
    }


@pytest.mark.parametrize("text", ["swordfish", "1:short", "one:" + "s" * 40, ":" + "s" * 40])
def test_a_key_that_is_none_is_refused_and_not_shown(text):
    with pytest.raises(UserError) as refused:
        key_of({"MARKETING_PSEUDONYM_KEY": text})
    assert text not in refused.value.message
    assert "openssl rand -hex 32" in refused.value.hint


@pytest.mark.system
def test_no_raw_table_holds_an_address_and_every_address_can_be_looked_up(loaded):
    text_columns = read(
        loaded,
        "select table_schema, table_name, column_name from information_schema.columns "
        "where data_type = 'VARCHAR' and table_schema <> '_ingest' and table_name not like '_dlt%'",
    )
    assert len(text_columns) > 50
    by_table = {}
    for schema, table, column in text_columns:
        by_table.setdefault(f"{schema}.{table}", []).append(f'"{column}"')
    with reading(loaded) as rows:
        for table, columns in by_table.items():
            text = f"concat_ws(' ', {', '.join(columns)})"
            assert rows(f"select {text} from {table} where {text} like '%@%.%' limit 1") == []
    restricted = loaded.with_name("raw_restricted.duckdb")
    mailed = {key for (key,) in read(loaded, "select distinct email_key from mailchimp.sent_to")}
    known = read(restricted, "select person_key, value from mailchimp_restricted.persons")
    assert mailed <= {key for key, value in known if "@" in value}
    assert stat.S_IMODE(restricted.stat().st_mode) == 0o600


@pytest.mark.system
def test_the_shop_and_the_mailings_know_a_person_by_the_same_pseudonym(loaded):
    query = "select count(distinct email_key) from shop.customers"
    [(joined,)] = read(loaded, f"{query} join mailchimp.sent_to using (email_key)")
    assert joined > 50


@pytest.mark.system
def test_persons_that_are_known_are_not_loaded_again(copy_of_loaded, loaded, shared_emulators):
    restricted = copy_of_loaded.with_name("raw_restricted.duckdb")
    restricted.write_bytes(loaded.with_name("raw_restricted.duckdb").read_bytes())
    persons = "select * from shop_restricted.persons order by all"
    before = read(restricted, persons)
    assert before
    chosen = ("--raw-database", copy_of_loaded, "--source", "shop", "--json")
    assert ingest(*chosen, **shared_emulators.settings).code == 0
    # their load and its time too
    assert read(restricted, persons) == before


@pytest.mark.system
def test_a_key_is_asked_for_by_every_source_with_persons(shared_emulators, tmp_path):
    settings = shared_emulators.settings | {"MARKETING_PSEUDONYM_KEY": ""}
    with_persons = {name for name in source_names() if load_source(name).has_persons}
    assert with_persons >= {"ga4", "mailchimp", "shop"}
    done = ingest("--raw-database", tmp_path / "raw.duckdb", "--source", "shop", **settings)
    assert done.code == 2
    assert "MARKETING_PSEUDONYM_KEY is not set (needed by shop)" in done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.system
def test_the_key_may_stand_in_a_file(shared_emulators, tmp_path):
    (tmp_path / "key").write_text(shared_emulators.settings["MARKETING_PSEUDONYM_KEY"] + "\n")
    settings = shared_emulators.settings | {
        "MARKETING_PSEUDONYM_KEY": "",
        "MARKETING_PSEUDONYM_KEY_FILE": tmp_path / "key",
    }
    chosen = ("--raw-database", tmp_path / "raw.duckdb", "--source", "shop")
    assert ingest(*chosen, **settings).code == 0
    gone = ingest(*chosen, **settings | {"MARKETING_PSEUDONYM_KEY_FILE": tmp_path / "gone"})
    assert gone.code == 2
    assert "cannot read MARKETING_PSEUDONYM_KEY_FILE" in gone.err


@pytest.mark.system
def test_another_key_is_refused_before_anything_is_read(shared_emulators, copy_of_loaded):
    key = {"MARKETING_PSEUDONYM_KEY": "1:another secret of the tests"}
    before = contents(copy_of_loaded)
    chosen = ("--raw-database", copy_of_loaded, "--source", "shop")
    done = ingest(*chosen, **shared_emulators.settings | key)
    assert done.code == 2
    assert "not with the key 1 that is given" in done.err
    assert contents(copy_of_loaded) == before
