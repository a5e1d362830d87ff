"""What a new form begins with: the questions most such forms ask, to be changed at once."""

from typing import Any, Final

_NAME: Final = {"name": "name", "label": "Your name", "means": "person", "is_required": True}
_EMAIL: Final = {"name": "email", "label": "Work e-mail", "kind": "email", "is_required": True}
_COMPANY: Final = {"name": "company", "label": "Company", "means": "company"}
_ROLE: Final = {"name": "title", "label": "Your role", "means": "person", "is_progressive": True}
_HEARD: Final = {"name": "heard", "label": "How did you hear about us?", "means": "heard"}
_CONSENT: Final = "You may write to me now and then. I can stop it with one click."

STARTS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "demo": (
        "Ask for a demo",
        {
            "button": "Ask for a demo",
            "kind": "demo_requested",
            "fields": [
                _NAME,
                _EMAIL,
                _COMPANY,
                _ROLE,
                {"name": "problem", "label": "What should get better?", "kind": "textarea", "means": "bant.need"},
                {
                    "name": "when",
                    "label": "When do you want to decide?",
                    "kind": "select",
                    "means": "bant.timing",
                    "options": ["Within three months", "This year", "No date yet"],
                    "means_no": ["No date yet"],
                    "is_progressive": True,
                },
                {"name": "today", "label": "What do you use today?", "means": "competitor", "is_progressive": True},
                _HEARD,
            ],
            "consent": _CONSENT,
            "thanks": {"next": "One of us calls you.", "says_when": True},
        },
    ),
    "content": (
        "Give a paper",
        {
            "button": "Send it to me",
            "kind": "content_downloaded",
            "fields": [_NAME, _EMAIL, _COMPANY, _ROLE],
            "consent": _CONSENT,
            "thanks": {"next": "It is yours, right here and in your mail."},
        },
    ),
    "newsletter": (
        "Newsletter",
        {
            "button": "Subscribe",
            "kind": "newsletter_subscribed",
            "fields": [_EMAIL],
            "consent": "Send me the newsletter. I can stop it with one click.",
            "is_double_opt_in": True,
            "thanks": {"next": "The next issue comes to your mailbox."},
        },
    ),
    "webinar": (
        "Webinar registration",
        {
            "button": "Register",
            "kind": "webinar_registered",
            "fields": [_NAME, _EMAIL, _COMPANY, _ROLE],
            "consent": _CONSENT,
            "thanks": {"next": "Your place is kept; the link comes by mail."},
        },
    ),
    "contact": (
        "Contact us",
        {
            "button": "Send",
            "kind": "question_asked",
            "fields": [
                _NAME,
                _EMAIL,
                _COMPANY,
                {"name": "question", "label": "Your question", "kind": "textarea", "is_required": True},
            ],
            "thanks": {"next": "We read your question and answer by mail.", "says_when": True},
        },
    ),
}
"""Code → (its words, the definition without a title)."""
