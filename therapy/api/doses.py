"""Proposed doses, tapers and signatures over the API."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response

from clinical.findings import Finding
from clinical.reading_back import Settings
from clinics.api.permissions import caller, require
from clinics.roles import Permission
from pumps.models import DoseSignature, Event
from pumps.services import signing
from therapy.api.base import OfPumpView, created, taken
from therapy.api.dose_serializers import (
    DraftOutput,
    ProposalInput,
    ProposalOutput,
    ReadBackInput,
    SignatureOutput,
    SignInput,
    SignWeaningInput,
    ToSignOutput,
    WeaningInput,
    WeaningOutput,
)
from therapy.api.serializers import NoteInput, ReasonInput
from therapy.models import Proposal, WeaningPlan
from therapy.services import drafts, proposals, weaning
from therapy.waiting import to_sign

_PROPOSAL = ("protocol", "proposed_by", "signed_by", "confirmed_by", "withdrawn_by")
_PLAN = ("drafted_by", "signed_by", "ended_by")


@extend_schema_view(get=extend_schema(responses=ProposalOutput(many=True)))
class ProposalList(OfPumpView):
    """Doses proposed for a pump, newest first; one is open at a time."""

    serializer_class = ProposalOutput

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        pump = self.pump(Permission.SEE_CLINICAL)
        return self.page(Proposal.objects.filter(pump=pump).select_related(*_PROPOSAL))

    @extend_schema(request=ProposalInput, responses={201: ProposalOutput})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        pump = self.pump(Permission.PROPOSE_DOSE)
        wanted = taken(ProposalInput, request).wanted()
        made = proposals.propose(pump_id=pump.pk, wanted=wanted, by=caller(request), now=timezone.now())
        return created(ProposalOutput(made))


class ProposalPreview(OfPumpView):
    """What a proposal would be held against: band, findings, change. Nothing is stored."""

    serializer_class = DraftOutput

    @extend_schema(request=ProposalInput, responses=DraftOutput)
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        pump = self.pump(Permission.PROPOSE_DOSE)
        wanted = taken(ProposalInput, request).wanted()
        return Response(DraftOutput(drafts.drafted(pump, wanted, now=timezone.now())).data)


class ProposalView(generics.GenericAPIView[Proposal]):
    serializer_class = ProposalOutput
    queryset = Proposal.objects.none()

    def proposal(self, permission: Permission) -> Proposal:
        rows = Proposal.objects.visible_to(self.request.user).select_related(*_PROPOSAL)
        found = generics.get_object_or_404(rows, pk=self.kwargs["proposal"])
        require(self.request, permission, found.clinic_id)
        return found


class ProposalDetail(ProposalView):
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(ProposalOutput(self.proposal(Permission.SEE_CLINICAL)).data)


class ProposalSign(ProposalView):
    """A prescriber signs. With a `block` finding: 409, unless overridden with a reason, which stays visible."""

    @extend_schema(request=SignInput, responses=ProposalOutput)
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found = self.proposal(Permission.SIGN_DOSE)
        given = taken(SignInput, request).validated_data
        signed = proposals.sign(proposal_id=found.pk, by=caller(request), now=timezone.now(), **given)
        return Response(ProposalOutput(signed).data)


class ProposalConfirm(ProposalView):
    """The pump was programmed, and shows what is sent. A difference answers 409 by field, is kept with the proposal,
    and nothing is confirmed; else the dose change is recorded."""

    @extend_schema(request=ReadBackInput, responses=ProposalOutput)
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found = self.proposal(Permission.LOG)
        read = Settings(**taken(ReadBackInput, request).validated_data)
        confirmed, differing = proposals.confirm(
            proposal_id=found.pk, read=read, by=caller(request), source=Event.Source.API, now=timezone.now()
        )
        if differing:
            return Response(_told(differing), status=status.HTTP_409_CONFLICT)
        return Response(ProposalOutput(confirmed).data)


def _told(differing: Mapping[str, Finding]) -> dict[str, list[str]]:
    return {field: [finding.message] for field, finding in differing.items()}


class ProposalWithdraw(ProposalView):
    @extend_schema(request=ReasonInput, responses=ProposalOutput)
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found = self.proposal(Permission.PROPOSE_DOSE)
        given = taken(ReasonInput, request).validated_data
        done = proposals.withdraw(proposal_id=found.pk, by=caller(request), now=timezone.now(), **given)
        return Response(ProposalOutput(done).data)


@extend_schema_view(get=extend_schema(responses=WeaningOutput(many=True)))
class WeaningList(OfPumpView):
    """Tapers of a pump, newest first; one is open at a time."""

    serializer_class = WeaningOutput

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        pump = self.pump(Permission.SEE_CLINICAL)
        return self.page(WeaningPlan.objects.filter(pump=pump).select_related(*_PLAN))

    @extend_schema(request=WeaningInput, responses={201: WeaningOutput})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        pump = self.pump(Permission.PROPOSE_DOSE)
        serializer = taken(WeaningInput, request)
        made = weaning.draft(
            pump_id=pump.pk,
            steps=serializer.downs(),
            reason=serializer.validated_data["reason"],
            by=caller(request),
            now=timezone.now(),
        )
        return created(WeaningOutput(made))


class WeaningView(generics.GenericAPIView[WeaningPlan]):
    serializer_class = WeaningOutput
    queryset = WeaningPlan.objects.none()

    def plan(self, permission: Permission) -> WeaningPlan:
        rows = WeaningPlan.objects.visible_to(self.request.user).select_related(*_PLAN)
        found = generics.get_object_or_404(rows, pk=self.kwargs["plan"])
        require(self.request, permission, found.clinic_id)
        return found


class WeaningDetail(WeaningView):
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(WeaningOutput(self.plan(Permission.SEE_CLINICAL)).data)


class WeaningSign(WeaningView):
    """A prescriber signs: each step is a planned dose change from now on, and somebody is reminded of each. With a
    finding of severity `high`: 400, unless it is said to have been `seen`."""

    @extend_schema(request=SignWeaningInput, responses=WeaningOutput)
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found = self.plan(Permission.SIGN_DOSE)
        given = taken(SignWeaningInput, request).validated_data
        now = timezone.now()
        signed = weaning.sign(plan_id=found.pk, by=caller(request), source=Event.Source.API, now=now, **given)
        return Response(WeaningOutput(signed).data)


class WeaningStepConfirm(WeaningView):
    """The step that is due was programmed, and the pump shows what is sent; a difference answers 409 by field."""

    @extend_schema(request=ReadBackInput, responses=WeaningOutput)
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found = self.plan(Permission.LOG)
        read = Settings(**taken(ReadBackInput, request).validated_data)
        event = generics.get_object_or_404(found.events, pk=self.kwargs["event"])
        differing = weaning.confirm_step(
            plan_id=found.pk,
            event_id=event.pk,
            read=read,
            by=caller(request),
            source=Event.Source.API,
            now=timezone.now(),
        )
        if differing:
            return Response(_told(differing), status=status.HTTP_409_CONFLICT)
        return Response(WeaningOutput(self.plan(Permission.LOG)).data)


class WeaningEnd(WeaningView):
    """End a plan: its steps that have not come are marked as entered in error. A signed one needs a prescriber."""

    @extend_schema(request=ReasonInput, responses=WeaningOutput)
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found = self.plan(Permission.PROPOSE_DOSE)
        if found.state == WeaningPlan.State.SIGNED:
            require(request, Permission.SIGN_DOSE, found.clinic_id)
        given = taken(ReasonInput, request).validated_data
        now = timezone.now()
        ended = weaning.end(plan_id=found.pk, by=caller(request), source=Event.Source.API, now=now, **given)
        return Response(WeaningOutput(ended).data)


class DoseSign(OfPumpView):
    """A prescriber signs a dose change that was made without a signature."""

    serializer_class = SignatureOutput

    @extend_schema(request=NoteInput, responses=SignatureOutput)
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        pump = self.pump(Permission.SIGN_DOSE)
        asked = DoseSignature.objects.filter(event__pump=pump)
        found = generics.get_object_or_404(asked, event=self.kwargs["event"])
        given = taken(NoteInput, request).validated_data
        return Response(
            SignatureOutput(signing.sign(event_id=found.event_id, by=caller(request), now=timezone.now(), **given)).data
        )


class ToSign(generics.GenericAPIView[Proposal]):
    """What waits for a signature in the clinics where the caller may sign, oldest first."""

    serializer_class = ToSignOutput
    queryset = Proposal.objects.none()
    pagination_class = None

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(ToSignOutput(to_sign(caller(request))).data)
