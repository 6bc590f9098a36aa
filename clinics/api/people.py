"""The people of a clinic, invitations, one's own keys, and who changed what, over the API."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clinics.api.pagination import Cursor
from clinics.api.permissions import administered, allows, caller, require
from clinics.api.serializers import (
    ApiKeySerializer,
    ChangeSerializer,
    ClosedDaySerializer,
    InvitationSerializer,
    MemberSerializer,
    NewApiKeySerializer,
    RolesInput,
)
from clinics.models import ApiKey, Change, Clinic, ClosedDay, Invitation, User
from clinics.roles import Permission, Role
from clinics.second_factor import who_has_one
from clinics.services import invitations, keys, members, tenants


class NewestFirst(Cursor):
    ordering = "-pk"


def _member_context(clinic: Clinic, people: list[User]) -> dict[str, Any]:
    return {"clinic": clinic, "with_second_factor": who_has_one([user.pk for user in people])}


class MemberList(APIView):
    """Everybody with a role that counts in the clinic, for its administrators."""

    @extend_schema(responses=MemberSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        clinic = administered(request, pk)
        people = members.members_of(clinic)
        context = _member_context(clinic, people)
        data = [MemberSerializer(person, context=context).data for person in people]
        return Response({"next": None, "previous": None, "results": data})


class MemberDetail(APIView):
    """One person's roles in the clinic."""

    @extend_schema(request=RolesInput, responses=MemberSerializer)
    def put(self, request: Request, pk: int, member: int) -> Response:
        clinic = administered(request, pk)
        people = members.members_of(clinic)
        user = generics.get_object_or_404(User.objects.filter(pk__in=[one.pk for one in people]), pk=member)
        serializer = RolesInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = {Role(role) for role in serializer.validated_data["roles"]}
        members.set_roles(user=user, clinic=clinic, roles=wanted, by=caller(request), now=timezone.now())
        fresh = User.objects.get(pk=user.pk)
        return Response(MemberSerializer(fresh, context=_member_context(clinic, [fresh])).data)


class Leave(APIView):
    """Give up one's own roles in a clinic."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, pk: int) -> Response:
        user = caller(request)
        clinic = generics.get_object_or_404(Clinic.objects.filter(memberships__user=user).distinct(), pk=pk)
        members.leave(user=user, clinic=clinic, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationList(generics.GenericAPIView[Invitation]):
    """The open invitations of a clinic, and a new one. Whether an address has an account shows nowhere."""

    serializer_class = InvitationSerializer
    pagination_class = NewestFirst
    queryset = Invitation.objects.none()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        clinic = administered(request, self.kwargs["pk"])
        page = self.paginate_queryset(Invitation.objects.open(timezone.now()).filter(clinic=clinic))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=InvitationSerializer, responses={201: InvitationSerializer})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        clinic = administered(request, self.kwargs["pk"])
        serializer = InvitationSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        made = invitations.invite(
            email=values["email"],
            roles={Role(role) for role in values["roles"]},
            clinic=clinic,
            by=caller(request),
            now=timezone.now(),
        )
        return Response(InvitationSerializer(made).data, status=status.HTTP_201_CREATED)


class InvitationAction(APIView):
    def invitation(self, request: Request, pk: int, invitation: int) -> Invitation:
        clinic = administered(request, pk)
        return generics.get_object_or_404(Invitation.objects.select_related("clinic"), clinic=clinic, pk=invitation)


class InvitationWithdraw(InvitationAction):
    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, pk: int, invitation: int) -> Response:
        found = self.invitation(request, pk, invitation)
        invitations.withdraw(invitation=found, by=caller(request), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationResend(InvitationAction):
    @extend_schema(request=None, responses=InvitationSerializer)
    def post(self, request: Request, pk: int, invitation: int) -> Response:
        found = self.invitation(request, pk, invitation)
        sent = invitations.resend(invitation=found, by=caller(request), now=timezone.now())
        return Response(InvitationSerializer(sent).data)


class ClosedDayList(generics.GenericAPIView[ClosedDay]):
    """Days on which the clinic refills nobody."""

    serializer_class = ClosedDaySerializer
    queryset = ClosedDay.objects.none()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        clinic = generics.get_object_or_404(Clinic.objects.visible_to(request.user), pk=self.kwargs["pk"])
        page = self.paginate_queryset(ClosedDay.objects.filter(clinic=clinic))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=ClosedDaySerializer, responses={201: ClosedDaySerializer})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        clinic = administered(request, self.kwargs["pk"])
        serializer = ClosedDaySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = {"name": "", **serializer.validated_data}
        closed = tenants.close_on(clinic=clinic, by=caller(request), now=timezone.now(), **values)
        return Response(ClosedDaySerializer(closed).data, status=status.HTTP_201_CREATED)


class ClosedDayDetail(APIView):
    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, pk: int, closed_day: int) -> Response:
        clinic = administered(request, pk)
        days = ClosedDay.objects.select_related("clinic").filter(clinic=clinic)
        tenants.open_on(closed=generics.get_object_or_404(days, pk=closed_day), by=caller(request), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class ChangeList(generics.ListAPIView[Change]):
    """Who changed what in a clinic, newest first, for administrators and auditors."""

    serializer_class = ChangeSerializer
    pagination_class = NewestFirst
    queryset = Change.objects.all()

    def get_queryset(self) -> QuerySet[Change]:
        clinic = generics.get_object_or_404(Clinic.objects.visible_to(self.request.user), pk=self.kwargs["pk"])
        if not allows(self.request, Permission.AUDIT, clinic.pk):
            require(self.request, Permission.ADMINISTER, clinic.pk)
        return Change.objects.filter(clinic=clinic).select_related("by")


class ApiKeyList(generics.GenericAPIView[ApiKey]):
    """The caller's own keys, and a new one, for administrators."""

    serializer_class = ApiKeySerializer
    pagination_class = NewestFirst
    queryset = ApiKey.objects.none()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(ApiKey.objects.filter(user=caller(request)))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=ApiKeySerializer, responses={201: NewApiKeySerializer})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user = caller(request)
        if not user.access.can_somewhere(Permission.ADMINISTER):
            raise PermissionDenied("Keys for programs are made by administrators.")
        serializer = ApiKeySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row, key = keys.make_named_key(user=user, name=serializer.validated_data["name"], now=timezone.now())
        return Response({**ApiKeySerializer(row).data, "key": key}, status=status.HTTP_201_CREATED)


class ApiKeyRevoke(APIView):
    @extend_schema(request=None, responses=ApiKeySerializer)
    def post(self, request: Request, pk: int) -> Response:
        key = generics.get_object_or_404(ApiKey, user=caller(request), pk=pk)
        keys.revoke_key(key=key, by=caller(request), now=timezone.now())
        key.refresh_from_db()
        return Response(ApiKeySerializer(key).data)
