"""What a webhook's mapping begins as: where the products people really use write things. Pure data.

Sources: the products' own descriptions of their messages, read in 2026; each is tried on such a message by
`tests/capture/test_webhook_templates.py`. Several places for one thing: the first at which something stands.
"""

from typing import Any, Final

_UTM: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
_EMAILS: Final = ["/email", "/email address", "/e-mail", "/work email", "/user email", "/user_email"]
_NAMES: Final = ["/name", "/full name", "/first name", "/user name (original name)", "/user name"]
_LAST_NAMES: Final = ["/last name", "/surname", "/family name"]
_CAME: Final = {
    **dict.fromkeys(("Yes", "yes", "YES", "True", "true", "TRUE", "Attended", "attended"), "webinar_attended"),
    **dict.fromkeys(
        ("No", "no", "NO", "False", "false", "FALSE", "No-show", "no-show", "Registered"), "webinar_registered"
    ),
}
"""A list of who came names those who only registered, too."""

TEMPLATES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "booking": (
        "Booking, as Calendly tells it",
        {
            "kind_at": "/event",
            "kinds": {
                "invitee.created": "meeting_booked",
                "invitee.canceled": "meeting_missed",
                "invitee_no_show.created": "meeting_missed",
            },
            "email": "/payload/email",
            "name": "/payload/name",
            "phone": "/payload/text_reminder_number",
            "time": "/created_at",
            "id": "/payload/uri",
            "data": {
                "starts": "/payload/scheduled_event/start_time",
                "meeting": "/payload/scheduled_event/name",
                "called_off": "/payload/cancellation/canceled_by",
                **{name: f"/payload/tracking/{name}" for name in _UTM},
            },
        },
    ),
    "booking-cal": (
        "Booking, as Cal.com tells it",
        {
            "kind_at": "/triggerEvent",
            "kinds": {"BOOKING_CREATED": "meeting_booked", "BOOKING_CANCELLED": "meeting_missed"},
            "each": "/payload/attendees",
            "email": "/email",
            "name": "/name",
            "phone": "/phoneNumber",
            "time": "/createdAt",
            "id": "/payload/uid",
            "data": {
                "starts": "/payload/startTime",
                "meeting": ["/payload/eventTitle", "/payload/title"],
                "called_off": ["/payload/cancelledBy", "/payload/cancellationReason"],
            },
        },
    ),
    "chat": (
        "Chat, as tawk.to tells it",
        {
            "kind_at": "/event",
            "kinds": {"chat:start": "question_asked"},
            "email": "/visitor/email",
            "name": "/visitor/name",
            "time": "/time",
            "id": "/chatId",
            "data": {"question": "/message/text", "country": "/visitor/country"},
        },
    ),
    "chat-intercom": (
        "Chat, as Intercom tells it",
        {
            "kind_at": "/topic",
            "kinds": {"conversation.user.created": "question_asked"},
            "email": ["/data/item/source/author/email", "/data/item/user/email"],
            "name": ["/data/item/source/author/name", "/data/item/user/name"],
            "time": ["/data/item/created_at", "/created_at"],
            "id": "/data/item/id",
            "data": {"question": ["/data/item/source/body", "/data/item/conversation_message/body"]},
        },
    ),
    "webinar": (
        "Webinar: who registered and who came, as Zoom tells it",
        {
            "kind_at": "/event",
            "kinds": {
                "webinar.registration_created": "webinar_registered",
                "webinar.participant_joined": "webinar_attended",
            },
            "email": ["/payload/object/registrant/email", "/payload/object/participant/email"],
            "name": ["/payload/object/registrant/first_name", "/payload/object/participant/user_name"],
            "last_name": "/payload/object/registrant/last_name",
            "title": "/payload/object/registrant/job_title",
            "phone": "/payload/object/registrant/phone",
            "company": "/payload/object/registrant/org",
            "time": ["/payload/object/participant/join_time", "/event_ts"],
            "id": ["/payload/object/registrant/id", "/payload/object/uuid", "/payload/object/id"],
            "data": {"webinar": "/payload/object/topic", "starts": "/payload/object/start_time"},
        },
    ),
    "attendance": (
        "Webinar: a list of who came, as CSV, XLSX or JSON",
        {
            "kind": "webinar_attended",
            "kind_at": ["/attended", "/attendance"],
            "kinds": _CAME,
            "each": ["/rows", "/participants"],
            "email": _EMAILS,
            "name": _NAMES,
            "last_name": _LAST_NAMES,
            "title": "/job title",
            "company": ["/organization", "/company"],
            "time": ["/join time", "/join_time"],
            "data": {
                "minutes": ["/time in session (minutes)", "/minutes"],
                "webinar": ["/topic", "/webinar"],
            },
        },
    ),
    "badges": (
        "Badge list of a fair, as CSV or XLSX",
        {
            "kind": "weak_signal_seen",
            "each": "/rows",
            "email": _EMAILS,
            "name": _NAMES,
            "last_name": _LAST_NAMES,
            "title": ["/title", "/job title", "/position"],
            "phone": ["/phone", "/phone number", "/mobile"],
            "company": ["/company", "/company name", "/organization"],
            "time": ["/scanned at", "/scan date", "/scan time", "/capture date"],
            "data": {"event": "/event", "notes": ["/notes", "/comments"]},
        },
    ),
    "social": (
        "Social engagement, as Zapier or Make tell it",
        {
            "kind": "social_engaged",
            "email": ["/author/email", "/email"],
            "name": ["/author/name", "/full_name", "/name", "/first_name"],
            "last_name": "/last_name",
            "title": ["/job_title", "/headline"],
            "phone": ["/phone_number", "/phone"],
            "company": ["/company_name", "/company"],
            "time": ["/created_at", "/created_time", "/timestamp"],
            "id": "/id",
            "data": {
                "network": ["/network", "/platform"],
                "what": ["/action", "/type"],
                "url": ["/url", "/permalink"],
                "form": "/form_name",
                "campaign": "/campaign_name",
            },
        },
    ),
    "empty": ("Something else", {}),
}
