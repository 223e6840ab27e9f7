"""The output against a receiver that fails."""

from falcocore_chat import ChatOutput

from falcocore.testing import configured, deliver, receiver, sample_alert


def test_alerts_are_sent_again_until_the_receiver_has_them() -> None:
    with receiver(503, None, 200) as chat:  # busy, no answer, taken
        output = configured(ChatOutput, {"url": chat.url, "timeout_s": "5"})
        delivery = deliver(output, [sample_alert()])
    assert len(delivery.attempts) == 3
    assert delivery.delivered == [sample_alert()]
    assert chat.headers[2]["content-type"] == "application/json"
    assert chat.bodies[2] == b'{"text": "22:13:20.000000001: Warning message 1"}'


def test_alerts_that_the_receiver_never_takes_are_refused() -> None:
    alerts = [sample_alert(1), sample_alert(2)]
    with receiver(404) as chat:
        delivery = deliver(ChatOutput(url=chat.url), alerts)
    assert (delivery.refused, delivery.delivered) == (alerts[:1], alerts[1:])
