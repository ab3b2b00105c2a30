"""What is done to the card of the person in the active pane: fields, addresses, findings, links."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from omni_console.cleaning import clean_line
from omni_console.i18n import _
from omni_console.messages import Done, TakeBack
from omni_console.screens.choice_screen import Choice, ChoiceScreen
from omni_console.screens.form_screen import Answers, FormScreen, Question
from omni_console.server_words import said_by_server
from omni_console.widgets.card import words
from omni_console.widgets.card.entries import Deed
from server.protocol import (
    Address,
    AddressCommand,
    CardCommand,
    ConsentCommand,
    Customer,
    Field,
    FieldSpec,
    Finding,
    LinkCommand,
)

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen

# Fields of the card itself: what the line edits, and how long it may be.
OWN_LINES = {"name": 200, "language": 35, "time_zone": 64}


class People:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen

    def commands(self) -> dict[str, Callable[[], None]]:
        return {
            "card.act": self._act,
            "card.fill": self._fill,
            "card.history": self._history,
            "finding.add": self._add_finding,
        }

    @property
    def customer(self) -> Customer | None:
        """Of the active pane; of the row under the cursor while the list has the focus."""
        row = self._screen.target
        return None if row is None else self._screen.desk.customers.get(row.customer_id)

    def _do(self, ask: Callable[[], Awaitable[Done]]) -> None:
        self._screen.undoing.do("card", ask)

    # --- the line under the cursor --------------------------------------------------------------------

    def _act(self) -> None:
        deed, customer = self._screen.card.lines.deed, self._screen.card.lines.customer
        if deed is None or customer is None:
            return
        acts: dict[str, Callable[[], None]] = {
            "name": lambda: self._edit_own(customer, "name", customer.name),
            "language": lambda: self._edit_own(customer, "language", customer.language),
            "time_zone": lambda: self._edit_own(customer, "time_zone", customer.time_zone),
            "preferred": lambda: self._prefer(customer),
            "field": lambda: self.edit_field(customer, deed.name),
            "tags": lambda: self._edit_tags(customer),
            "consent": lambda: self._turn_consent(customer, deed),
            "address": lambda: self._address(customer, deed),
            "finding": self._add_finding,
            "suggestion": lambda: self._screen.identity.ask_about(deed.id),
            "record": lambda: self._record(customer, deed),
            "score": lambda: self._screen.browsing.open(int(deed.name)),
            "promise": lambda: self._screen.browsing.open(deed.id),
            "case": lambda: self._screen.browsing.open(deed.id),
            "link": lambda: self._screen.identity.open_customer(deed.id),
            "merge": lambda: self._screen.identity.ask_unmerge(customer, deed.id),
            "files": lambda: self._screen.action_do("files.open"),
            "notes": lambda: self._screen.action_do("notes.open"),
            "origin": lambda: self._screen.say(clean_line(deed.name) or _("the page is not known")),
        }
        acts[deed.kind]()

    def _edit(self, label: str, value: str, kept: Callable[[str], None], *, max_length: int = 4000) -> None:
        self._screen.card.edit(label, value, kept, max_length=max_length)
        self._screen.say(_("enter keeps it · esc leaves it as it was"))

    # --- fields ---------------------------------------------------------------------------------------

    def _edit_own(self, customer: Customer, name: str, value: str) -> None:
        label = words.field_title(self._screen.desk.fields.get(name), name)

        def kept(text: str) -> None:
            if text == value or (name == "name" and not text):
                return
            self._change(
                customer, _own(name, text), _own(name, value), _("{field} is changed").format(field=label)
            )

        self._edit(label, value, kept, max_length=OWN_LINES[name])

    def _change(self, customer: Customer, command: CardCommand, before: CardCommand, said: str) -> None:
        api, key = self._screen.client.people, customer.id

        async def back() -> Done:
            return Done(_("as it was before"), card=await api.change(key, before))

        async def ask() -> Done:
            return Done(said, card=await api.change(key, command), back=TakeBack(said, back))

        self._do(ask)

    def edit_field(self, customer: Customer, name: str) -> None:
        spec = self._screen.desk.fields.get(name)
        value = next((field.value or "" for field in customer.fields if field.name == name), "")
        title = words.field_title(spec, name)

        def kept(text: str) -> None:
            if text == value:
                return
            said = (
                _("{field} is changed").format(field=title)
                if text
                else _("{field} is removed").format(field=title)
            )
            self._change(customer, CardCommand(fields={name: text}), CardCommand(fields={name: value}), said)

        choices = _choices_of(spec)
        if not choices:
            self._edit(title, value, kept)
            return
        if value:
            choices.append(Choice("", _("remove it")))

        def chosen(answer: str | None) -> None:
            if answer is not None:
                kept(answer)

        self._screen.app.push_screen(ChoiceScreen(title, choices), chosen)

    def _edit_tags(self, customer: Customer) -> None:
        def kept(text: str) -> None:
            tags = [tag.lstrip("#") for tag in text.replace(",", " ").split() if tag.strip("#")]
            if tags != customer.tags:
                before = CardCommand(tags=customer.tags)
                self._change(customer, CardCommand(tags=tags), before, _("tags are changed"))

        self._edit(_("tags"), " ".join(customer.tags), kept)

    def _prefer(self, customer: Customer) -> None:
        channels = self._screen.desk.channels.values()
        ways = self._screen.desk.ways.get(self._screen.card.lines.conversation_id, [])
        reached = {way.channel_id for way in ways}
        choices = [
            Choice(channel.id, said_by_server(channel.title))
            for channel in channels
            if channel.id in reached or not reached
        ]
        stated = customer.preferred is not None and customer.preferred.stated
        if stated:
            choices.append(Choice("", _("never said; go by where the customer writes")))
        before = customer.preferred.channel_id if stated and customer.preferred else ""

        def chosen(answer: str | None) -> None:
            if answer is not None and answer != before:
                said = _("noted: answers are wanted there")
                command = CardCommand(preferred_channel=answer)
                self._change(customer, command, CardCommand(preferred_channel=before), said)

        self._screen.app.push_screen(
            ChoiceScreen(_("Where does the customer want answers?"), choices), chosen
        )

    def _history(self) -> None:
        """Earlier values of the field under the cursor."""
        deed, customer = self._screen.card.lines.deed, self._screen.card.lines.customer
        names = {"field": deed.name, "name": "name", "language": "language"} if deed else {}
        names |= {"time_zone": "time_zone", "preferred": "preferred_channel"}
        if deed is None or customer is None or deed.kind not in names:
            self._screen.say(_("only fields have earlier values"))
            return
        screen, api, key, name = self._screen, self._screen.client.people, customer.id, names[deed.kind]

        def show(history: list[Field]) -> None:
            clock = screen.clock
            choices = [
                Choice(
                    str(field.id),
                    field.value if field.value is not None else _("(removed)"),
                    f"{words.known_from(field)} {clock.moment(field.at)}",
                )
                for field in history[:20]
            ]

            def chosen(answer: str | None) -> None:
                if answer is None or answer == str(history[0].id):
                    return

                async def ask() -> Done:
                    return Done(_("as it was before"), card=await api.revert_field(key, name, int(answer)))

                self._do(ask)

            if choices:
                title = words.field_title(screen.desk.fields.get(name), name)
                screen.app.push_screen(
                    ChoiceScreen(_("{field}: how it was").format(field=title), choices), chosen
                )

        async def ask() -> Done:
            history = await api.field_history(key, name)
            screen.call_later(show, history)
            return Done("" if history else _("there is nothing earlier"))

        self._do(ask)

    # --- what the card lacks --------------------------------------------------------------------------

    def _fill(self) -> None:
        customer = self._screen.card.lines.customer
        if customer is None:
            return
        fields = self._screen.desk.fields
        have = {field.name for field in customer.fields if field.value is not None}
        choices = [
            Choice(f"field {name}", spec.title or name)
            for name, spec in fields.items()
            if spec.own and name not in have
        ]
        choices += [
            Choice("tags", _("tags")),
            Choice("language", _("language")),
            *([Choice("time_zone", _("time zone"))] if "time_zone" in fields else []),  # it may be hidden
            Choice("preferred", _("where answers are wanted")),
            Choice("address", _("an e-mail or a phone")),
            Choice("consent", _("a consent")),
            Choice("link", _("a related person")),
        ]

        def chosen(answer: str | None) -> None:
            if answer is None:
                return
            if answer.startswith("field "):
                self.edit_field(customer, answer.removeprefix("field "))
                return
            {
                "tags": lambda: self._edit_tags(customer),
                "language": lambda: self._edit_own(customer, "language", customer.language),
                "time_zone": lambda: self._edit_own(customer, "time_zone", customer.time_zone),
                "preferred": lambda: self._prefer(customer),
                "address": lambda: self._new_address(customer),
                "consent": lambda: self._new_consent(customer),
                "link": lambda: self._link(customer),
            }[answer]()

        self._screen.app.push_screen(ChoiceScreen(_("What do you know of the customer?"), choices), chosen)

    def _new_consent(self, customer: Customer) -> None:
        choices = [
            Choice(f"{purpose} {answer}", label)
            for purpose, answer, label in (
                ("marketing", "yes", _("marketing: yes")),
                ("marketing", "no", _("marketing: no")),
                ("service", "yes", _("service messages: yes")),
                ("service", "no", _("service messages: no")),
            )
        ]

        def chosen(answer: str | None) -> None:
            if answer is not None:
                purpose, _space, yes = answer.partition(" ")
                self._consent(customer, ConsentCommand(purpose=purpose, granted=yes == "yes"))

        self._screen.app.push_screen(
            ChoiceScreen(_("What the customer said, for all channels"), choices), chosen
        )

    def _turn_consent(self, customer: Customer, deed: Deed) -> None:
        purpose, _line, scheme = deed.name.partition("\n")
        granted = any(
            one.granted for one in customer.consents if (one.purpose, one.scheme) == (purpose, scheme)
        )
        self._consent(
            customer, ConsentCommand(purpose=purpose, scheme=scheme, granted=not granted), turned=True
        )

    def _consent(self, customer: Customer, command: ConsentCommand, *, turned: bool = False) -> None:
        api, key = self._screen.client.people, customer.id
        said = _("consent is noted") if command.granted else _("refusal is noted")
        other = ConsentCommand(purpose=command.purpose, scheme=command.scheme, granted=not command.granted)

        async def back() -> Done:
            return Done(_("as it was before"), card=await api.consent(key, other))

        async def ask() -> Done:
            card = await api.consent(key, command)
            return Done(said, card=card, back=TakeBack(said, back) if turned else None)

        self._do(ask)

    # --- addresses ------------------------------------------------------------------------------------

    def _add_finding(self) -> None:
        customer, deed = self.customer, self._screen.card.lines.deed
        if customer is None or not customer.findings:
            self._screen.say(_("no new phone or e-mail was found in the messages"))
            return
        found: Finding = customer.findings[0]
        if deed is not None and deed.kind == "finding" and self._screen.focused is self._screen.card.lines:
            found = next(
                (
                    one
                    for one in customer.findings
                    if (one.message_id, one.external_id) == (deed.id, deed.name)
                ),
                found,
            )
        command = AddressCommand(
            scheme=found.scheme, external_id=found.external_id, message_id=found.message_id
        )
        self._add_address(customer, command)

    def _add_address(self, customer: Customer, command: AddressCommand) -> None:
        api, key = self._screen.client.people, customer.id
        said = _("{address} is on the card, as a claim").format(address=command.external_id)
        if command.vouched:
            said = _("{address} is on the card; you vouch for it").format(address=command.external_id)
        known = {address.id for address in customer.addresses}

        async def ask() -> Done:
            card = await api.add_address(key, command)
            added = [one for one in card.addresses if one.id not in known and not one.verified]

            async def back() -> Done:
                gone = await api.forget_address(key, added[0].id)
                return Done(_("{address} is forgotten").format(address=added[0].label), card=gone)

            return Done(said, card=card, back=TakeBack(said, back) if added else None)

        self._do(ask)

    def _new_address(self, customer: Customer) -> None:
        def filled(answers: Answers | None) -> None:
            if answers is None or not answers["address"]:
                return
            text = answers["address"]
            scheme = "email" if "@" in text else "phone"
            self._vouch(customer, AddressCommand(scheme=scheme, external_id=text))

        questions = [Question("address", _("address"), max_length=320)]
        self._screen.app.push_screen(FormScreen(_("An e-mail or a phone"), questions), filled)

    def _vouch(self, customer: Customer, command: AddressCommand) -> None:
        choices = [
            Choice("claim", _("somebody said so: a claim"), _("not written to")),
            Choice("vouch", _("I know that it is the customer's"), _("replies may go there")),
        ]

        def chosen(answer: str | None) -> None:
            if answer is not None:
                whole = AddressCommand(
                    scheme=command.scheme,
                    external_id=command.external_id,
                    message_id=command.message_id,
                    vouched=answer == "vouch",
                )
                self._add_address(customer, whole)

        question = _("How do you know {address}?").format(address=command.external_id)
        self._screen.app.push_screen(ChoiceScreen(question, choices), chosen)

    def _address(self, customer: Customer, deed: Deed) -> None:
        address = next((one for one in customer.addresses if one.id == deed.id), None)
        if address is None:
            return
        if address.verified:
            self._screen.say(f"{address.label}: {words.proof(address)}")
            return
        choices = [
            Choice("code", _("ask for a code"), _("who tells it owns the address")),
            Choice("vouch", _("I know that it is the customer's"), _("replies may go there")),
            Choice("forget", _("forget it")),
        ]

        def chosen(answer: str | None) -> None:
            if answer == "code":
                self._screen.identity.ask_code(address.id)
            elif answer == "vouch":
                command = AddressCommand(scheme=address.scheme, external_id=address.external_id, vouched=True)
                self._add_address(customer, command)
            elif answer == "forget":
                self._forget(customer, address)

        self._screen.app.push_screen(ChoiceScreen(address.label, choices), chosen)

    def _forget(self, customer: Customer, address: Address) -> None:
        api, key = self._screen.client.people, customer.id
        said = _("{address} is forgotten").format(address=address.label)
        again = AddressCommand(scheme=address.scheme, external_id=address.external_id)

        async def back() -> Done:
            return Done(_("as it was before"), card=await api.add_address(key, again))

        async def ask() -> Done:
            return Done(said, card=await api.forget_address(key, address.id), back=TakeBack(said, back))

        self._do(ask)

    # --- others ---------------------------------------------------------------------------------------

    def _link(self, customer: Customer) -> None:
        from omni_console.screens.people_screen import PeopleScreen

        screen, api, key = self._screen, self._screen.client.people, customer.id

        def found(other: Customer | None) -> None:
            if other is None or other.id == key:
                return

            def filled(answers: Answers | None) -> None:
                relation = answers["relation"] if answers is not None else ""
                if not relation:
                    return

                async def ask() -> Done:
                    command = LinkCommand(customer_id=other.id, relation=relation)
                    return Done(_("noted: they belong together"), card=await api.link(key, command))

                self._do(ask)

            question = Question("relation", _("who that is"), max_length=100)
            foot = _("wife, assistant, same company…")
            title = _("{other} and {customer}").format(other=other.name, customer=customer.name)
            screen.app.push_screen(FormScreen(title, [question], foot=foot), filled)

        title = _("Who belongs together with {customer}?").format(customer=customer.name)
        screen.app.push_screen(PeopleScreen(screen.client, screen.clock, title, without=key), found)

    def _record(self, customer: Customer, deed: Deed) -> None:
        record = next((one for one in customer.records if one.id == deed.id), None)
        if record is None:
            return
        parts = [record.title, record.state, words.money(record.amount, record.currency)]
        parts += [f"{name}: {value}" for name, value in record.details.items()]
        parts.append(record.url)
        self._screen.say(f"{record.external_id} · " + " · ".join(part for part in parts if part))


def _own(name: str, value: str) -> CardCommand:
    if name == "name":
        return CardCommand(name=value)
    return CardCommand(language=value) if name == "language" else CardCommand(time_zone=value)


def _choices_of(spec: FieldSpec | None) -> list[Choice]:
    if spec is None:
        return []
    if spec.kind == "flag":
        return [Choice("yes", _("yes")), Choice("no", _("no"))]
    return [Choice(value, value) for value in spec.choices] if spec.kind == "choice" else []
