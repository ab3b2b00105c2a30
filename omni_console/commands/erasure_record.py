"""The record of an erasure, for whoever must be able to show it: what Article 5(2) with 17 of the GDPR and
Article 21 of Federal Law 152-FZ with Roskomnadzor's order 179 of 28.10.2022 ask for. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from omni_console.commands.errors import plain
from server.protocol import ErasureReport

# What the tables hold, as categories of personal data.
_CATEGORIES = {
    "customer": "name and card / имя и карточка",
    "address": "addresses (e-mail, telephone, accounts) / адреса (почта, телефон, учётные записи)",
    "field": "fields of the card, consents / поля карточки, согласия",
    "record": "orders, payments and other records / заказы, платежи и другие записи",
    "origin": "pages and campaigns of visits / страницы и источники посещений",
    "conversation": "conversations / обращения",
    "message": "messages and notes / сообщения и заметки",
    "message elsewhere": "words in conversations of others / слова в обращениях других лиц",
    "attachment": "files / файлы",
    "journal": "raw items as they were received / исходные данные в том виде, в каком они получены",
}


def record(report: ErasureReport) -> str:
    moment = datetime.fromtimestamp(report.at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    lines = [
        "# Record of the erasure of personal data / Акт об уничтожении персональных данных",
        "",
        f"- Erasure / Номер: {report.erasure_id}",
        f"- When / Дата: {moment}",
        f"- Controller / Оператор: {plain(report.site)} (add the legal name and address / "
        "укажите наименование и адрес)",
        f"- Person / Субъект: {plain(report.person)}; cards / карточки "
        + ", ".join(str(card) for card in report.cards),
        *(f"    - {plain(address)}" for address in report.addresses),
        f"- Reason / Причина: {plain(report.reason)}",
        f"- Erased by / Уничтожил: {plain(report.by)}",
        "- Information system / Информационная система: Omni Console",
        "- Way / Способ: rows deleted and overwritten, indexes merged, the write-ahead log emptied, files"
        " removed / удаление и перезапись в базе данных, удаление файлов",
        "",
        "| Category / Категория | rows / записей |",
        "|---|---|",
    ]
    lines += [
        f"| {name} | {report.counts[table]} |"
        for table, name in _CATEGORIES.items()
        if report.counts.get(table)
    ]
    lines += [
        f"| files on disk / файлы на диске | {report.files} |",
        "",
        "What stays / Что остаётся: numbers of events without names or words (`omni audit verify` shows"
        " that they are as written); digests of raw items, so that they are not taken in again; older"
        " backups, from which this person is taken out whenever one is restored / номера событий без имён и"
        " слов, хеши исходных данных, прежние резервные копии (при восстановлении лицо удаляется снова).",
        "",
        "Signature / Подпись: ______________________",
        "",
    ]
    return "\n".join(lines)
