"""Alerts through Apprise, for the hundred services it knows: one call an alert."""

from __future__ import annotations

from pipeline.errors import DeliveryError
from pipeline.model import Alert

FORMS = {"text": "text", "html": "html", "slack": "markdown", "telegram": "html"}
"""Our forms, and what Apprise calls their markup."""


class AppriseChannel:
    """Whatever service the address names. It takes no id: an alert goes out at least once.

    Apprise says only that it failed, never why; so every failure is tried again.
    """

    def __init__(self, id: str, url: str, *, form: str = "text") -> None:
        """ValueError where Apprise cannot read the address (which is not shown)."""
        from apprise import Apprise  # half a second, for those who use it

        self.id = id
        self._form = form
        self._way = Apprise()
        if not self._way.add(url):
            raise ValueError(f"channels[{id}].url: Apprise cannot read the address")

    def send(self, alert: Alert) -> None:
        words = alert.forms.get(self._form, alert.body)
        shown = FORMS[self._form] if self._form in alert.forms else "text"
        try:
            taken = self._way.notify(body=words, title=alert.subject, body_format=shown)
        except (OSError, TypeError, ValueError) as error:
            raise DeliveryError(self.id, str(error) or type(error).__name__) from error
        if not taken:
            raise DeliveryError(self.id, "Apprise could not send it")
