from clinics.pages.access import require, user_of

__all__ = ["require", "user_of"]
