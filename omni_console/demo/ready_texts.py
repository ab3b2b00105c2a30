"""Templates of the demo's shop, as a file of them would be written."""

from __future__ import annotations

from omni_console.templates_file import read
from server.protocol import NamedTemplate

_FILE = """
[templates.hi]
title = "Greeting"
text = "Hello {name}, this is {operator}. How can I help?"
variants = [{ language = "ru", text = "Здравствуйте, {name}! Это {operator}. Чем могу помочь?" }]

[templates.look]
title = "I am looking"
text = "One moment, please: I am looking it up."
variants = [
    { language = "ru", text = "Минуту, пожалуйста: смотрю." },
    { on = "email", text = "Hello {name},\\n\\nwe are looking into it and will be back today.\\n\\n{operator}\\n{site}" },
    { language = "ru", on = "email", text = "Здравствуйте, {name}!\\n\\nРазбираемся, ответим сегодня.\\n\\n{operator}\\n{site}" },
]

[templates.where]
title = "Where the order is"
text = "{name}, your order {order.number} is on its way."
variants = [{ language = "ru", text = "{name}, ваш заказ {order.number} в пути." }]

[templates.thanks]
title = "Thanks"
text = "Thank you, {name}! Write whenever you need us."
variants = [{ language = "ru", text = "Спасибо, {name}! Пишите, если что-то понадобится." }]
"""  # noqa: E501 - TOML's short tables stand on one line


def ready_texts() -> list[NamedTemplate]:
    return read(_FILE.encode())
