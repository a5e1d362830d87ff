"""What the places of a made-up program's first message are guessed to be."""

from rung.capture.webhooks import hook_guessing, hook_mapping

CHAT = {
    "event": "conversation.finished",
    "conversation": {
        "id": "c-778",
        "ended": "2026-11-26T20:10:00Z",
        "visitor": {"fullName": "Karin Oster", "contact": {"mail": "karin@seebad.example", "tel": "+49 4321 9876"}},
        "org": "Seebad Touristik",
        "lastQuestion": "Per berth?",
    },
    "bot": "v2",
}


def test_address_number_name_time_and_question_are_found_by_what_stands_there() -> None:
    assert hook_guessing.guessed(hook_mapping.leaves(CHAT)) == {
        "id": "/conversation/id",
        "time": "/conversation/ended",
        "name": "/conversation/visitor/fullName",
        "email": "/conversation/visitor/contact/mail",
        "phone": "/conversation/visitor/contact/tel",
        "company": "/conversation/org",
        "data": {"question": "/conversation/lastQuestion"},
        "each": "",
    }


def test_a_list_of_people_is_found_by_the_address_in_its_first_item() -> None:
    told = {"webinar": "Ports", "attendees": [{"name": "Ana", "mail": "ana@acme.example"}, {"name": "Gus"}]}
    guess = hook_guessing.guessed(hook_mapping.leaves(told))
    assert (guess["each"], guess["email"], guess["name"]) == ("/attendees", "/mail", "/name")
    events, left_out = hook_mapping.meant(told, hook_mapping.mapping_of({**guess, "kind": "webinar_attended"}))
    assert [(each.email, each.name) for each in events] == [("ana@acme.example", "Ana")]
    assert len(left_out) == 1


def test_of_a_message_that_names_nobody_nothing_is_guessed() -> None:
    assert hook_guessing.guessed(hook_mapping.leaves({"name": "build", "id": 7, "at": "2026-03-01T10:00:00Z"})) == {}
