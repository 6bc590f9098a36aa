"""Real kills: processes of real workers end by SIGKILL at random moments, against real PostgreSQL, Redis and SMTP."""

import random
from pathlib import Path

import pytest
from django.utils import timezone

from bench._chaos_engine import engine
from bench._chaos_processes import engine_beats, settled, wait
from bench._chaos_world import BOOKS, Tally, all_quiet, come_due, once, pumps_of
from bench._growing import grow
from bench._post_office import PostOffice
from clinics.roles import Role
from tests.builders import a_clinic, a_running_pump, a_user
from tests.test_real_path import database_url

KILLS, ORIGINALS = 20, 2

pytestmark = [pytest.mark.processes, pytest.mark.usefixtures("committed")]


def test_twenty_kills_lose_nothing_and_repeat_only_what_was_taken_and_not_noted(tmp_path: Path) -> None:
    now, dice = timezone.now(), random.Random(20)  # noqa: S311  no secret
    clinic = a_clinic()
    a_user(Role.SCHEDULER, clinic, email=BOOKS)
    for _ in range(ORIGINALS):
        a_running_pump(clinic, now=now)
    grow(ORIGINALS * 100)
    all_quiet(now)
    post, pumps, kills = PostOffice(tmp_path), pumps_of(), 0
    there = {"DATABASE_URL": database_url()}
    try:
        with engine(tmp_path / "e", post.port, workers=1, beats=1, variables=there) as running:
            wait(running, lambda: len(engine_beats()) == 2)
            while kills < KILLS:
                running.rest(dice.uniform(0.1, 0.5))
                come_due(pumps[kills * 10 : kills * 10 + 10], timezone.now())
                kills += running.kill_someone(dice)
            assert settled(running, 60)
        tally = Tally("killed", once(pumps)).count(post.taken(), running.killed)
    finally:
        post.close()
    assert tally.is_well, tally.line()
    assert tally.delivered == len(pumps)
