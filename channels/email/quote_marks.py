"""How mail programs mark what they quote, in the languages of their interfaces. Pure and bounded.

Sources: what Gmail, Outlook (desktop, web, phone), Yandex, Mail.ru, Apple Mail, Thunderbird, Proton and the
mail programs of phones write. Where a language is not listed, the shape alone decides (`attribution_signs`):
a date, a time, an address and a colon say the same everywhere.
"""

from __future__ import annotations

import re

MAX_LINE = 400  # characters of a line that are looked at

# "X wrote", "X пишет": the verb of the line over a quotation.
_WROTE = re.compile(
    r"\b(?:wrote|writes|schrieb|hat geschrieben|a écrit|escribió|escribio|escreveu|ha scritto|schreef|"
    r"napisał(?:a|\(a\))?|napsal(?:a|\(a\))?|napísal(?:a|\(a\))?|skrev|kirjoitti|yazdı|írta|a scris|"
    r"написал(?:а|\(а\)|и)?|писал(?:а|\(а\))?|писали|пишет|сообщил(?:а|\(а\))?|"
    r"написав(?:\(ла\))?|написала|пише|напісаў|піша|жазды)(?=[\s:.,]|$)"
    r"|写道|寫道|wrote：|さんは書きました|のメール",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[\w.+=-]{1,64}@[\w-]+(?:\.[\w-]+)+|<mailto:", re.IGNORECASE)
_TIME = re.compile(r"\b\d{1,2}[:.h]\d{2}(?::\d{2})?\b")
_YEAR = re.compile(r"\b20\d{2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\b\d{4}-\d{2}-\d{2}\b|\d{4}年")
# A day of a month: "21 нояб.", "Nov 21", "21. November".
_DAY = re.compile(r"\b\d{1,2}\.?\s+(?:de\s+)?[^\W\d_]{3,12}\b|\b[^\W\d_]{3,12}\.?\s+\d{1,2}\b")
# A line over a quotation begins with a date, a weekday, one of these words, or a name with an address.
_BEGINS = re.compile(
    r"^(?:on|am|le|el|il|il giorno|em|op|w dniu|dnia|den|dne|v|в|у|från|den|kl|mon|tue|wed|thu|fri|sat|sun|"
    r"пн|вт|ср|чт|пт|сб|вс|нд|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье|\d{1,4})"
    r"(?=[\s,.:/-])",
    re.IGNORECASE,
)

# Lines that say "from here on it is the earlier message".
_DIVIDER = re.compile(
    r"^[\s>]*[-_=*—]{2,}\s*(?:(?:original|forwarded|reply|replied)\s+(?:message|mail|e-?mail|appointment)|"
    r"(?:исходное|оригинальное|пересылаемое|пересланное|переадресованное|перенаправленное|ответ на)"
    r"(?:\s+сообщение|\s+письмо)|"
    r"оригінальне повідомлення|переслане повідомлення|вихідне повідомлення|"
    r"urspr(?:ü|ue?)ngliche nachricht|weitergeleitete nachricht|original-?nachricht|"
    r"message (?:d'origine|original|transféré|transmis)|mensaje (?:original|reenviado)|"
    r"messaggio (?:originale|inoltrato)|mensagem (?:original|encaminhada)|"
    r"oorspronkelijk bericht|doorgestuurd bericht|"
    r"(?:wiadomość oryginalna|oryginalna wiadomość|treść oryginalnej wiadomości|przekazana wiadomość)|"
    r"původní zpráva|(?:ursprungligt|vidarebefordrat) meddelande|orijinal mesaj|iletilen mesaj|"
    r"原始邮件|转发(?:的)?(?:邮件|消息)|原始郵件|元のメッセージ|転送|"
    r"oprindelig (?:besked|meddelelse)|opprinnelig melding|alkuperäinen viesti|eredeti üzenet|mesaj original)"
    r"(?:[^\n]{0,60}$|[^\n]{0,20}[-_=*—]{2})",
    re.IGNORECASE,
)
# The same without dashes: Apple Mail.
_FORWARD_WORDS = re.compile(
    r"^\s*(?:begin forwarded message|начало пере(?:адресованного|сылаемого|направленного) "
    r"(?:сообщения|письма)|початок листа, що пересилається|anfang der weitergeleiteten (?:nachricht|e-?mail)|"
    r"début du message (?:transféré|réexpédié)|inicio del mensaje reenviado|"
    r"inizio messaggio inoltrato|início da mensagem reencaminhada)\s*:\s*$",
    re.IGNORECASE,
)
_RULE = re.compile(r"^\s*(?:_{20,}|-{20,}|={20,}|—{5,}|-{4,20}[^\n\d:]{3,50}-{4,20})\s*$")

# Labels of the header block that Outlook and phones put over what they quote: role of each word.
_LABELS: dict[str, str] = {}
for _role, _words in {
    "from": "from|от|от кого|отправитель|від|von|de|da|expéditeur|od|van|från|fra|kimden|lähettäjä|发件人|"
    "寄件者|差出人|보낸 사람",
    "date": "sent|date|отправлено|дата|дата и время|надіслано|gesendet|datum|dato|envoyé|enviado|enviada|"
    "enviado el|enviado em|fecha|data|inviato|verzonden|wysłano|odesláno|skickat|sendt|"
    "gönderildi|tarih|lähetetty|发送时间|日期|寄件日期|送信日時|보낸 날짜",
    "to": "to|кому|получатель|an|à|para|a|aan|do|komu|till|til|kime|vastaanottaja|"
    "收件人|收件者|宛先|받는 사람",
    "cc": "cc|копия|копія|kopie|kopia|másolat|bilgi|抄送|副本",
    "subject": "subject|тема|тема письма|betreff|objet|asunto|oggetto|assunto|onderwerp|temat|předmět|ämne|"
    "emne|konu|aihe|主题|主旨|件名|제목",
    "other": "reply-to|importance|важность|attachments|вложения|bcc|скрытая копия|priority|when|where|"
    "required attendees|когда|где|mailed-by",
}.items():
    for _word in _words.split("|"):
        _LABELS.setdefault(_word, _role)
_LABEL_LINE = re.compile(r"^[\s*_|]{0,4}([^\W\d_][^:：\n]{0,22}?)\s{0,2}[*_]{0,2}\s?[:：][*_]{0,2}\s?(.*)$")

_DEVICES = (
    r"i ?phone|i ?pad|i ?pod|i ?os|android|galaxy|samsung|huawei|honor|xiaomi|redmi|poco|realme|oppo|vivo|"
    r"oneplus|pixel|nokia|sony|tecno|infinix|blackberry|windows(?: phone| \d+)?|mac(?:book)?|"
    r"outlook|yahoo|gmail|mymail|my\.com|mail\.ru|proton ?mail|aol|spark|aquamail|bluemail|"
    r"airmail|mailbox|k-9|"
    r"яндекс|yandex|рамблер|rambler|тинькофф|"
    r"мобильн\w*|смартфон\w*|телефон\w*|планшет\w*|устройств\w*|"
    r"mobile|phone|smartphone|tablet|handy|mobil\w*|device"
)
_SENT_FROM = re.compile(
    rf"^\W{{0,3}}(?:"
    rf"(?:отправлено|послано|написано|отправлен[оа]?|отправил\w*)\s+(?:с|со|из|через|при помощи|с помощью)\b"
    rf"[^.!?\n]{{0,60}}?(?:{_DEVICES})|"
    rf"отправлено\s+из\s+(?:мобильной\s+|мобильного приложения\s+)?(?:яндекс\W{{0,2}})?почт[аы]\b|"
    rf"(?:получите|получить|скачайте|скачать|загрузите|загрузить)\s+outlook\b|"
    rf"(?:get|download|try)\s+outlook\b|"
    rf"sent from my(?:\s+\S+){{1,8}}$|"
    rf"(?:sent|send|composed)\s+(?:from|via|with|using|by|on)\b[^.!?\n]{{0,50}}?(?:{_DEVICES})|"
    rf"(?:надіслано|відправлено)\s+(?:з|із|через)\b[^.!?\n]{{0,50}}?(?:{_DEVICES})|"
    rf"(?:адпраўлена|жіберілді)\b[^.!?\n]{{0,50}}?(?:{_DEVICES})|"
    rf"(?:von meinem|gesendet (?:von|mit)|diese nachricht wurde von meinem)\b[^.!?\n]{{0,50}}?(?:{_DEVICES})|"
    rf"(?:téléchargez|télécharger|obtener|obter|obtenha|scarica|pobierz|holen sie sich)\s+outlook\b|"
    rf"envoyé\s+(?:de|depuis|à partir)\b[^.!?\n]{{0,50}}?(?:{_DEVICES})|"
    rf"enviad[oa]\s+(?:desde|do|de|a partir)\b[^.!?\n]{{0,50}}?(?:{_DEVICES})|"
    rf"inviato\s+(?:da|dal)\b[^.!?\n]{{0,50}}?(?:{_DEVICES})|"
    rf"(?:wysłane|wysłano)\s+z\b[^.!?\n]{{0,50}}?(?:{_DEVICES})|"
    rf"(?:verstuurd|verzonden)\s+(?:vanaf|met|van)\b[^.!?\n]{{0,50}}?(?:{_DEVICES})|"
    rf"(?:odesláno|poslané)\s+(?:z|ze)\b[^.!?\n]{{0,50}}?(?:{_DEVICES})|"
    rf"(?:skickat|sendt|lähetetty)\b[^.!?\n]{{0,50}}?(?:{_DEVICES})|"
    rf"(?:i ?phone|i ?pad|android)\W?\w*dan gönderildi|"
    rf"发自我的|從我的|(?:i ?phone|i ?pad)から送信"
    rf")",
    re.IGNORECASE,
)
_FOOTER = re.compile(
    r"^\s*(?:this e-?mail has been checked for viruses|virus-free\.|без вирусов\.|не содержит вирусов|"
    r"это (?:сообщение|письмо) (?:было )?проверено\b[^\n]{0,40}(?:вирус|антивирус)|"
    r"проверено (?:антивирус|на вирусы))",
    re.IGNORECASE,
)


def attribution_signs(text: str) -> frozenset[str]:
    """What of the line over a quotation is there: begins, day, time, address, wrote, colon."""
    text = text.strip()[: 2 * MAX_LINE]
    signs = set()
    if text.startswith("--") and text.endswith("--"):  # Zoho puts it between dashes
        text = text.strip("- ")
        signs.add("colon")
    if _BEGINS.match(text.lstrip("*_ ")):
        signs.add("begins")
    if _YEAR.search(text):
        signs.add("day")
    elif _DAY.search(text) and re.search(r"\d", text):
        signs.add("day?")
    if _TIME.search(text):
        signs.add("time")
    if _ADDRESS.search(text):
        signs.add("address")
    if _WROTE.search(text):
        signs.add("wrote")
    if text.endswith((":", "：")) or re.search(r":\s?(?:\[image[^\]]*\]|\*|_)?$", text):
        signs.add("colon")
    return frozenset(signs)


def introduces_quote(signs: frozenset[str]) -> bool:
    """May these signs stand over lines that are marked as quoted? Two independent ones, and the form."""
    facts = len(signs & {"day", "time", "address", "wrote"}) + (1 if "day?" in signs else 0)
    if "colon" in signs or "wrote" in signs:
        return facts >= 2 or (facts == 1 and "wrote" in signs)
    return {"begins", "day", "address"} <= signs  # Gmail of 2013


def introduces_unmarked(text: str) -> bool:
    """May this line alone say that all below is quoted, though nothing marks it?"""
    if "@" not in text and "mailto:" not in text.lower():
        return False  # nearly always, and the other signs cost much more
    signs = attribution_signs(text)
    return {"day", "time", "address", "colon"} <= signs and bool(signs & {"begins", "wrote"})


def is_divider(line: str) -> bool:
    """`-----Original Message-----` and its like."""
    line = line[:MAX_LINE]
    return _DIVIDER.match(line) is not None or _FORWARD_WORDS.match(line) is not None


def is_rule(line: str) -> bool:
    """A long line of underscores or dashes, or words between dashes; alone it says nothing."""
    return len(line) < 200 and _RULE.match(line) is not None


def label(line: str) -> tuple[str, str]:
    """Role and value of a line such as `*От:* Иван`: ("", "") where it is none, "?" for an unknown word."""
    match = _LABEL_LINE.match(line[:MAX_LINE])
    if match is None:
        return "", ""
    return _LABELS.get(match[1].strip().lower(), "?"), match[2].strip()


def has_address(text: str) -> bool:
    return _ADDRESS.search(text[:MAX_LINE]) is not None


def has_moment(text: str) -> bool:
    """A day and a time of day."""
    text = text[:MAX_LINE]
    return _TIME.search(text) is not None and (
        _YEAR.search(text) is not None or _DAY.search(text) is not None
    )


def is_device_line(line: str) -> bool:
    """`Отправлено с iPhone`, `Sent from my Galaxy`, `Get Outlook for Android`."""
    line = line.strip()
    return 0 < len(line) <= 120 and _SENT_FROM.match(line) is not None


def is_scanner_line(line: str) -> bool:
    """What virus scanners write under mails."""
    return _FOOTER.match(line[:MAX_LINE]) is not None
