"""What a file is, its bytes say on every channel; where its sender says otherwise, that is noted."""

from __future__ import annotations

import base64
import struct
from email.message import EmailMessage

from server.protocol import Message
from tests.fakes.post_office import post_office

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 1280, 960)
PDF, PROGRAM = b"%PDF-1.7 act", b"MZ\x90\x00 program"
EXE = "application/vnd.microsoft.portable-executable"


def facts(message: Message) -> list[tuple[str, str, str, str]]:
    return [(file.name, file.content_type, file.kind, file.stated) for file in message.files]


async def test_files_of_a_mail() -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Message-ID"] = "anna@x.example", "support@shop.example", "<f1@x.example>"
    mail.set_content("Smotrite")
    mail.add_attachment(PROGRAM, maintype="application", subtype="pdf", filename="invoice.pdf")
    mail.add_attachment(PNG, maintype="application", subtype="octet-stream", filename="scan")
    async with post_office() as post:
        message = await post.receive_raw(mail.as_bytes())
        assert facts(message) == [
            ("invoice.pdf", EXE, "file", "application/pdf"),
            ("scan", "image/png", "image", ""),
        ]
        assert [(file.width, file.height) for file in message.files] == [(None, None), (1280, 960)]
        [listed] = [one for one in (await post.client.people.files(message.customer_id)).items if one.stated]
        assert (listed.content_type, listed.stated) == (EXE, "application/pdf")

        # It stays contradicted where it is sent on.
        named = [file.id for file in message.files]
        detail = await post.detail(message.conversation_id)
        answered = await post.answer(message.conversation_id, "Back", file_ids=named)
        assert facts(answered) == facts(message) and detail.customer.files == 2


async def test_files_of_a_webhook_and_of_an_operator() -> None:
    async with post_office() as post:
        given = {
            "name": "photo.jpg",
            "content_type": "image/jpeg",
            "base64": base64.b64encode(PROGRAM).decode(),
        }
        await post.server.hook("see", attachments=[given])
        [row] = (await post.client.conversations("queue")).items
        [message] = (await post.detail(row.id)).history.messages
        assert facts(message) == [("photo.jpg", EXE, "file", "image/jpeg")]
        assert (await post.client.put_up(row.id, "act", PDF)).content_type == "application/pdf"
        upload = await post.client.put_up(row.id, "map", PNG)
        assert (upload.content_type, upload.width, upload.height) == ("image/png", 1280, 960)
        detail = await post.detail(row.id)
        command = post.server.command("Here", detail.ways[0], detail.history.seq, upload_ids=[upload.id])
        [file] = (await post.client.reply(row.id, command)).files
        assert (file.width, file.height) == (1280, 960)
