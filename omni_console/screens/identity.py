"""Who is whom: suggestions, merges, codes, and going on with a conversation on another channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from omni_console import errands
from omni_console.i18n import _
from omni_console.messages import Done, NeverSpoke, TakeBack
from omni_console.outgoing import new_id
from omni_console.reaching import channels_to
from omni_console.screens.choice_screen import Choice, ChoiceScreen
from omni_console.screens.form_screen import Answers, FormScreen, Question
from omni_console.server_words import said_by_server
from omni_console.widgets.card import words
from omni_console.widgets.card.entries import Deed
from server.protocol import CodeCommand, Customer, MergeCommand, Stopped, Suggestion

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen
    from omni_console.screens.identity_screen import GoTo


class Identity:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._codes: dict[int, int] = {}  # conversation -> the digits it waits for

    def commands(self) -> dict[str, Callable[[], None]]:
        return {
            "identity.open": self._inbox,
            "card.yes": lambda: self._decide(one_person=True),
            "card.no": lambda: self._decide(one_person=False),
            "customer.find": self._find,
            "customer.merge": self._merge,
            "customer.unmerge": self._unmerge,
            "customer.code": lambda: self.ask_code(None),
            "customer.code_try": self._try_code,
            "thread.continue": self._continue,
        }

    # --- going to somebody ----------------------------------------------------------------------------

    def open_customer(self, customer_id: int) -> None:
        """The newest conversation of a person; an open one before a closed one."""
        client = self._screen.client

        async def ask() -> Done | NeverSpoke:
            customer = await client.customer(customer_id)
            rows = sorted(customer.conversations, key=lambda row: (row.state == "closed", -row.last_at))
            if not rows:
                return NeverSpoke(customer)
            return Done(rows=rows[:1], open=rows[0].id)

        if not self._screen.online:
            self._screen.say(_("offline: nothing was done"), bad=True)
            return
        errands.send(self._screen, "customer", ask, lambda came: came)

    def _find(self) -> None:
        from omni_console.screens.people_screen import PeopleScreen

        screen = self._screen

        def found(person: Customer | None) -> None:
            if person is not None:
                self.open_customer(person.id)

        screen.app.push_screen(PeopleScreen(screen.client, screen.clock, _("Find a person")), found)

    def _inbox(self) -> None:
        from omni_console.screens.identity_screen import IdentityScreen

        screen = self._screen

        def closed(went: GoTo | None) -> None:
            screen.loader.load_inbox()
            if went is not None:
                self.open_customer(went.customer_id)

        screen.app.push_screen(IdentityScreen(screen.client, screen.clock), closed)

    # --- suggestions, from the card -------------------------------------------------------------------

    def _at_hand(self) -> tuple[Customer, Suggestion] | None:
        """The suggestion under the cursor of the card, else the first that it shows."""
        lines = self._screen.card.lines
        customer = lines.customer
        if customer is None:
            return None
        known = self._screen.desk.suggestions.get(customer.id, [])
        deed = lines.deed
        for one in known:
            if deed is not None and (deed.kind, deed.id) == ("suggestion", one.id):
                return customer, one
        return (customer, known[0]) if known else None

    def ask_about(self, suggestion_id: int) -> None:
        found = self._at_hand()
        if found is None or found[1].id != suggestion_id:
            return
        customer, suggestion = found
        other = suggestion.other if suggestion.one.id == customer.id else suggestion.one
        choices = [
            Choice("look", _("look at {name}").format(name=other.name)),
            Choice("no", _("two people; never ask again")),
            Choice("yes", _("one person")),
        ]

        def chosen(answer: str | None) -> None:
            if answer == "look":
                self.open_customer(other.id)
            elif answer is not None:
                self._decide(one_person=answer == "yes")

        question = f"{customer.name} ≈ {other.name}\n{words.reasons(suggestion)}"
        self._screen.app.push_screen(ChoiceScreen(question, choices), chosen)

    def _decide(self, *, one_person: bool) -> None:
        screen, found = self._screen, self._at_hand()
        if found is None:
            screen.say(_("there is nobody to decide about"))
            return
        customer, suggestion = found
        deed = Deed("suggestion", suggestion.id)
        if not screen.card.lines.shows(deed):
            screen.card.lines.select(deed)  # nobody decides about what he does not see
            return
        api, pane = screen.client.people, screen.pane
        here = [pane.conversation_id] if pane is not None else []
        names = _("{one} and {other}").format(one=suggestion.one.name, other=suggestion.other.name)
        screen.desk.suggestions[customer.id] = [
            one for one in screen.desk.suggestions.get(customer.id, []) if one.id != suggestion.id
        ]
        screen.card.changed()
        if one_person:
            said = _("{names}: one person").format(names=names)

            async def ask() -> Done:
                merged = await api.accept(suggestion.id)

                async def back() -> Done:
                    await api.unmerge(merged.merge_id)
                    await api.ask_again(suggestion.id)
                    return Done(_("{names}: two people again").format(names=names), conversations=here)

                return Done(said, conversations=here, back=TakeBack(said, back))
        else:
            said = _("{names}: two people; not asked again").format(names=names)

            async def ask() -> Done:
                await api.refuse(suggestion.id)

                async def back() -> Done:
                    await api.ask_again(suggestion.id)
                    return Done(_("{names}: open again").format(names=names), customers=[customer.id])

                return Done(said, back=TakeBack(said, back))

        screen.undoing.do("decide", ask)

    # --- merging by hand ------------------------------------------------------------------------------

    def _merge(self) -> None:
        from omni_console.screens.people_screen import PeopleScreen

        screen, customer = self._screen, self._screen.people.customer
        if customer is None:
            return
        here = [screen.pane.conversation_id] if screen.pane is not None else []

        def found(other: Customer | None) -> None:
            if other is None:
                return
            choices = [Choice("no", _("no, two people")), Choice("yes", _("yes, one person"))]
            question = _("Are {customer} and {other} one person? It can be taken back.").format(
                customer=customer.name, other=other.name
            )

            def chosen(answer: str | None) -> None:
                if answer == "yes":
                    self._do_merge(customer, other, here)

            screen.app.push_screen(ChoiceScreen(question, choices), chosen)

        title = _("Who is the same person as {customer}?").format(customer=customer.name)
        screen.app.push_screen(PeopleScreen(screen.client, screen.clock, title, without=customer.id), found)

    def _do_merge(self, customer: Customer, other: Customer, here: list[int]) -> None:
        api = self._screen.client.people
        names = _("{one} and {other}").format(one=customer.name, other=other.name)
        said = _("{names}: one person").format(names=names)

        async def ask() -> Done:
            merged = await api.merge(customer.id, MergeCommand(other_id=other.id))

            async def back() -> Done:
                await api.unmerge(merged.merge_id)
                return Done(_("{names}: two people again").format(names=names), conversations=here)

            return Done(said, conversations=here, back=TakeBack(said, back))

        self._screen.undoing.do("merge", ask)

    def _unmerge(self) -> None:
        screen, customer = self._screen, self._screen.people.customer
        if customer is None or not customer.merges:
            screen.say(_("this card was never merged with another"))
            return
        if len(customer.merges) == 1:
            self.ask_unmerge(customer, customer.merges[0].id)
            return
        choices = [Choice(str(merge.id), merge.name, screen.clock.day(merge.at)) for merge in customer.merges]

        def chosen(answer: str | None) -> None:
            if answer is not None:
                self.ask_unmerge(customer, int(answer))

        screen.app.push_screen(ChoiceScreen(_("Which one is another person?"), choices), chosen)

    def ask_unmerge(self, customer: Customer, merge_id: int) -> None:
        screen = self._screen
        merge = next((one for one in customer.merges if one.id == merge_id), None)
        if merge is None:
            return
        api, other_id = screen.client.people, customer.id
        here = [screen.pane.conversation_id] if screen.pane is not None else []
        names = _("{one} and {other}").format(one=customer.name, other=merge.name)

        def chosen(answer: str | None) -> None:
            if answer != "yes":
                return
            said = _("{names}: two people again").format(names=names)

            async def ask() -> Done:
                parted = await api.unmerge(merge_id)

                async def back() -> Done:
                    await api.merge(parted.customer_id, MergeCommand(other_id=parted.restored_id))
                    return Done(_("{names}: one person").format(names=names), conversations=here)

                return Done(said, conversations=here, customers=[other_id], back=TakeBack(said, back))

            screen.undoing.do("unmerge", ask)

        choices = [Choice("no", _("no, leave it")), Choice("yes", _("yes, two people"))]
        question = _("Make {other} a card of its own again, with what was its own?").format(other=merge.name)
        screen.app.push_screen(ChoiceScreen(question, choices), chosen)

    # --- codes ----------------------------------------------------------------------------------------

    def ask_code(self, address_id: int | None) -> None:
        """Six digits to an address. None: ask to which."""
        screen, row = self._screen, self._screen.target
        customer = screen.people.customer
        if row is None or customer is None:
            return
        offers = [
            (address, channel)
            for address in customer.addresses
            if address_id in (None, address.id)
            for channel in channels_to(address, screen.desk.channels.values())
        ]
        if not offers:
            screen.say(_("no channel here can bring a code to that address"), bad=True)
            return

        stopped = screen.desk.stopped.get(row.id, Stopped())
        until = stopped.known_until or 0
        known = until > screen.clock.now()

        def send(index: int) -> None:
            address, channel = offers[index]
            command = CodeCommand(
                kind="digits",
                channel_id=channel.id,
                address_id=address.id,
                client_id=new_id(),
                again=known,
            )

            async def ask() -> Done:
                made = await screen.client.people.make_code(row.id, command)
                self._codes[row.id] = made.id
                said = _("a code goes to {address}; ask for the six digits. Valid until {when}")
                when = screen.clock.moment(made.expires_at)
                return Done(said.format(address=address.label, when=when), conversations=[row.id])

            screen.undoing.do("code", ask, row.id)

        def choose() -> None:
            if len(offers) == 1:
                send(0)
                return
            choices = [
                Choice(str(index), address.label, said_by_server(channel.title))
                for index, (address, channel) in enumerate(offers)
            ]

            def chosen(answer: str | None) -> None:
                if answer is not None:
                    send(int(answer))

            screen.app.push_screen(ChoiceScreen(_("Where should the code go?"), choices), chosen)

        if not known:
            choose()
            return

        def consented(answer: str | None) -> None:
            if answer == "again":
                choose()

        question = _("{channel} shows who he is, until {day}. Ask him all the same?").format(
            channel=said_by_server(stopped.known_by), day=screen.clock.day(until)
        )
        choices = [Choice("no", _("no, leave it")), Choice("again", _("yes, ask him for a code"))]
        screen.app.push_screen(ChoiceScreen(question, choices), consented)

    def _try_code(self) -> None:
        screen, row = self._screen, self._screen.target
        if row is None:
            return
        code_id = self._codes.get(row.id)
        if code_id is None:
            screen.say(_("no code was asked for here; the palette has “Ask for a code”"))
            return

        def filled(answers: Answers | None) -> None:
            if answers is None:
                return

            async def ask() -> Done:
                tried = await screen.client.people.try_code(code_id, answers["code"])
                if tried.right:
                    self._codes.pop(row.id, None)
                    return Done(_("the code is right: the address is verified"), conversations=[row.id])
                said = _("the code is wrong; tries left: {n}").format(n=tried.tries_left)
                return Done(said, conversations=[row.id])

            screen.undoing.do("code", ask, row.id)

        def check(answers: Answers) -> tuple[str, str] | None:
            digits = [char for char in answers["code"] if char.isdecimal()]
            return None if len(digits) == 6 else ("code", _("a code has six digits"))

        question = Question("code", _("the code"), max_length=20)
        screen.app.push_screen(FormScreen(_("The six digits"), [question], check=check), filled)

    def _continue(self) -> None:
        screen, row = self._screen, self._screen.target
        if row is None:
            return
        customer = screen.people.customer
        others = [channel for channel in screen.desk.channels.values() if channel.id != row.channel_id]
        places = [(channel, None) for channel in others if channel.continues] + [
            # Nobody can be led to a mailbox: the link goes to the one that he named.
            (channel, address)
            for address in (customer.addresses if customer is not None else ())
            for channel in channels_to(address, others)
            if not channel.continues
        ]
        if not places:
            screen.say(_("there is no other channel to go on with"))
            return
        choices = [
            Choice(
                str(index),
                f"{channel.mark} {said_by_server(channel.title)}",
                "" if address is None else address.label,
            )
            for index, (channel, address) in enumerate(places)
        ]

        def chosen(answer: str | None) -> None:
            if answer is None:
                return
            channel, address = places[int(answer)]
            title = said_by_server(channel.title)
            command = CodeCommand(
                kind="link",
                channel_id=channel.id,
                client_id=new_id(),
                address_id=None if address is None else address.id,
            )

            async def ask() -> Done:
                made = await screen.client.people.make_code(row.id, command)
                when = screen.clock.moment(made.expires_at)
                said = _("sent: a link that leads to {channel}, valid until {when}")
                if made.message_id is None and made.url:
                    said = _("give this link: {url}").format(url=made.url)
                return Done(said.format(channel=title, when=when), conversations=[row.id])

            screen.undoing.do("continue", ask, row.id)

        question = _("Continue with {customer} in…").format(customer=row.customer)
        screen.app.push_screen(ChoiceScreen(question, choices), chosen)
