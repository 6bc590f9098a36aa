"""The visit that a form was made for: booking where none stood, moving where one did, and nothing else unseen."""

from django.http import HttpRequest

from clinics import paging
from clinics.errors import Overtaken
from pumps.models import Pump
from scheduling.models import Appointment
from scheduling.services.visits import CHANGED


def standing_as_seen(request: HttpRequest, pump: Pump) -> tuple[Appointment | None, int | None]:
    """The visit that stands, and the sequence with which the page showed it (`Appointment.as_seen`); None, if the page
    showed none: then there is one to book, which is refused where one stands by now.

    Raises:
        Overtaken: the one that was shown does not stand any more.
    """
    shown, _, sequence = request.POST.get("seen", "").partition("-")
    if not shown:
        return None, None
    present = Appointment.objects.standing().filter(pump=pump).select_related("clinic").first()
    if present is None or str(present.pk) != shown:
        raise Overtaken(CHANGED)
    return present, paging.read_id(sequence)
