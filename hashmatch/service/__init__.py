"""Upload hooks and the HTTP service.

``policy`` and ``gate`` decide about one upload and need nothing but the matcher. ``asgi``,
``wsgi``, ``django`` and ``dependency`` are thin hooks into web frameworks. ``server`` runs the
HTTP application of ``http`` in several processes. Each module imports its framework itself, so
deciding about an upload loads none of them.
"""
