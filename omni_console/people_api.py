"""What the console asks of the server about people: cards, identity, regrouping, first words, spam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar
from urllib.parse import quote

from server import protocol as wire

T = TypeVar("T")

Query = dict[str, str | int | None]


class Ask(Protocol):
    """One question, one answer. Raises RefusedError, UnreachableError."""

    async def __call__(
        self, method: str, path: str, answer: type[T], body: object = None, query: Query | None = None
    ) -> T: ...


class PeopleApi:
    """Part of `ServerClient`, which carries the questions."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    # --- the card -----------------------------------------------------------------------------------

    async def find(
        self, words: str, after: str | None = None, limit: int = 50, *, tag: str = "", segment: str = ""
    ) -> wire.CustomerPage:
        query: Query = {
            "find": words or None,
            "after": after,
            "limit": limit,
            "tag": tag or None,
            "segment": segment or None,
        }
        return await self._ask("GET", "/v1/customers", wire.CustomerPage, query=query)

    async def fields(self) -> list[wire.FieldSpec]:
        return await self._ask("GET", "/v1/fields", list[wire.FieldSpec])

    async def change(self, customer_id: int, command: wire.CardCommand) -> wire.Customer:
        return await self._ask("PATCH", f"/v1/customers/{customer_id}", wire.Customer, command)

    async def field_history(self, customer_id: int, name: str) -> list[wire.Field]:
        path = f"/v1/customers/{customer_id}/fields/{quote(name)}"
        return await self._ask("GET", path, list[wire.Field])

    async def revert_field(self, customer_id: int, name: str, to: int) -> wire.Customer:
        path = f"/v1/customers/{customer_id}/fields/{quote(name)}/revert"
        return await self._ask("POST", path, wire.Customer, query={"to": to})

    async def consent(self, customer_id: int, command: wire.ConsentCommand) -> wire.Customer:
        return await self._ask("PUT", f"/v1/customers/{customer_id}/consents", wire.Customer, command)

    async def add_address(self, customer_id: int, command: wire.AddressCommand) -> wire.Customer:
        return await self._ask("POST", f"/v1/customers/{customer_id}/addresses", wire.Customer, command)

    async def forget_address(self, customer_id: int, address_id: int) -> wire.Customer:
        """A claim only."""
        path = f"/v1/customers/{customer_id}/addresses/{address_id}"
        return await self._ask("DELETE", path, wire.Customer)

    async def link(self, customer_id: int, command: wire.LinkCommand) -> wire.Customer:
        return await self._ask("POST", f"/v1/customers/{customer_id}/links", wire.Customer, command)

    async def unlink(self, link_id: int) -> wire.LinkedPerson:
        return await self._ask("DELETE", f"/v1/links/{link_id}", wire.LinkedPerson)

    async def files(self, customer_id: int, after: str | None = None) -> wire.CustomerFiles:
        path = f"/v1/customers/{customer_id}/files"
        return await self._ask("GET", path, wire.CustomerFiles, query={"after": after})

    async def notes(self, customer_id: int, after: str | None = None) -> wire.MessagePage:
        path = f"/v1/customers/{customer_id}/notes"
        return await self._ask("GET", path, wire.MessagePage, query={"after": after})

    # --- who is whom --------------------------------------------------------------------------------

    async def suggestions(
        self, customer_id: int | None = None, after: str | None = None, limit: int = 50
    ) -> wire.SuggestionPage:
        query: Query = {"state": "open", "customer": customer_id, "after": after, "limit": limit}
        return await self._ask("GET", "/v1/identity/suggestions", wire.SuggestionPage, query=query)

    async def accept(self, suggestion_id: int) -> wire.Merged:
        return await self._ask("POST", f"/v1/identity/suggestions/{suggestion_id}/accept", wire.Merged)

    async def refuse(self, suggestion_id: int) -> wire.Suggestion:
        return await self._ask("POST", f"/v1/identity/suggestions/{suggestion_id}/refuse", wire.Suggestion)

    async def ask_again(self, suggestion_id: int) -> wire.Suggestion:
        """Take a refusal back."""
        return await self._ask("POST", f"/v1/identity/suggestions/{suggestion_id}/reopen", wire.Suggestion)

    async def merge(self, customer_id: int, command: wire.MergeCommand) -> wire.Merged:
        return await self._ask("POST", f"/v1/customers/{customer_id}/merge", wire.Merged, command)

    async def unmerge(self, merge_id: int) -> wire.Unmerged:
        return await self._ask("POST", f"/v1/merges/{merge_id}/undo", wire.Unmerged)

    async def make_code(self, conversation_id: int, command: wire.CodeCommand) -> wire.CodeMade:
        return await self._ask("POST", f"/v1/conversations/{conversation_id}/codes", wire.CodeMade, command)

    async def try_code(self, code_id: int, digits: str) -> wire.Tried:
        return await self._ask("POST", f"/v1/codes/{code_id}/try", wire.Tried, wire.TryCommand(code=digits))

    # --- conversations ------------------------------------------------------------------------------

    async def case(self, conversation_id: int, command: wire.CaseCommand) -> wire.Conversation:
        return await self._ask("PATCH", f"/v1/conversations/{conversation_id}", wire.Conversation, command)

    async def split(self, conversation_id: int, message_ids: Sequence[int], subject: str) -> wire.Regrouped:
        command = wire.SplitCommand(message_ids=list(message_ids), subject=subject)
        return await self._ask("POST", f"/v1/conversations/{conversation_id}/split", wire.Regrouped, command)

    async def join(self, conversation_id: int, other_id: int) -> wire.Regrouped:
        command = wire.JoinCommand(other_id=other_id)
        return await self._ask("POST", f"/v1/conversations/{conversation_id}/join", wire.Regrouped, command)

    async def regroupings(self, conversation_id: int) -> list[wire.Regrouping]:
        path = f"/v1/conversations/{conversation_id}/regroupings"
        return await self._ask("GET", path, list[wire.Regrouping])

    async def undo_regrouping(self, regrouping_id: int) -> wire.Regrouped:
        return await self._ask("POST", f"/v1/regroupings/{regrouping_id}/undo", wire.Regrouped)

    # --- first words, contacts by hand, spam ----------------------------------------------------------

    async def first_message(self, customer_id: int, command: wire.FirstMessage) -> wire.Message:
        return await self._ask("POST", f"/v1/customers/{customer_id}/first-message", wire.Message, command)

    async def bulk(self, command: wire.BulkMessage) -> wire.BulkDone:
        return await self._ask("POST", "/v1/bulk-messages", wire.BulkDone, command)

    async def contact(self, command: wire.HandContact) -> wire.Message:
        return await self._ask("POST", "/v1/contacts", wire.Message, command)

    async def spam(self, command: wire.SpamCommand) -> wire.SpamDone:
        return await self._ask("POST", "/v1/spam", wire.SpamDone, command)
