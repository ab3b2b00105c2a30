"""The OpenAPI document: complete, true, and fuzzed against the running server by schemathesis.

A bounded sample with a fixed seed; OMNI_PROOF=1 makes it the full count.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from jsonschema_rs import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import negative_data_rejection

from server.api.app import create_operator_app
from server.api.describe import description
from server.api.openapi import STATUS, UndescribedError, described_routes, document
from server.protocol import ErrorBody
from server.settings import ApiSettings
from tests.fakes.distant import Distant, new_token
from tests.fakes.running_server import Running, running_server

ROOT = Path(__file__).parents[2]
EXAMPLES = 400 if os.environ.get("OMNI_PROOF") else 12
UNMET = 987_654_321  # the number of the token that the fuzz itself uses
# Whatever text stands in their parameters fits the schema.
TAKES_ANYTHING = {
    "GET /v1/tokens",
    "POST /v1/operators/{login}/disable",
    "POST /v1/operators/{login}/enable",
    "GET /v1/channels/{channel}/ledger",
    "POST /v1/webhooks/{name}/test",
    "POST /v1/webhooks/{name}/skip",
}
ANY_METHOD = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    plenty = ApiSettings(listen="127.0.0.1:0", requests_per_second=1_000_000, request_burst=1_000_000)
    async with running_server(api=plenty) as running:
        yield running


async def fetched(run: Running) -> dict[str, Any]:
    status, data = await run.ask("GET", "/v1/openapi.json")
    assert status == 200, data
    found: dict[str, Any] = json.loads(data)
    return found


def filled(path: str) -> str:
    return re.sub(r"\{\w+\}", "1", path.replace("{login}", "olga"))


# --- complete and true ----------------------------------------------------------------------------------


async def test_every_route_is_in_the_document_and_nothing_else(run: Running) -> None:
    app = create_operator_app(run.context)
    there = {
        (route.method.lower(), route.resource.canonical)
        for route in app.router.routes()
        if route.method != "HEAD" and route.resource is not None
    }
    paths = (await fetched(run))["paths"]
    assert {(method, path) for path, methods in paths.items() for method in methods} == there
    assert len(there) >= 35


async def test_a_route_that_says_nothing_of_itself_is_noticed(run: Running) -> None:
    app = create_operator_app(run.context)

    async def silent(request: object) -> Any:
        raise AssertionError(request)

    app.router.add_get("/v1/silent", silent)
    with pytest.raises(UndescribedError, match="GET /v1/silent"):
        document(app, "1")


async def test_the_document_holds_together(run: Running) -> None:
    whole = await fetched(run)
    assert whole["openapi"] == "3.1.0"
    for name, schema in whole["components"]["schemas"].items():
        Draft202012Validator({**schema, "components": whole["components"]})
        assert schema.get("description") or schema["properties"], name
    for reference in re.findall(r'"\$ref": ?"#/components/schemas/(\w+)"', json.dumps(whole)):
        assert reference in whole["components"]["schemas"]
    ids = [one["operationId"] for methods in whole["paths"].values() for one in methods.values()]
    assert len(ids) == len(set(ids))
    for path, methods in whole["paths"].items():
        for one in methods.values():
            named = [each["name"] for each in one.get("parameters", []) if each["in"] == "path"]
            assert named == re.findall(r"\{(\w+)\}", path)
            assert one["summary"].endswith((".", "?"))
    words = set(re.findall(r"[a-z_]+", str(ErrorBody.__doc__)))
    assert set(STATUS) - {"compressed"} <= words


async def test_scopes_in_the_document_are_those_that_are_asked_for(run: Running) -> None:
    """Each route with each scope: 403 exactly where the document says so."""
    app = create_operator_app(run.context)
    paths = (await fetched(run))["paths"]
    wide = {"read": 0, "write": 1, "admin": 2}
    for reach, scope in enumerate(("read", "write", "admin")):
        who = Distant(run, (await new_token(run, "admin", scope)).token)  # type: ignore[arg-type]
        for method, path, _, one in described_routes(app):
            if path == "/v1/backup" and scope == "admin":
                continue  # makes one, and is tested elsewhere
            target = filled(path).replace("/tokens/1/", "/tokens/99/").replace("/olga/", "/nobody/")
            body: dict[str, Any] = {name: 1 for name in getattr(one.body, "__struct_fields__", ())}
            body |= {
                "login": "x",
                "name": "x",
                "text": "x",
                "client_id": "x",
                "verdict": "drop",
                "all": False,
            }
            body |= {"topic": "x", "result": "x", "channel_id": "x", "subject": None, "scope": "read"}
            body |= {
                "note": "",
                "kind": "note",
                "role": "reader",
                "uid": None,
                "file_ids": [],
                "message_ids": [],
            }
            raw = json.dumps(body).encode() if one.body is not None else None
            status, data, _ = await who.ask(method, target, raw)
            [security] = paths[path][method.lower()]["security"]
            may = all(wide[needed] <= reach for needed in security["token"])
            assert (status != 403) is may, (scope, method, target, status, data)


async def test_the_table_in_the_documentation_has_every_route(run: Running) -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    listed = {
        (method, re.sub(r"\{(?!login)\w+\}", "{id}", path))
        for method, path in re.findall(r"^\| `(GET|POST|PUT|PATCH|DELETE) ([^?`]+)[^`]*`", text, re.MULTILINE)
    }
    app = create_operator_app(run.context)
    there = {
        (method, re.sub(r"\{(?!login)\w+\}", "{id}", path)) for method, path, _, _ in described_routes(app)
    }
    assert listed == there


async def test_what_describes_is_only_words() -> None:
    async def handler(request: object) -> Any:
        return request

    assert description(handler) is None


# --- what the fuzz found --------------------------------------------------------------------------------


async def test_a_method_that_there_is_not_says_which_there_are(run: Running) -> None:
    for path, methods in (await fetched(run))["paths"].items():
        there = {method.upper() for method in methods}
        for method in ANY_METHOD - there:
            status, data, headers = await Distant(run, (await new_token(run, "admin", "admin")).token).ask(
                method, filled(path)
            )
            assert (status, json.loads(data)["error"]["code"]) == (405, "bad_request"), (method, path)
            assert there <= set(headers["Allow"].split(","))
            break  # one is enough for each


async def test_the_stream_asked_for_without_a_websocket(run: Running) -> None:
    status, data = await run.ask("GET", "/v1/events")
    problem = json.loads(data)["error"]
    assert (status, problem["code"]) == (400, "bad_request")
    assert "WebSocket" in problem["message"]


async def test_numbers_that_the_store_cannot_hold_are_named(run: Running) -> None:
    status, data = await run.ask("POST", "/v1/conversations/1/seen", b'{"seq": 9223372036854775808}')
    assert status == 400
    assert "seq" in json.loads(data)["error"]["message"]


async def test_page_keys_are_what_the_document_says(run: Running) -> None:
    for key, status in (("9" * 19, 200), ("", 200), ("9" * 20, 400), ("1.1.1", 400), ("x", 400), ("１", 400)):
        assert (await run.ask("GET", f"/v1/search?q=a&before={key}"))[0] == status, key


@pytest.mark.parametrize("body", [b"x", b"5\nabc", b"5", b"-1\n", b"9" * 11 + b"\n", b"\n", b"1\na\n"])
async def test_an_archive_that_is_none_is_refused(run: Running, body: bytes) -> None:
    status, data, _ = await Distant(run, (await new_token(run, "admin", "admin")).token).ask(
        "POST", "/v1/channels/mail/archive", body
    )
    assert (status, json.loads(data)["error"]["code"]) in ((400, "bad_request"), (413, "too_large"))


# --- the fuzz -------------------------------------------------------------------------------------------


async def test_no_request_breaks_it_and_every_answer_is_as_described(run: Running) -> None:
    for number in range(3):
        await run.hook(f"hello {number}", sender=f"buyer-{number}", key=f"order-{number}")
    await run.letters.hear("ivan@example.org", "hello")
    made = await new_token(run, "admin", "admin")
    await run.server.database.write(lambda tx: tx.run("UPDATE token SET id = ?", (UNMET,)))
    somebody = Distant(run, made.token.replace(f"omni_{made.info.id}_", f"omni_{UNMET}_"))
    whole = await fetched(run)
    # Who may is tested elsewhere; here everybody may, and the fuzz need not try to come without a token.
    for methods in whole["paths"].values():
        for one in methods.values():
            del one["security"]
    del whole["paths"]["/v1/events"]  # no HTTP
    del whole["paths"]["/v1/channels/{channel}/archive"]  # no schema tells the form of its bytes
    tried = await asyncio.to_thread(_fuzz, whole, somebody)
    print(f"{tried} requests, none of which broke it")
    assert tried >= len(whole["paths"]) * EXAMPLES
    assert run.server.trouble.text() == ""


def _fuzz(whole: dict[str, Any], somebody: Distant) -> int:
    """How many requests were made."""
    tried = 0
    for found in schemathesis.openapi.from_dict(whole).get_all_operations():
        assert isinstance(found, Ok), found.err()
        operation = found.ok()
        count = 3 if operation.path == "/v1/backup" else EXAMPLES
        modes = [GenerationMode.POSITIVE]
        if operation.label not in TAKES_ANYTHING and (operation.body or any(operation.iter_parameters())):
            modes.append(GenerationMode.NEGATIVE)
        for mode in modes:

            @seed(20261121)
            @settings(
                max_examples=count,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def judged(case: Any) -> None:
                nonlocal tried
                if _fractional(case.body):
                    return
                tried += 1
                answer = case.call(base_url=somebody.url, headers=somebody.headers)
                # "Too large" is a refusal too: schemathesis does not count it as one.
                but = [negative_data_rejection] if answer.status_code == 413 else []
                case.validate_response(answer, headers=somebody.headers, excluded_checks=but)

            try:
                judged()
            except BaseException as error:
                error.add_note(f"at {operation.label}, {mode}")
                raise
    return tried


def _fractional(value: object) -> bool:
    """A JSON schema takes 5.0 for an integer. The API does not, and nobody writes one so."""
    if isinstance(value, dict):
        return any(_fractional(one) for one in value.values())
    if isinstance(value, list):
        return any(_fractional(one) for one in value)
    return isinstance(value, float) and value.is_integer()
