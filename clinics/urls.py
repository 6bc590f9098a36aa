from django.contrib.auth.views import LogoutView
from django.urls import path

from clinics import pages

urlpatterns = [
    path("login/", pages.LogIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/<uidb64>/<token>/", pages.NewPassword.as_view(), name="password_reset_confirm"),
]
