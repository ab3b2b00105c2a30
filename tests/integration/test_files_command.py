"""`omni files`: what customers sent, saved under harmless names."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.fakes.post_office import SUPPORT, PostOffice, post_office

ROOT = Path(__file__).parents[2]
MAIL = (
    f"From: anna@x.example\r\nTo: {SUPPORT}\r\nMessage-ID: <m@x>\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nsee\r\n'
    '--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="../../a.pdf"\r\n'
    "\r\n%PDF-1\r\n--b--\r\n"
).encode()


async def omni(post: PostOffice, *arguments: str) -> tuple[int, bytes, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "omni_console",
        "--socket",
        post.server.socket,
        "files",
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out, err.decode()


async def test_files_and_sources(tmp_path: Path) -> None:
    async with post_office() as post:
        message = await post.receive_raw(MAIL)
        file = str(message.files[0].id)
        for name in ("a.pdf", "a (2).pdf"):
            code, out, err = await omni(post, "get", file, "--to", str(tmp_path / "in"))
            assert (code, out.decode().strip(), err) == (0, str(tmp_path / "in" / name), "")
        assert (tmp_path / "in" / "a.pdf").read_bytes() == b"%PDF-1"
        assert (await omni(post, "get", file, "--stdout"))[:2] == (0, b"%PDF-1")
        assert (await omni(post, "source", str(message.id)))[:2] == (0, MAIL)
        reply = await post.answer(message.conversation_id)
        code, out, err = await omni(post, "source", str(reply.id))
        assert (code, out) == (1, b"")
        assert "was not read from anything" in err
        code, _, err = await omni(post, "get", "999")
        assert code == 1
        assert "no file 999" in err
