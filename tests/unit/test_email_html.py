"""HTML mail → text, and that no page costs more than its size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from channels.email.html import link_note, render
from channels.email.html_writer import MAX_TEXT


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>Hello <b>World</b>!<br>next<br><br>last</p>", "Hello World!\nnext\n\nlast"),
        ("<ul><li>one<li>two<ul><li>deep</ul></ul>end", "- one\n- two\n  - deep\n\nend"),
        ("<ol><li>a<li>b</ol>", "1. a\n2. b"),
        ("a<blockquote>b<blockquote>c</blockquote></blockquote>d", "a\n\n> b\n>\n> > c\n\nd"),
        ("<table><tr><td>Tea<td>5</tr><tr><td>Rum<td>7</table>", "Tea | 5\nRum | 7"),
        (
            "<table><tr><td><p class=MsoNormal>Tea<td><p class=MsoNormal>5<br>g</tr></table><p>end",
            "Tea | 5 g\n\nend",
        ),
        ("<table><tr><td>a<table><tr><td>x<br>y<td>z</table><td>b</table>", "a\nx y | z\nb"),
        ("<table><tr><td>" + "long " * 60 + "<td>b<br>c</table>", ("long " * 60).strip() + " | b\nc"),
        ("<p class=MsoNormal>one<p class=MsoNormal>&nbsp;<p class=MsoNormal>two", "one\n\ntwo"),
        ("<style>P {margin-top:0;margin-bottom:0;}</style><p>one</p><p>two</p>", "one\ntwo"),
        ("<div>one</div><div>&nbsp;</div><div>two</div>", "one\n\ntwo"),
        ("<blockquote style='margin:0 0 0 40px;border:none'>mine</blockquote>", "mine"),
        ("<a href='tel:+79001234567'>+7 900 123-45-67</a>", "+7 900 123-45-67"),
        ("<button>Pay</button><label>Name</label>", "Pay\nName"),
        ("<div>x<div>y</div></div><div><br></div><div>z</div>", "x\ny\n\nz"),
        ("<pre>a\n  b</pre>c", "a\n  b\n\nc"),
        ("<style>p{}</style><script>x()</script><title>t</title>text", "text"),
        ("<div style='display:none'>preheader</div>text", "text"),
        ("<img src='cid:1' alt='our logo'><img src=x width=1 height=1>", "[image: our logo]"),
        ("a&nbsp;&lt;b&gt; &#8364;", "a <b> €"),
        ("no tags at all", "no tags at all"),
        ("", ""),
    ],
)
def test_layout(source: str, text: str) -> None:
    assert render(source).text == text


@pytest.mark.parametrize(
    ("text", "href", "note"),
    [
        ("here", "https://shop.example/x", "<https://shop.example/x>"),
        ("https://shop.example/x", "https://shop.example/x", ""),
        ("shop.example/x", "https://shop.example/x/", ""),
        ("bank.example", "https://evil.example/", "<https://evil.example/> [goes to evil.example]"),
        ("www.shop.example", "https://shop.example/a", "<https://shop.example/a>"),
        (
            "log in",
            "https://bank.example@evil.example/",
            "<https://bank.example@evil.example/> [goes to evil.example]",
        ),
        ("тут", "https://почта.рф/", "<https://почта.рф/> [goes to xn--80a1acny.xn--p1ai]"),
        ("a@b.example", "mailto:a@b.example?subject=x", ""),
        ("write us", "mailto:a@b.example", "<a@b.example>"),
        ("x", "javascript:alert(1)", ""),
        ("x", "java\nscript:alert(1)", ""),
        ("x", "#top", ""),
        ("x", "http://[broken", "<http://[broken>"),
    ],
)
def test_links_say_where_they_go(text: str, href: str, note: str) -> None:
    assert link_note(text, href) == note


def test_remote_images_are_counted_and_never_shown() -> None:
    rendered = render("<img src='https://t.example/p.gif'><img src='//t.example/q'><img src='cid:1'>")
    assert rendered.remote_images == 2
    assert "t.example" not in rendered.text


@pytest.mark.parametrize(
    "source",
    [
        "<div>" * 100_000 + "end",
        "".join(f"<b id={n}>" for n in range(3000)) + "<p>x</p>" * 3000 + "end",
        "<a " * 50_000 + ">end",
        "<blockquote>" * 4000 + "end",
        "<table><tr><td>" * 1500 + "end",
    ],
    ids=["nested", "open formatting", "open tags", "quotes", "tables"],
)
def test_absurd_pages_still_show_their_text(source: str) -> None:
    rendered = render(source)
    assert rendered.text.endswith("end")


def test_endless_pages_are_cut_visibly() -> None:
    assert render("<p>word word</p>" * 100_000).text.endswith("[…]")
    assert len(render("x" * 3_000_000).text) <= MAX_TEXT + 10


@limits(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<ul>",
                "<li>",
                "</ul>",
                "<pre>",
                "</pre>",
                "<a href=x>",
                "</a>",
                "<td>",
                "<br>",
                "<blockquote>",
                "</blockquote>",
                "text",
                " ",
                "\n",
                "<table>",
                "</div>",
                "<!--",
            ]
        )
    )
)
def test_any_soup_of_tags_is_rendered(tags: list[str]) -> None:
    assert isinstance(render("".join(tags)).text, str)
