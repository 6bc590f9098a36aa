from allauth.account import views as allauth
from django.urls import include, path

from clinics.pages import account, people

urlpatterns = [
    path("login/", allauth.login, name="account_login"),
    path("logout/", allauth.logout, name="account_logout"),
    # Closed, but allauth wants its address.
    path("account/signup/", allauth.signup, name="account_signup"),
    path("account/inactive/", allauth.account_inactive, name="account_inactive"),
    path("account/reauthenticate/", allauth.reauthenticate, name="account_reauthenticate"),
    path("account/password/change/", allauth.password_change, name="account_change_password"),
    path("account/password/reset/", allauth.password_reset, name="account_reset_password"),
    path("account/password/reset/sent/", allauth.password_reset_done, name="account_reset_password_done"),
    path("password/<slug:uidb36>/<slug:key>/", allauth.password_reset_from_key, name="account_reset_password_from_key"),
    path(
        "account/password/reset/done/",
        allauth.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("account/second-factor/", include("allauth.mfa.urls")),
    path("account/", account.account, name="account"),
    path("account/clinics/<int:clinic_id>/leave/", account.leave, name="leave_clinic"),
    path("account/keys/", account.api_keys, name="api_keys"),
    path("account/keys/<int:key_id>/revoke/", account.revoke_key, name="revoke_key"),
    path("session/", account.session, name="session"),
    path("account/back/", account.welcome_back, name="welcome_back"),
    path("clinics/<int:clinic_id>/people/", people.people, name="people"),
    path("clinics/<int:clinic_id>/people/<int:user_id>/", people.person, name="person"),
    path("clinics/<int:clinic_id>/people/<int:user_id>/revoke-keys/", people.revoke_persons_keys, name="revoke_keys"),
    path(
        "clinics/<int:clinic_id>/invitations/<int:invitation_id>/withdraw/",
        people.withdraw_invitation,
        name="withdraw_invitation",
    ),
    path(
        "clinics/<int:clinic_id>/invitations/<int:invitation_id>/resend/",
        people.resend_invitation,
        name="resend_invitation",
    ),
    path("invitations/<str:token>/", people.invitation, name="invitation"),
]
