"""The HTTP application: routes, access, metrics and logs."""
