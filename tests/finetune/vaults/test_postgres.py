"""Vaults in PostgreSQL, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from finetune.vaults import (
    BadRecord,
    Chunk,
    Options,
    Reach,
    Source,
    Vault,
    VaultCount,
    VaultNotAllowed,
    VaultUnreadable,
    count,
    open_vault,
)
from finetune.vaults.options import Fields
from tests.support.postgres import PASSWORD, Postgres

QUERY = "SELECT chunk_id, document_id, title, position, status, text FROM chunks ORDER BY chunk_id"
_SETUP = """
CREATE TABLE IF NOT EXISTS chunks (chunk_id text PRIMARY KEY, document_id uuid NOT NULL, title text NOT NULL,
    position int NOT NULL, status text NOT NULL, text text);
CREATE TABLE IF NOT EXISTS written (what text);
CREATE SEQUENCE IF NOT EXISTS numbers;
CREATE OR REPLACE FUNCTION write_it() RETURNS text LANGUAGE sql VOLATILE AS
    $$INSERT INTO written VALUES ('by a function'); SELECT 'done'$$;
TRUNCATE chunks, written;
"""


@pytest.fixture
def admin(database: Postgres) -> Iterator[psycopg.Connection[Any]]:
    """The database's own admin, in a database with 1005 chunks: the strongest role that a query may be run by."""
    with psycopg.connect(database.url(), autocommit=True) as connection:
        connection.execute(_SETUP)
        connection.execute(
            "INSERT INTO chunks SELECT 'c' || lpad(n::text, 5, '0'), gen_random_uuid(), 'Deed', n, "
            "CASE WHEN n % 201 = 0 THEN 'draft' ELSE 'ready' END, 'Whereas ' || n FROM generate_series(1, 1005) n"
        )
        yield connection


def vault(database: Postgres, reach: Reach, query: str = QUERY, password: str = PASSWORD, **options: Any) -> Vault:
    url = f"postgresql://postgres@127.0.0.1:{database.port}/postgres"
    source = Source(url, Options(query=query, **options), {"password": password})
    return open_vault(source, [f"postgresql://127.0.0.1:{database.port}/"], reach)


def test_rows_are_chunks(database: Postgres, admin: psycopg.Connection[Any], reach: Reach) -> None:
    made = vault(database, reach)
    assert count(made) == VaultCount(1000, 5)
    chunks = [each for each in made.chunks() if isinstance(each, Chunk)]
    assert [each.position for each in chunks] == list(range(1, 1006))
    assert chunks[0].chunk_id == "c00001"
    assert len(chunks[0].document_id) == 36


def test_numbers_as_ids_columns_of_other_names_and_json(
    database: Postgres, admin: psycopg.Connection[Any], reach: Reach
) -> None:
    query = "SELECT 7::bigint id, 8 doc, jsonb_build_object('content', 'Whereas') body UNION ALL SELECT 9, NULL, '{}'"
    fields = Fields(chunk_id="id", document_id="doc", text="body.content", title=None, position=None, status=None)
    assert list(vault(database, reach, query, fields=fields).chunks()) == [
        Chunk("7", "8", "", 0, "ready", "Whereas"),
        BadRecord("row 2", "missing_field"),
    ]
    admin.execute("UPDATE chunks SET text = NULL WHERE position = 3")
    assert BadRecord("row 3", "wrong_field") in list(vault(database, reach).chunks())


def test_it_is_one_snapshot(database: Postgres, admin: psycopg.Connection[Any], reach: Reach) -> None:
    reading = vault(database, reach).chunks()
    first = next(reading)
    admin.execute("DELETE FROM chunks WHERE position > 500")
    assert len([first, *reading]) == 1005
    assert count(vault(database, reach)).ready_chunks < 500


def test_its_session(database: Postgres, admin: psycopg.Connection[Any], reach: Reach) -> None:
    names = ["application_name", "transaction_isolation", "transaction_read_only", "statement_timeout"]
    said = " || ' ' || ".join(f"current_setting('{name}')" for name in names)
    fields = Fields(title=None, position=None, status=None)
    (chunk,) = vault(database, reach, f"SELECT 1 chunk_id, 2 document_id, {said} AS text", fields=fields).chunks()
    assert isinstance(chunk, Chunk)
    assert chunk.text == "housestyle repeatable read on 5min"


WRITES = [
    "INSERT INTO written VALUES ('x') RETURNING what",
    "WITH w AS (INSERT INTO written VALUES ('x') RETURNING what) SELECT * FROM w",
    "SELECT write_it() AS chunk_id",
    "SELECT nextval('numbers') AS chunk_id",
    "SELECT set_config('transaction_read_only', 'off', false), write_it()",
    "SELECT 1 AS chunk_id; INSERT INTO written VALUES ('x')",
    "SELECT 1 AS chunk_id; COMMIT; INSERT INTO written VALUES ('x')",
    "SELECT 1 AS chunk_id; COMMIT; SET default_transaction_read_only = off; SELECT write_it()",
    "COMMIT",
    "COPY written FROM PROGRAM 'echo x'",
    "DO $$BEGIN INSERT INTO written VALUES ('x'); END$$",
    "SELECT 'x' INTO written2",
]


@pytest.mark.parametrize("query", WRITES)
def test_nothing_can_be_written(database: Postgres, admin: psycopg.Connection[Any], reach: Reach, query: str) -> None:
    with pytest.raises(VaultUnreadable):
        count(vault(database, reach, query))
    assert admin.execute("SELECT * FROM written").fetchall() == []
    assert admin.execute("SELECT to_regclass('written2')").fetchone() == (None,)
    assert admin.execute("SELECT is_called FROM numbers").fetchone() == (False,)


def test_the_writes_would_have_been_writes(database: Postgres, admin: psycopg.Connection[Any]) -> None:
    """Else the test above proves nothing."""
    for query in WRITES[:3]:
        admin.execute(sql.SQL(query))
    assert len(admin.execute("SELECT * FROM written").fetchall()) == 3


@pytest.mark.parametrize(
    ("query", "said", "place"),
    [
        ("SELECT nonsense FROM chunks", 'column "nonsense" does not exist', "the database postgres at 127.0.0.1"),
        ("SELEC", "syntax error", "the database postgres at 127.0.0.1"),
        ("SELECT pg_sleep(60)", "canceling statement due to statement timeout", "the database postgres at 127.0.0.1"),
        ("SELECT 1 / (300 - n) AS chunk_id FROM generate_series(1, 500) n", "division by zero", "row 201"),
    ],
)
def test_what_cannot_be_read_says_where(
    database: Postgres, admin: psycopg.Connection[Any], reach: Reach, query: str, said: str, place: str
) -> None:
    with pytest.raises(VaultUnreadable, match=said) as caught:
        count(vault(database, reach, query, statement_seconds=1))
    assert caught.value.place == place


def test_a_wrong_password_is_told_and_not_shown(
    database: Postgres, reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the operator's own environment has the right one: it is not sent."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    for password in ("hunter2", ""):
        with pytest.raises(VaultUnreadable, match="password") as caught:
            count(vault(database, reach, password=password))
        assert "hunter2" not in str(caught.value)


def test_the_operators_environment_does_not_lead_elsewhere(
    database: Postgres, admin: psycopg.Connection[Any], reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PGHOSTADDR", "10.0.0.1"), ("PGPORT", "1"), ("PGOPTIONS", "-c search_path=none")):
        monkeypatch.setenv(name, value)
    assert count(vault(database, reach)).ready_chunks == 1000


def test_the_guard_stands_before_the_host(database: Postgres, outside: Reach) -> None:
    with pytest.raises(VaultNotAllowed, match=r"127\.0\.0\.1, which is not a public address"):
        count(vault(database, outside))


def test_nobody_there(reach: Reach) -> None:
    source = Source("postgresql://me@127.0.0.1:1/x", Options(query="SELECT 1"))
    with pytest.raises(VaultUnreadable, match="the database x at"):
        count(open_vault(source, ["postgresql://127.0.0.1:1/"], reach))


def test_a_query_is_needed(reach: Reach) -> None:
    with pytest.raises(VaultUnreadable, match=r"options\.query"):
        open_vault("postgresql://me@h/x", ["postgresql://h/"], reach)
