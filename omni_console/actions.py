"""Every action of the console, once. Keys, palette, help and docs/keys.md are made from this table.

A key is written as Textual names it; "j,down" are two. In browse mode letters work on a Russian keyboard
layout too (keymap.py adds the twins), so no action needs a Cyrillic key here.
"""

# ruff: noqa: E501 - a table reads best with one action on a line
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from omni_console.i18n import N_

# Where a key works. browse: a list, a history or the card has the focus; list: only the conversation
# list; panes: the list or a history; card: only the card; compose: the editor has the focus; anywhere: all.
Where = Literal["anywhere", "browse", "panes", "list", "card", "compose"]

# What a command of the `:` line is given. The last one takes the rest of the line.
#   operator  a colleague's login or name         moment    "2h", "tomorrow 9:00"
#   tags      "refund -vip": put on, take away    template  a short code
#   words     whatever one writes                 topic     one word, or several in "quotes"
#   view, priority, presence, spam                one of a few words
Takes = Literal[
    "operator", "tags", "moment", "view", "topic", "words", "template", "priority", "presence", "spam"
]

ARGUMENT_WORDS: Mapping[Takes, str] = {
    "operator": N_("COLLEAGUE"),
    "tags": N_("TAG -TAG…"),
    "moment": N_("UNTIL"),
    "view": N_("VIEW"),
    "topic": N_("TOPIC"),
    "words": N_("WORDS…"),
    "template": N_("CODE"),
    "priority": N_("PRIORITY"),
    "presence": N_("STATE"),
    "spam": N_("bar|mark|back"),
}


WHERE_TITLES: Mapping[Where, str] = {
    "anywhere": N_("Anywhere"),
    "browse": N_("Reading (browse mode)"),
    "panes": N_("In the list and in a history"),
    "list": N_("In the list"),
    "card": N_("In the customer card"),
    "compose": N_("Writing (compose mode)"),
}


class Action(msgspec.Struct, frozen=True):
    """`hint` above 0: shown in the bottom line, lowest first; `hint_label` is its short name there.

    No keys: it is done by its name, from the palette or the command line. `name` is the short name on the
    command line, where the last part of the id is not it; `takes` is what may follow there: with nothing
    behind it a command asks as its key does.
    """

    id: str
    keys: str
    where: Where
    label: str
    help: str
    hint: int = 0
    hint_label: str = ""
    argument: str = ""  # the id without it is what is carried out
    name: str = ""
    takes: tuple[Takes, ...] = ()


def _slots() -> tuple[Action, ...]:
    found: list[Action] = []
    for number in range(1, 8):
        label = N_("Go to a numbered conversation")
        text = N_("Your conversations keep their numbers 1 to 7 while you hold them")
        found.append(Action(f"slot.{number}", f"alt+{number}", "anywhere", label, text, argument=str(number)))
        found.append(
            Action(f"slot.{number}.browse", f"{number}", "browse", label, text, argument=str(number))
        )
    return tuple(found)


ACTIONS: tuple[Action, ...] = (
    # moving
    Action("row.next", "j,down", "browse", N_("Down"), N_("The next row of a list, the next line of a history")),
    Action("row.prev", "k,up", "browse", N_("Up"), N_("The previous row or line")),
    Action("page.half_down", "ctrl+d,pagedown", "browse", N_("Half a page down"), N_("Half a page down")),
    Action("page.half_up", "ctrl+u,pageup", "browse", N_("Half a page up"), N_("Half a page up")),
    Action("list.top", "g,home", "browse", N_("To the beginning"), N_("To the first row, or the oldest loaded message")),
    Action("list.bottom", "G,end", "browse", N_("To the end"), N_("To the last loaded row, or the newest message")),
    Action("thread.next", "J", "browse", N_("Next conversation"), N_("Open the next row of the list in this pane")),
    Action("thread.prev", "K", "browse", N_("Previous conversation"), N_("Open the previous row of the list in this pane")),
    Action("thread.open", "enter,l", "list", N_("Open"), N_("Open the conversation in the active pane"), 1, N_("open it"), name="open"),
    Action("case.prev", "{", "browse", N_("Earlier case"), N_("In a history: to the beginning of the conversation above")),
    Action("case.next", "}", "browse", N_("Later case"), N_("To the beginning of the conversation below, then to the end")),
    Action("thread.last", "ctrl+t", "anywhere", N_("Back and forth"), N_("The conversation you were in before; again: back"), name="back"),
    Action("thread.last.browse", "`", "browse", N_("Back and forth"), N_("The same with one key")),
    # attention
    Action("attention.next", "alt+a", "anywhere", N_("Where you are needed next"), N_("Unread first, then whoever waits longest; yours before the queue"), 2, N_("next"), name="next"),
    Action("attention.next.browse", "w", "browse", N_("Where you are needed next"), N_("The same with one key")),
    Action("attention.prev", "W", "browse", N_("The other way round"), N_("The same, backwards")),
    Action("next.take", "b", "browse", N_("Take the most urgent"), N_("Yours or from the queue, where it is taken; not the one you look at"), 11, N_("most urgent"), name="take_next"),
    Action("next.why", "B", "browse", N_("Why this one"), N_("How urgent this conversation is: deadline, waiting time, closing window, priority, own")),
    *_slots(),
    # views and panes
    Action("view.prev", "[", "browse", N_("Previous view"), N_("mine, queue, waiting, all, closed, spam, then the saved ones")),
    Action("view.next", "]", "browse", N_("Next view"), N_("mine, queue, waiting, all, closed, spam, then the saved ones"), 9, N_("view")),
    Action("pane.next", "tab", "anywhere", N_("Next pane"), N_("The focus goes from the list through the panes; behind @ in a note it completes a colleague's login")),
    Action("pane.prev", "shift+tab", "anywhere", N_("Previous pane"), N_("The focus goes back")),
    Action("pane.left", "alt+left", "anywhere", N_("To the left"), N_("The focus goes to the pane at the left, then to the list; where panes are hidden, to the one before")),
    Action("pane.right", "alt+right", "anywhere", N_("To the right"), N_("The focus goes to the pane at the right, then to the card; where panes are hidden, to the next one")),
    Action("pane.up", "alt+up", "anywhere", N_("Upwards"), N_("The focus goes to the pane above")),
    Action("pane.down", "alt+down", "anywhere", N_("Downwards"), N_("The focus goes to the pane below")),
    Action("pane.split_right", "|", "browse", N_("Split to the right"), N_("Another conversation beside this one, up to six"), name="vsplit"),
    Action("pane.split_down", "-", "browse", N_("Split downwards"), N_("Another conversation below this one, up to six"), name="split"),
    Action("pane.grow", "+", "panes", N_("Larger"), N_("The pane takes from its neighbours; with the focus in the list, the list does")),
    Action("pane.shrink", "_", "panes", N_("Smaller"), N_("The pane gives to its neighbours; with the focus in the list, the list does")),
    Action("pane.equal", "=", "panes", N_("Equal panes"), N_("Every pane as large as the others, the list as it was")),
    Action("pane.zoom", "alt+z", "anywhere", N_("Zoom"), N_("This pane alone; again: as before")),
    Action("pane.zoom.browse", "z", "browse", N_("Zoom"), N_("The same with one key")),
    Action("layout.open", "Z", "browse", N_("Layouts"), N_("Panes, sizes and conversations as they were: open one, keep the present one by name"), name="layout"),
    Action("pane.close", "q", "browse", N_("Close the pane"), N_("Its draft stays; the last one goes back to the list, and nothing ends the program")),
    # writing
    Action("reply.start", "r", "browse", N_("Reply"), N_("Write to the customer"), 3, N_("reply"), name="reply", takes=("words",)),
    Action("reply.all", "R", "browse", N_("Reply to all"), N_("To the customer, and to whom the latest letter names; never to strangers"), name="reply_all"),
    Action("compose.recipients", "alt+r", "anywhere", N_("Recipients"), N_("To, Cc and Bcc of the reply, where the channel has such"), 7, N_("recipients")),
    Action("compose.attach", "alt+t", "anywhere", N_("Attach a file"), N_("A file of yours goes along with the reply; again: another one, or without it")),
    Action("message.forward", "f", "browse", N_("Forward"), N_("The marked or newest message goes to somebody else; his answers get a conversation of their own")),
    Action("note.start", "m", "browse", N_("Private note"), N_("Write for colleagues only"), 4, N_("note"), name="note", takes=("words",)),
    Action("compose.way", "alt+w", "anywhere", N_("Another way"), N_("Reply by the customer's next channel or address"), 5, N_("another way")),
    Action("compose.send", "ctrl+j,ctrl+enter", "compose", N_("Send"), N_("Send the reply, or keep the note"), 1, N_("send"), name="send"),
    Action("compose.send_next", "alt+j", "compose", N_("Send, then next"), N_("Send, and go where you are needed next"), 2, N_("send, next")),
    Action("compose.schedule", "alt+s", "compose", N_("Send later"), N_("At a time: 2h, tomorrow 9:00, mon 10:00; it comes back if the customer writes before"), name="later"),
    Action("compose.spell", "f7", "compose", N_("Spelling"), N_("Words that your speller does not know are underlined; console.toml names it")),
    Action("compose.editor", "alt+e", "compose", N_("Your own editor"), N_("The text in $VISUAL or $EDITOR"), name="editor"),
    Action("reply.quote", '"', "browse", N_("Quote"), N_("Reply with the marked or newest message quoted"), name="quote"),
    Action("send.undo", "alt+u", "anywhere", N_("Do not send it"), N_("The reply that was sent last comes back as a draft, as long as it is held"), name="unsend"),
    Action("template.insert", "alt+c", "anywhere", N_("Template"), N_("A text kept ready: behind its code (;code, then tab or this key) it is put in, else the list opens"), name="template", takes=("template",)),
    Action("compose.kind", "alt+m", "compose", N_("Reply or note"), N_("Turn the reply into a note, and back"), 4, N_("note")),
    Action("compose.leave", "escape", "compose", N_("Stop writing"), N_("The draft stays"), 6, N_("leave, draft stays")),
    # the case
    Action("thread.claim", "a", "browse", N_("Take"), N_("The conversation becomes yours"), 5, N_("take")),
    Action("thread.assign", "A", "browse", N_("Assign"), N_("Give the conversation to a colleague"), takes=("operator", "words")),
    Action("thread.share", "ampersand", "browse", N_("Share with…"), N_("A collaborator of another department sees this conversation, and nothing else; again: no more")),
    Action("thread.decline", "N", "browse", N_("Decline"), N_("Not mine: what was just handed over goes back to who had it"), takes=("words",)),
    Action("thread.release", "x", "browse", N_("Give back"), N_("Back to the queue")),
    Action("thread.close", "e", "browse", N_("Close"), N_("Close the case; asks for topic and result"), 6, N_("close"), name="close", takes=("topic", "words")),
    Action("thread.reopen", "E", "browse", N_("Reopen, wake"), N_("Open a closed case again, or end a snooze before its time")),
    Action("thread.snooze", "s", "browse", N_("Snooze"), N_("Away until a time, or until the customer writes"), 7, N_("snooze"), takes=("moment",)),
    Action("history.channels", "c", "browse", N_("One channel or all"), N_("The whole history, or only one channel of it")),
    Action("history.folds", "v", "browse", N_("Quoted lines"), N_("Open what mails on the screen quote, and their signatures; again: fold it")),
    Action("thread.facts", "d", "browse", N_("What it is about"), N_("What the customer wants, the next step and until when: 2h, tomorrow 14:00")),
    Action("thread.tags", "t", "browse", N_("Tags"), N_("Tags of the conversation, in one line"), name="tag", takes=("tags",)),
    Action("thread.priority", "!", "browse", N_("Priority"), N_("Urgent, high, normal, low; urgent work comes first in the lists"), takes=("priority",)),
    Action("thread.spam", "X", "browse", N_("Spam"), N_("Keep it apart, and bar the sender; on spam: it is none. Marked rows at once"), takes=("spam",)),
    Action("undo.last", "u", "browse", N_("Take back"), N_("A reply that is still held; else what you did last: take, give, close, reopen, snooze, tag, merge, split, join, spam, the card"), name="undo"),
    Action("mark.toggle", "space", "browse", N_("Mark"), N_("In the list a row, in a history a message; then j and k go from message to message"), name="mark"),
    Action("mark.range", "T", "browse", N_("Mark as far as here"), N_("From the row that was marked last to this one; then a, A, e, s, t, !, x or X is for all of them")),
    Action("mark.none", "escape", "browse", N_("Marks away"), N_("Nothing is marked any more; a searched place is forgotten"), name="unmark"),
    Action("thread.split", "S", "browse", N_("Split off"), N_("The marked messages become a conversation of their own"), name="split_off"),
    Action("thread.join", "", "browse", N_("Join with…"), N_("Another conversation of this person goes on in this one"), name="join"),
    Action("thread.regroupings", "", "browse", N_("Splits and joins"), N_("What was split off or joined here; takes it back")),
    # the person
    Action("thread.card", "i", "browse", N_("Customer card"), N_("Who this is, beside the conversation; on narrow screens over it")),
    Action("finding.add", "p", "browse", N_("Add what was found"), N_("A phone or an e-mail from a message goes to the card, as a claim"), name="add_found"),
    Action("customer.write", "C", "browse", N_("Write first"), N_("A first message to this person, not an answer; asked for what stands against it"), name="write"),
    Action("customer.write_many", "", "browse", N_("Write to many…"), N_("One text to a segment, a tag or whoever is found; who has something against it is held")),
    Action("contact.log", "L", "browse", N_("Log a contact"), N_("A call, a visit, a letter on paper: what was said, in the same history")),
    Action("thread.continue", ">", "browse", N_("Continue in…"), N_("A link with which the customer goes on with this conversation on another channel")),
    Action("customer.code", "", "browse", N_("Ask for a code"), N_("Six digits go to an address; whoever tells them here has shown that it is his")),
    Action("customer.code_try", "", "browse", N_("Try a code"), N_("The six digits that the customer told")),
    Action("files.open", "F", "browse", N_("Files"), N_("All files of this person; enter goes to the place"), name="files"),
    Action("notes.open", "M", "browse", N_("Notes"), N_("All notes about this person; enter goes to the place"), name="notes"),
    Action("identity.open", "I", "browse", N_("Who is whom"), N_("Cards that may be one person; y one person, n two, u takes back"), name="identity"),
    Action("customer.find", "", "browse", N_("Find a person"), N_("Everybody who ever wrote, by name, address or order"), takes=("words",)),
    Action("customer.merge", "", "browse", N_("Merge with…"), N_("This card and another one are one person")),
    Action("customer.unmerge", "", "browse", N_("Take a merge apart"), N_("Two people again, each with what is his")),
    Action("card.act", "enter,l", "card", N_("Do it"), N_("Edit the field, open the case, take the merge apart: what the line offers"), 1, N_("do it")),
    Action("card.yes", "y", "card", N_("One person"), N_("Yes, these two cards are one person")),
    Action("card.no", "n", "card", N_("Two people"), N_("No, and never ask again")),
    Action("card.fill", "+", "card", N_("Fill in"), N_("A field, an address, a consent, a tag or a related person that the card lacks"), 2, N_("fill in")),
    Action("card.history", "h", "card", N_("How it was"), N_("Earlier values of a field; one of them can come back"), 3, N_("how it was"), name="earlier"),
    Action("card.leave", "left", "card", N_("Back to the conversation"), N_("The card stays where there is room for it; escape does the same"), 4, N_("back")),
    Action("message.source", "o", "browse", N_("Original source"), N_("The marked or newest message as it came, in $PAGER")),
    Action("message.files", "D", "browse", N_("Files of a message"), N_("Open a file in your own program, or save it"), name="attachments"),
    Action("suggest.join", "Y", "browse", N_("Join what is suggested"), N_("A letter that may belong to another conversation goes there; u takes it back")),
    # finding
    Action("switcher.open", "ctrl+o", "anywhere", N_("Go to…"), N_("A conversation or a person by a few letters: unread ones first, then the latest"), 8, N_("go to"), name="go", takes=("words",)),
    Action("search.open", "/", "browse", N_("Search"), N_("This person's messages, or all of them: words and from: to: channel: after: has: is: …"), 10, N_("search"), name="search", takes=("words",)),
    Action("filter.list", "\\", "browse", N_("Filter the list"), N_("Words and is: tag: from: assignee: channel: …; it stays until taken away"), 12, N_("filter"), name="filter", takes=("words",)),
    Action("view.saved", "V", "browse", N_("Saved views"), N_("Filters kept under a name: open, save the present one, share, delete"), name="views"),
    Action("hit.next", "n", "panes", N_("Next hit"), N_("Of the latest search, without opening it again")),
    Action("hit.prev", "comma", "panes", N_("Previous hit"), N_("The one before it")),
    Action("mentions.open", "@", "browse", N_("Who calls you"), N_("Notes of colleagues with your @login; enter goes to the note"), name="mentions"),
    Action("lead.open", "Q", "browse", N_("Everybody's work"), N_("For leads: queues, who has how much in hand, what is late; work is moved from there")),
    Action("outbox.open", "O", "browse", N_("Unsettled replies"), N_("Replies that failed, or may have arrived: decide"), name="outbox"),
    # the console
    Action("command.open", ":", "browse", N_("Command"), N_("Any action by its name, with what it needs: close, assign, tag, snooze 2h; tab completes"), 19, N_("command")),
    Action("repeat.last", ".", "browse", N_("The same again"), N_("What was done last, here or on the marked rows: close, assign, tag, snooze…; never a send")),
    Action("view.show", "", "browse", N_("Show a view"), N_("One of the views by its name"), name="view", takes=("view",)),
    Action("presence.choose", "P", "browse", N_("How you are"), N_("Available, pause, away, offline: whether new work comes to you"), name="be", takes=("presence",)),
    Action("palette.open", "ctrl+p", "anywhere", N_("All actions"), N_("Every action by its name"), name="actions", takes=("words",)),
    Action("help.open", "f1", "anywhere", N_("Keys"), N_("This page"), name="help", takes=("words",)),
    Action("help.open.browse", "?", "browse", N_("Keys"), N_("This page"), 20, N_("keys")),
    Action("screen.theme", "", "anywhere", N_("Colours"), N_("Dark, light, the terminal's own palette; theme in console.toml begins with one")),
    Action("screen.redraw", "ctrl+l", "anywhere", N_("Draw anew"), N_("Load everything again and draw it")),
    Action("app.quit", "ctrl+q", "anywhere", N_("Quit"), N_("Drafts are saved; asks only when that failed")),
)  # fmt: skip

BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}


def command_of(action: Action) -> str:
    """What is carried out: "slot.3.browse" and "slot.3" are one command."""
    return action.id.removesuffix(".browse")


def _names() -> Mapping[str, Action]:
    """Short name -> action. The last part of an id is its name where no other has it."""
    given = {action.name: action for action in ACTIONS if action.name}
    rest = [one for one in ACTIONS if not one.name and not one.argument and not one.id.endswith(".browse")]
    parts = [action.id.rpartition(".")[2] for action in rest]
    for part, action in zip(parts, rest, strict=True):
        if part not in given and parts.count(part) == 1:
            given[part] = action
    return MappingProxyType(given)


BY_NAME: Mapping[str, Action] = _names()
_NAME_OF: Mapping[str, str] = {action.id: name for name, action in BY_NAME.items()}


def name_of(action: Action) -> str:
    """What an action is called on the command line: its short name, or its id."""
    return _NAME_OF.get(action.id) or _NAME_OF.get(command_of(action)) or command_of(action)


def for_palette() -> list[Action]:
    """Each command once, without those that only move."""
    return [
        action
        for action in ACTIONS
        if not action.id.endswith(".browse") and not action.id.startswith(("row.", "page.", "list.", "slot."))
    ]
