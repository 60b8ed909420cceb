"""A plan of what is published, in words and for programs."""

from typing import Any

from meaculpa.cli.wording import faint
from meaculpa.plan import Plan


def changes(plan: Plan) -> str:
    """`3 changed, 1 deleted, 40 unchanged`."""
    parts = [f"{len(plan.uploads):,} changed"] if plan.uploads else []
    parts += [f"{len(plan.deletes):,} deleted"] if plan.deletes else []
    parts += [f"{len(plan.gone):,} to be deleted next time"] if plan.gone else []
    return ", ".join([*parts, f"{plan.unchanged:,} unchanged"])


def plan_data(plan: Plan) -> dict[str, Any]:
    """A plan for programs."""
    return {
        "build": plan.index.build,
        "uploads": [{"path": upload.file.path, "reason": str(upload.reason)} for upload in plan.uploads],
        "deletes": list(plan.deletes),
        "gone": list(plan.gone),
        "unchanged": plan.unchanged,
    }


def plan_lines(plan: Plan) -> list[str]:
    """A line for each file that would change, with the reason."""
    uploads = [f"{upload.group:9} {upload.file.path}  {faint(upload.reason)}" for upload in plan.uploads]
    return [*uploads, *(f"delete    {path}" for path in plan.deletes)]
