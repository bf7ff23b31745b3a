"""Health and readiness: anyone may ask."""


def test_anyone_may_ask_whether_the_server_lives(browser):
    nobody = browser(None)
    assert nobody.get("/health").json() == {"status": "alive"}
    assert nobody.get("/ready").json() == {"status": "ready"}


def test_counters_are_for_those_who_watch(browser):
    assert browser(None).get("/metrics").status_code == 401
    assert browser("viewer").get("/metrics").status_code == 403
    assert browser("admin").get("/metrics").status_code == 200
