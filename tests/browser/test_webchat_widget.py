"""The widget in a real browser, on a page of another origin."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, FrameLocator, Locator, Page, expect

from channels.base import StoredFile
from channels.webchat import api
from channels.webchat.identity import sign
from tests.browser.conftest import KEY, Stage

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session")]

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fccf"
    "c0500f0004850180a4a9c2b70000000049454e44ae426082"
)


class Widget:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.frame: FrameLocator = page.frame_locator("iframe")
        self.box: Locator = self.frame.locator("#text")
        self.launcher: Locator = page.locator("button[aria-haspopup=dialog]")

    async def open(self) -> None:
        await self.launcher.click()
        await expect(self.box).to_be_focused()

    async def say(self, text: str) -> None:
        await self.box.fill(text)
        await self.box.press("Enter")

    async def shows(self, *texts: str) -> None:
        await expect(self.frame.locator(".message:not(#greeting) .bubble")).to_have_text(list(texts))


async def visit(page: Page, stage: Stage) -> Widget:
    await page.goto(stage.site.url)
    return Widget(page)


async def until(condition: Callable[[], bool], page: Page) -> None:
    for _ in range(400):
        if condition():
            return
        await page.wait_for_timeout(25)
    raise AssertionError("it never came true")


def identity(**claims: Any) -> str:
    return sign(KEY.encode(), {"sub": "42", "name": "Иван", "exp": time.time() + 300, **claims})


async def test_there_and_back(page: Page, stage: Stage) -> None:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    widget = await visit(page, stage)
    await expect(widget.launcher).to_be_visible()
    assert stage.host.stored() == {}, "nothing is kept of people who never open the chat"
    await widget.open()
    await expect(widget.frame.locator("#greeting .bubble")).to_have_text("Hello! How can we help?")
    await widget.box.fill("first line")
    await widget.box.press("Shift+Enter")
    await widget.box.press_sequentially("second line")
    await widget.box.press("Enter")
    await widget.shows("first line\nsecond line")
    await expect(widget.frame.locator(".sending")).to_have_count(0)
    assert stage.texts == ["first line\nsecond line"]
    event = stage.host.deliveries[0].event
    assert event is not None
    assert event.detail["page"] == f"{stage.site.url}/" and event.detail["title"] == "Green Leaf"
    stage.host.operator = "Olga Ivanova"
    stage.host.say(stage.visitor, "Good day")
    await widget.shows("first line\nsecond line", "Good day")
    await expect(widget.frame.locator("#state")).to_have_text("Olga is answering you")
    await until(
        lambda: (
            stage.host.deliveries[-1].event is not None and stage.host.deliveries[-1].event.kind == "read"
        ),
        page,
    )
    assert problems == []


async def test_the_first_visit_is_remembered_with_its_advertisement_and_nothing_else(
    page: Page, stage: Stage
) -> None:
    came = f"{stage.site.url}/?utm_source=yandex&utm_campaign=%D0%BB%D0%B5%D1%82%D0%BE&token=s3cret&x=1#top"
    await page.goto(came)
    await page.wait_for_function("() => window.OmniChat")
    kept = await page.evaluate("() => Object.entries(localStorage).filter(([key]) => key.includes('visit'))")
    assert len(kept) == 1 and "s3cret" not in kept[0][1] and "x=1" not in kept[0][1]
    widget = await visit(page, stage)  # another page of the site, later
    await widget.open()
    await widget.say("hello")
    await widget.shows("hello")
    event = stage.host.deliveries[0].event
    assert event is not None
    assert event.detail["page"] == f"{stage.site.url}/"
    assert event.detail["first_page"].startswith(f"{stage.site.url}/?utm_source=yandex")
    assert (event.detail["utm_source"], event.detail["utm_campaign"]) == ("yandex", "лето")
    assert event.detail["first_at"].isdigit()


async def test_unread_messages_are_counted_while_it_is_closed(page: Page, stage: Stage) -> None:
    widget = await visit(page, stage)
    await widget.open()
    await widget.say("hello")
    await widget.shows("hello")
    await widget.box.press("Escape")
    await expect(widget.launcher).to_be_focused()
    await expect(widget.launcher).to_have_attribute("aria-expanded", "false")
    stage.host.say(stage.visitor, "one")
    stage.host.say(stage.visitor, "two")
    await expect(page.locator(".badge")).to_have_text("2")
    await expect(widget.launcher).to_have_attribute("aria-label", "Open chat (2 unread)")
    await page.reload()
    await expect(page.locator(".badge")).to_have_text("2")
    await widget.open()
    await expect(page.locator(".badge")).to_be_hidden()
    await page.reload()
    await expect(widget.launcher).to_be_visible()
    await widget.open()
    await widget.shows("hello", "one", "two")
    await expect(page.locator(".badge")).to_be_hidden()


async def test_a_page_that_is_not_on_the_list_shows_nothing(page: Page, stage: Stage) -> None:
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    await page.goto(stage.stranger.url)
    await until(lambda: any("frame-ancestors" in text for text in refused), page)
    await expect(page.locator("button[aria-haspopup=dialog]")).to_be_hidden()
    await page.evaluate("OmniChat.open()")
    await expect(page.locator("button[aria-haspopup=dialog]")).to_be_hidden()
    answer = await page.evaluate(
        "url => fetch(url, {method: 'POST', body: '{}'}).then(r => r.status, e => 'refused')",
        f"{stage.chat_url}/webchat/site/session",
    )
    assert answer == "refused"
    assert stage.host.stored() == {}


async def kept(page: Page, stage: Stage, text: str) -> None:
    """Until the browser has it: what a page stores is told to the browser a moment later, and a page that is
    left within that moment takes it along."""
    other = await page.context.new_page()
    await (await visit(other, stage)).open()
    # A frame that gets no storage leaves it to the page around it.
    has = """text => { try { return Object.values(localStorage).some(one => one.includes(text)) }
        catch { return false } }"""
    async with asyncio.timeout(10):
        while not any([await frame.evaluate(has, text) for frame in other.frames]):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.05)
    await other.close()


@pytest.mark.parametrize("chat_host", ["localhost", "127.0.0.1"])
async def test_a_conversation_survives_reload_and_other_pages(page: Page, chat_host: str) -> None:
    stage = Stage(chat_host)
    await stage.start()
    widget = await visit(page, stage)
    await widget.open()
    await widget.say("hello")
    await widget.shows("hello")
    stage.host.say(stage.visitor, "good day")
    await widget.shows("hello", "good day")
    await widget.box.fill("half a thou")
    await kept(page, stage, "half a thou")
    await page.goto(f"{stage.site.url}/cart")
    await widget.open()
    await widget.shows("hello", "good day")
    await expect(widget.box).to_have_value("half a thou")
    await widget.say("again")
    await widget.shows("hello", "good day", "again")
    assert len(stage.host.stored()) == 1
    events = [delivery.event for delivery in stage.host.deliveries]
    assert len({event.thread for event in events if event}) == 1
    await stage.stop()


async def test_a_restart_of_the_server_loses_and_doubles_nothing(page: Page, stage: Stage) -> None:
    widget = await visit(page, stage)
    await widget.open()
    await widget.say("before")
    await widget.shows("before")
    await stage.halt()
    stage.host.say(stage.visitor, "said while away")
    await widget.say("written while away")
    await expect(widget.frame.locator(".sending")).to_have_count(1)
    await stage.serve()
    await widget.shows("before", "said while away", "written while away")
    await expect(widget.frame.locator(".sending")).to_have_count(0)
    assert stage.texts == ["before", "written while away"]


async def test_what_was_written_offline_survives_a_reload(page: Page, stage: Stage) -> None:
    widget = await visit(page, stage)
    await widget.open()
    await widget.say("before")
    await widget.shows("before")
    await page.context.route("**/messages", lambda route: route.abort())
    await widget.say("one")
    await widget.say("two")
    await widget.shows("before", "one", "two")
    await expect(widget.frame.locator("#notice")).to_contain_text("No connection")
    await page.reload()
    await widget.open()
    await widget.shows("before", "one", "two")
    assert stage.texts == ["before"]
    await page.context.unroute("**/messages")
    await until(lambda: stage.texts == ["before", "one", "two"], page)
    await expect(widget.frame.locator(".sending")).to_have_count(0)


async def test_an_answer_that_got_lost_does_not_double_the_message(page: Page, stage: Stage) -> None:
    widget = await visit(page, stage)
    cut: list[Any] = []

    async def swallow(route: Any) -> None:
        if not cut:
            cut.append(await route.fetch())
            await route.abort()
        else:
            await route.continue_()

    await page.context.route("**/messages", swallow)
    await widget.open()
    await widget.say("once")
    await widget.shows("once")
    await widget.say("and this")
    await until(lambda: len(stage.texts) == 2, page)
    await widget.shows("once", "and this")
    assert stage.texts == ["once", "and this"]
    assert cut


async def test_while_the_server_cannot_store_nothing_is_called_sent(
    page: Page, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "RETRY_S", 0.1)
    widget = await visit(page, stage)
    await widget.open()
    await widget.say("before")
    await widget.shows("before")
    stage.host.unavailable = True
    await widget.say("waiting")
    await expect(widget.frame.locator(".sending .meta")).to_have_text("Sending…")
    stage.host.unavailable = False
    await expect(widget.frame.locator(".sending")).to_have_count(0)
    assert stage.texts == ["before", "waiting"]


XSS = [
    "<img src=x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script>",
    "javascript:document.title='owned'",
    "https://a.example/\"onmouseover=\"document.title='owned'",
    "[click](javascript:document.title='owned')",
    "&lt;b&gt; ${7*7} {{7*7}}",
    "\u202egpj.exe https://b.example/\u202efdp",
]


async def test_hostile_text_is_text(page: Page, stage: Stage) -> None:
    widget = await visit(page, stage)
    await widget.open()
    for text in XSS:
        await widget.say(text)
    await until(lambda: len(stage.texts) == len(XSS), page)
    for text in XSS:
        stage.host.say(stage.visitor, text, author=XSS[0])
    await widget.shows(*XSS, *XSS)
    await expect(widget.frame.locator(".author").first).to_have_text(XSS[0])
    bubbles = widget.frame.locator(".bubble")
    assert await bubbles.locator(":not(a)").count() == 0
    targets = await bubbles.locator("a").evaluate_all(
        "links => links.map(link => [link.href, link.rel, link.target])"
    )
    assert {target[0] for target in targets} == {"https://a.example/", "https://b.example/"}
    assert {tuple(target[1:]) for target in targets} == {("noopener noreferrer nofollow", "_blank")}
    assert await page.title() == "Green Leaf"
    assert await widget.frame.locator("html").evaluate("() => document.title") == "Green Leaf"


async def test_a_signed_in_visitor(page: Page, stage: Stage) -> None:
    stage.site.identity = identity(email="ivan@example.org", email_verified=True)
    widget = await visit(page, stage)
    await widget.open()
    await widget.say("hello")
    await widget.shows("hello")
    event = stage.host.deliveries[0].event
    assert event is not None and event.sender.name == "Иван"
    assert {contact.scheme for contact in event.sender.contacts if contact.verified} == {
        "webchat-user",
        "email",
    }
    # Somebody else signs in on the same device, and later signs out.
    await page.evaluate("token => OmniChat.identify(token)", identity(sub="43", name="Anna"))
    await expect(widget.frame.locator(".message:not(#greeting)")).to_have_count(0)
    await widget.say("I am Anna")
    await widget.shows("I am Anna")
    last = stage.host.deliveries[-1].event
    assert last is not None and last.thread != event.thread and last.sender.name == "Anna"
    await page.evaluate("OmniChat.reset()")
    await expect(widget.frame.locator(".message:not(#greeting)")).to_have_count(0)
    await widget.say("who am I")
    await until(lambda: stage.texts[-1] == "who am I", page)
    anonymous = stage.host.deliveries[-1].event
    assert anonymous is not None and anonymous.sender.contacts == ()


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (identity(exp=1), "identity_expired"),
        (sign(b"x" * 48, {"sub": "42", "exp": time.time() + 3000}), "identity_invalid"),
    ],
    ids=["expired", "forged"],
)
async def test_a_bad_identity_leaves_a_stranger(page: Page, stage: Stage, token: str, code: str) -> None:
    await page.add_init_script(
        "addEventListener('omnichat', () => { window.said = []; OmniChat.on('identity', d => said.push(d)) })"
    )
    stage.site.identity = token
    widget = await visit(page, stage)
    await widget.open()
    await widget.say("hello")
    await widget.shows("hello")
    assert await page.evaluate("said") == [{"ok": False, "code": code}]
    event = stage.host.deliveries[0].event
    assert event is not None and event.sender.contacts == () and event.sender.name is None


async def test_members_only(page: Page) -> None:
    stage = Stage(allow_anonymous=False)
    await stage.start()
    widget = await visit(page, stage)
    await widget.launcher.click()
    await expect(widget.frame.locator("#notice")).to_have_text("Please sign in on the site to write here.")
    await expect(widget.box).to_be_disabled()
    await page.evaluate("token => OmniChat.identify(token)", identity())
    await expect(widget.box).to_be_enabled()
    await widget.say("hello")
    await widget.shows("hello")
    await stage.stop()


async def test_on_a_small_telephone_in_russian(browser: Browser, stage: Stage) -> None:
    context = await browser.new_context(
        viewport={"width": 360, "height": 640},
        locale="ru-RU",
        is_mobile=True,
        has_touch=True,
        reduced_motion="reduce",
    )
    page = await context.new_page()
    widget = await visit(page, stage)
    await page.get_by_role("button", name="Открыть чат").tap()
    box = await page.locator("iframe").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 360, "height": 640}
    await expect(widget.frame.locator("#greeting .bubble")).to_have_text("Здравствуйте! Чем можем помочь?")
    await widget.box.fill("Здравствуйте")
    await widget.frame.get_by_role("button", name="Отправить").tap()
    await widget.shows("Здравствуйте")
    for control in ("Отправить", "Прикрепить файл", "Закрыть чат"):
        found = await widget.frame.get_by_role("button", name=control).bounding_box()
        assert found is not None and min(found["width"], found["height"]) >= 40
        assert found["x"] >= 0 and found["x"] + found["width"] <= 360 and found["y"] + found["height"] <= 640
    assert await widget.frame.locator("html").evaluate("e => e.scrollWidth <= e.clientWidth")
    await widget.frame.get_by_role("button", name="Закрыть чат").tap()
    await expect(page.get_by_role("button", name="Открыть чат")).to_be_visible()
    await context.close()


async def test_two_tabs_tell_the_same_story(page: Page, stage: Stage) -> None:
    one = await visit(page, stage)
    await one.open()
    await one.say("from the first")
    await one.shows("from the first")
    two = await visit(await page.context.new_page(), stage)
    await two.open()
    await two.shows("from the first")
    await two.say("from the second")
    await until(lambda: len(stage.texts) == 2, page)  # or the answer may come before it
    stage.host.say(stage.visitor, "an answer")
    await two.shows("from the first", "from the second", "an answer")
    await one.shows("from the first", "from the second", "an answer")
    assert stage.texts == ["from the first", "from the second"]
    assert len(stage.host.stored()) == 1
    await two.page.evaluate("OmniChat.reset()")
    await expect(one.frame.locator(".message:not(#greeting)")).to_have_count(0)
    await expect(two.frame.locator(".message:not(#greeting)")).to_have_count(0)


async def test_files_both_ways(page: Page, stage: Stage, tmp_path: Path) -> None:
    widget = await visit(page, stage)
    await widget.open()
    await widget.frame.locator("#file").set_input_files(
        {"name": "фото.png", "mimeType": "text/html", "buffer": PNG}
    )
    await until(lambda: len(stage.host.deliveries) == 1, page)
    event = stage.host.deliveries[0].event
    assert event is not None
    (file,) = event.attachments
    assert (file.name, file.content_type, file.data) == ("фото.png", "image/png", PNG)
    await expect(widget.frame.locator(".sending")).to_have_count(0)
    view = await stage.host.thread(stage.visitor, 0)
    shown = view.messages[0].files[0]
    (tmp_path / "blob").write_bytes(PNG)
    stored = StoredFile(name=shown.name, content_type="image/png", size=len(PNG), path=str(tmp_path / "blob"))
    stage.host.add_file(stage.visitor, shown.id, stored)
    await page.reload()
    await widget.open()
    picture = widget.frame.locator(".picture img")
    await expect(picture).to_have_attribute("src", re.compile("^blob:"))
    async with page.expect_download() as waiting:
        await widget.frame.locator(".picture").click()
    download = await waiting.value
    assert download.suggested_filename == "фото.png"
    assert Path(await download.path()).read_bytes() == PNG
    await widget.frame.locator("#file").set_input_files(
        {"name": "cute.png", "mimeType": "image/png", "buffer": b"<svg onload='alert(1)'/>"}
    )
    await expect(widget.frame.locator(".failed .meta")).to_contain_text("Files of this type are not taken.")
    await widget.frame.get_by_role("button", name="Delete").click()
    await expect(widget.frame.locator(".failed")).to_have_count(0)
    assert len(stage.host.deliveries) == 1


async def test_an_address_typed_by_the_visitor(page: Page, stage: Stage) -> None:
    widget = await visit(page, stage)
    await widget.open()
    await widget.say("hello")
    await widget.shows("hello")
    await widget.frame.get_by_role("button", name="Leave an e-mail or telephone").click()
    address = widget.frame.locator("#address")
    await address.fill("nonsense")
    await address.press("Enter")
    await expect(widget.frame.get_by_role("alert")).to_have_text(
        "This is neither an e-mail address nor a telephone number."
    )
    await address.fill("ivan@example.org")
    await address.press("Enter")
    await expect(widget.frame.locator("#mail")).to_be_hidden()
    await expect(widget.frame.get_by_role("button", name="Leave an e-mail or telephone")).to_have_count(0)
    event = stage.host.deliveries[-1].event
    assert event is not None and event.kind == "contact_shared"
    assert [(item.external_id, item.verified) for item in event.sender.contacts] == [
        ("ivan@example.org", False)
    ]


async def test_whoever_writes_when_nobody_is_there_is_asked_where_to_answer(page: Page, stage: Stage) -> None:
    stage.host.opening = stage.host.now() + 60 * 3_600_000
    widget = await visit(page, stage)
    await widget.open()
    await expect(widget.frame.locator("#mail")).to_be_hidden()
    await widget.say("How much is a kitchen?")
    await expect(widget.frame.locator("#state")).to_contain_text("We are back ")
    await expect(widget.frame.locator("#mail-label")).to_contain_text("Where shall our answer reach you?")
    address = widget.frame.locator("#address")
    await address.fill("+7 916 123-45-67")
    await address.press("Enter")
    await expect(widget.frame.locator("#mail")).to_be_hidden()
    event = stage.host.deliveries[-1].event
    assert event is not None
    assert [(item.scheme, item.external_id, item.verified) for item in event.sender.contacts] == [
        ("phone", "+79161234567", False)
    ]
    # Somebody came: it is said with the next event, and nobody is asked again.
    stage.host.opening = None
    await widget.say("And a table?")
    await expect(widget.frame.locator("#state")).not_to_contain_text("back")


async def test_the_page_can_drive_it(page: Page, stage: Stage) -> None:
    widget = await visit(page, stage)
    await expect(widget.launcher).to_be_visible()
    await page.locator("#link").focus()
    await page.evaluate(
        "() => { window.seen = []; for (const it of ['open', 'close']) OmniChat.on(it, () => seen.push(it)) }"
    )
    await page.evaluate("OmniChat.open()")
    await expect(widget.box).to_be_focused()
    await widget.box.press("Escape")
    await expect(widget.launcher).to_have_attribute("aria-expanded", "false")
    await expect(page.locator("#link")).to_be_focused()
    assert await page.evaluate("seen") == ["open", "close"]


async def test_roles_names_and_keyboard(page: Page, stage: Stage) -> None:
    widget = await visit(page, stage)
    await widget.open()
    await expect(page.get_by_role("dialog", name="Green Leaf")).to_be_visible()
    log = widget.frame.get_by_role("log")
    await expect(log).to_have_attribute("aria-live", "polite")
    for control in await widget.frame.get_by_role("button").all():
        assert await control.get_attribute("aria-label") or await control.inner_text()
    await widget.box.fill("x")
    await page.keyboard.press("Tab")
    await expect(widget.frame.get_by_role("button", name="Send")).to_be_focused()


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("accent", ["#2f6f5e", "#ffcc00", "#777777", "#000000", "#ff0000", "#00a0ff"])
async def test_every_accent_can_be_read(page: Page, accent: str) -> None:
    stage = Stage(accent=accent)
    await stage.start()
    widget = await visit(page, stage)
    await widget.open()
    await widget.say("hello")
    await until(lambda: stage.texts == ["hello"], page)
    bubble = widget.frame.locator(".message.mine:not(.sending) .bubble")
    await expect(widget.frame.locator(".mine .meta")).to_have_text(re.compile(r"\d"))
    colours = await bubble.evaluate("e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]")
    hexes = [
        "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", colour)[:3]) for colour in colours
    ]
    assert hexes[1] == accent
    light, dark = sorted((luminance(colour) for colour in hexes), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
    await stage.stop()


async def test_a_conversation_that_began_elsewhere_goes_on_when_the_visitor_says_so(
    page: Page, stage: Stage
) -> None:
    token = "Zm9sbG93LXRoaXMtbGluaw"  # as a link of ours carries it
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    await page.goto(f"{stage.site.url}/help?lang=ru#top&omni-chat={token}")
    widget = Widget(page)
    ask = widget.frame.locator("#goon")
    await expect(ask).to_be_visible()
    # Nobody who looks over a shoulder, and no server, sees the token; the page keeps its own place.
    assert page.url == f"{stage.site.url}/help?lang=ru#top"
    assert not any(token in address for address in addresses)
    kinds = [delivery.event.kind for delivery in stage.host.deliveries if delivery.event]
    assert kinds == [], "looking at the page goes on with nothing"
    await expect(widget.frame.locator("#goon-yes")).to_be_focused()
    await widget.frame.locator("#goon-yes").click()
    await expect(ask).to_be_hidden()
    await expect(widget.frame.locator("#notice")).to_have_text("The conversation goes on here.")
    [delivery] = stage.host.deliveries
    assert delivery.event is not None
    assert (delivery.event.kind, delivery.event.token) == ("continued", token)
    await widget.say("and here I am")
    await widget.shows("and here I am")
    assert delivery.event.thread == stage.visitor
    await page.reload()
    await expect(widget.launcher).to_be_visible()
    await expect(ask).to_be_hidden()
