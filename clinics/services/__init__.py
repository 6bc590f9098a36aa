"""Writes to tenants and staff: `members` roles, `invitations` offers of them, `keys`, `account_mail`, `tenants`."""
