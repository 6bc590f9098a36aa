"""The two sounds differ to the ear, are the same every time, and reach an old phone."""

import io
import itertools
import struct
import wave

import pytest
from django.test import Client

from portal.sounds import HIGH, LOW, ONE_TONE, RATE_HZ, TWO_TONES, Note, sound


def samples(data: bytes) -> tuple[int, ...]:
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE_HZ)
        return struct.unpack(f"<{file.getnframes()}h", file.readframes(file.getnframes()))


def pitches(played: tuple[int, ...]) -> list[float]:
    """The pitch of every 0.05 s that is not silent, from how often it passes zero."""
    step = RATE_HZ // 20
    found = []
    for start in range(0, len(played) - step, step):
        part = played[start : start + step]
        if max(part) > 10_000 and sum(abs(sample) > 1000 for sample in part) > step * 0.9:
            crossings = sum((one < 0) != (two < 0) for one, two in itertools.pairwise(part))
            found.append(crossings / 2 * 20)
    return found


def test_one_tone_has_one_pitch_and_two_tones_have_two() -> None:
    assert {round(pitch, -2) for pitch in pitches(samples(sound(ONE_TONE)))} == {HIGH.hz}
    assert {round(pitch, -2) for pitch in pitches(samples(sound(TWO_TONES)))} == {HIGH.hz, LOW.hz}


def test_tones_begin_and_end_softly() -> None:
    played = samples(sound((Note(1000, 0.2),)))
    assert len(played) == 0.2 * RATE_HZ
    assert played[0] == played[-1] == 0
    assert max(played[:16]) < max(played) / 5


def test_the_same_notes_are_the_same_bytes() -> None:
    sound.cache_clear()
    first = sound(TWO_TONES)
    sound.cache_clear()
    assert sound(TWO_TONES) == first


@pytest.mark.parametrize(("name", "notes"), [("one-tone", ONE_TONE), ("two-tones", TWO_TONES)])
def test_a_browser_keeps_them_and_may_fetch_a_part(client: Client, name: str, notes: tuple[Note, ...]) -> None:
    url, data = f"/v/sounds/{name}.wav", sound(notes)
    whole = client.get(url)
    assert whole.content == data
    assert whole.headers["Content-Type"] == "audio/wav"
    assert "max-age=86400" in whole.headers["Cache-Control"]
    assert client.get(url, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    for asked, part in (("bytes=0-1", data[:2]), ("bytes=100-", data[100:]), ("bytes=-7", data[-7:])):
        answer = client.get(url, headers={"Range": asked})
        assert answer.status_code == 206
        assert answer.content == part
        first = data.index(part) if asked == "bytes=0-1" else len(data) - len(part)
        assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(part) - 1}/{len(data)}"
    for rubbish in ("bytes=9-1", "bytes=-", f"bytes={len(data)}-", "bytes=" + "9" * 5000 + "-", "words", "bytes=-0"):
        answer = client.get(url, headers={"Range": rubbish})
        assert (answer.status_code, answer.content) == (200, data)
    assert client.post(url).status_code == 405
