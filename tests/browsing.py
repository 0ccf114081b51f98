"""Captions and ids that must do the page no harm."""

NASTY = (
    "<img src=x onerror=alert(1)><b>bold</b></script><script>alert(2)</script>",
    "🦊🏳️‍🌈 emoji 👩‍👩‍👧‍👦",
    "שלום עולם, קטוע באמצע",
    "long " * 2000,
    "= ' \" & \u2028 ‮ {{ 7 * 7 }}",
)
