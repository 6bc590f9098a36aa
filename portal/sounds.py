"""The two sounds of an alarm, so that people can say which they hear. Pure: the same bytes every time.

One tone, about once an hour, is not critical; two tones are. Source: clinical rules, section 4. How high a real one
sounds differs from model to model, so what tells them apart is one pitch against two.
"""

import io
import math
import struct
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

RATE_HZ = 16_000
LOUDEST = 0.6 * 32_767
# Swelling and fading this long keeps a tone from clicking at its ends.
FADE_S = 0.01


@dataclass(frozen=True)
class Note:
    """A pure tone of `hz`, or a silence where that is 0."""

    hz: float
    seconds: float


HIGH, LOW, GAP = Note(2600, 0.35), Note(1900, 0.35), Note(0, 0.6)
ONE_TONE = (HIGH, GAP)
TWO_TONES = (HIGH, LOW, GAP, HIGH, LOW, GAP)


@cache
def sound(notes: tuple[Note, ...]) -> bytes:
    """The notes one after the other as a WAV file: mono, 16 bits, which the oldest phone plays."""
    samples = [sample for note in notes for sample in _samples(note)]
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return file.getvalue()


def _samples(note: Note) -> Iterator[int]:
    count = round(note.seconds * RATE_HZ)
    for number in range(count):
        swell = min(1.0, number / (FADE_S * RATE_HZ), (count - 1 - number) / (FADE_S * RATE_HZ))
        yield round(LOUDEST * swell * math.sin(2 * math.pi * note.hz * number / RATE_HZ))
