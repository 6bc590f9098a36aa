"""Moving in and out over the API: an import as on the page, and the export of a clinic."""

from tempfile import TemporaryFile
from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse
from django.utils import timezone
from django.utils.text import slugify
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clinics.api.pagination import Cursor
from clinics.api.permissions import administered, caller
from clinics.models import Clinic, User
from interop import jobs
from interop.api.serializers import ImportSerializer, UploadInput
from interop.exporting import export_zip
from interop.models import ImportJob
from interop.uploads import contents


def importer(request: Request) -> User:
    """The caller, who administers some clinic."""
    user = caller(request)
    if not jobs.may_import(user):
        raise PermissionDenied("Importing is for administrators.")
    return user


class NewestFirst(Cursor):
    ordering = "-pk"


class ImportList(generics.GenericAPIView[ImportJob]):
    """The caller's imports, and a new one: it is checked first, and stored once it is confirmed."""

    serializer_class = ImportSerializer
    pagination_class = NewestFirst
    parser_classes = [MultiPartParser]  # noqa: RUF012  DRF declares it so
    queryset = ImportJob.objects.none()

    @extend_schema(operation_id="imports_list", responses=ImportSerializer(many=True))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(jobs.visible_to(importer(request)))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request={"multipart/form-data": UploadInput}, responses={201: ImportSerializer})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user = importer(request)
        files, ignored = contents(request.FILES.getlist("files"))
        job = jobs.upload(user=user, files=files, warnings=ignored, now=timezone.now())
        return Response(ImportSerializer(job).data, status=status.HTTP_201_CREATED)


class ImportDetail(generics.RetrieveAPIView[ImportJob]):
    """How far an import is, and what its check found."""

    serializer_class = ImportSerializer
    queryset = ImportJob.objects.none()

    def get_queryset(self) -> QuerySet[ImportJob]:
        return jobs.visible_to(caller(self.request))


class ImportConfirm(APIView):
    @extend_schema(request=None, responses=ImportSerializer)
    def post(self, request: Request, pk: int) -> Response:
        job = generics.get_object_or_404(jobs.visible_to(importer(request)), pk=pk)
        return Response(ImportSerializer(jobs.confirm(job=job, now=timezone.now())).data)


class ImportCancel(APIView):
    @extend_schema(request=None, responses=ImportSerializer)
    def post(self, request: Request, pk: int) -> Response:
        job = generics.get_object_or_404(jobs.visible_to(importer(request)), pk=pk)
        return Response(ImportSerializer(jobs.cancel(job=job, now=timezone.now())).data)


class Export(APIView):
    """Everything of a clinic as a zip of CSV files that the import reads."""

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY, 404: OpenApiResponse()})
    def get(self, request: Request, pk: int) -> FileResponse:
        return zip_of(administered(request, pk))


def zip_of(clinic: Clinic) -> FileResponse:
    """The export as a download; the file is gone with the answer."""
    file = TemporaryFile()
    export_zip(clinic=clinic, into=file)
    file.seek(0)
    name = f"{slugify(clinic.name) or 'clinic'}-{timezone.now():%Y-%m-%d}.zip"
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")
