"""The throttle: each address has its tries, which come back; many addresses do not use up the memory."""

import pytest

from skiagraph.server.people.access import Throttled
from skiagraph.server.people.throttle import Throttle


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def tries(throttle, address):
    taken = 0
    try:
        for _ in range(1000):
            throttle.take(address)
            taken += 1
    except Throttled:
        return taken
    return taken


def test_an_address_has_so_many_tries_and_no_more(clock):
    throttle = Throttle(30, clock)
    assert tries(throttle, "10.0.0.1") == 30
    assert tries(throttle, "10.0.0.1") == 0
    assert tries(throttle, "10.0.0.2") == 30


def test_tries_come_back_evenly_and_the_refusal_says_when(clock):
    throttle = Throttle(30, clock)
    tries(throttle, "10.0.0.1")
    with pytest.raises(Throttled, match="wait 2 s") as refused:
        throttle.take("10.0.0.1")
    assert refused.value.seconds == 2
    clock.now += 2.0
    assert tries(throttle, "10.0.0.1") == 1
    clock.now += 3600.0
    assert tries(throttle, "10.0.0.1") == 30


def test_a_network_of_ipv6_in_which_one_machine_chooses_its_addresses_is_one(clock):
    throttle = Throttle(3, clock)
    assert tries(throttle, "2001:db8:1:2::1") == 3
    assert tries(throttle, "2001:db8:1:2:ffff::9") == 0
    assert tries(throttle, "2001:db8:1:3::1") == 3


def test_what_is_remembered_is_bounded(clock):
    throttle = Throttle(2, clock)
    for number in range(11_000):
        throttle.take(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(throttle._left) == 10_000
