import pytest

from tests.incidents.records import START, drift_incident
from trimtab.incidents.messages import alert_text, broadcast, duration_text, resolution_text
from trimtab.infra.notify import Kind


@pytest.mark.feature("F373", "F376")
def test_the_alert_message_is_the_documents_word_for_word():
    assert alert_text(drift_incident()) == (
        "🚨 [P1] Model Drift Critical — classifier_v2\n"
        "Drift score: 0.45 (threshold: 0.3)\n"
        "Top features: V14 (PSI=0.8), V17 (PSI=0.6)\n"
        "Investigating automatically..."
    )


@pytest.mark.feature("F377", "F378", "F379", "F380")
def test_the_resolution_message_is_the_documents_word_for_word():
    incident = drift_incident()
    assert resolution_text(incident, incident.episode.restored_at) == (
        "✅ [Resolved] Model Drift — classifier_v2\n"
        "Root cause: Vendor API format change affecting V14\n"
        "Resolution: Retrained model with updated feature pipeline\n"
        "Time to resolve: 45 minutes"
    )


def test_a_drills_messages_say_so():
    (message,) = broadcast(drift_incident(drill=True), Kind.ALERT, "text", "key")
    assert (message.channel, message.text) == ("#ml-alerts", "[DRILL] text")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 seconds"), (119, "119 seconds"), (120, "2 minutes")]
)
def test_short_times_are_told_in_seconds(seconds, text):
    assert duration_text(seconds) == text


def test_the_same_news_of_a_reopened_incident_is_news_again():
    first = broadcast(drift_incident(), Kind.ALERT, "text", "alert")
    again = broadcast(drift_incident(number=2, opened_at=START), Kind.ALERT, "text", "alert")
    assert first[0].key != again[0].key
