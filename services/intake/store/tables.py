"""Intake's tables."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from shared.database import metadata

tables = metadata()

MOMENT = sa.DateTime(timezone=True)


def _code(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **options)


movement = sa.Table(
    "movement",
    tables,
    sa.Column("ward", sa.Text, primary_key=True),
    sa.Column("movement", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("data", JSONB, nullable=False),
    sa.Column("launched_at", MOMENT),
    _code("state", server_default="adopted"),
    _code("number", server_default=""),
    _code("adopted_by", server_default=""),
    _code("entered_by", server_default=""),
    _code("acting_for", server_default=""),
    sa.Column("decided_on", sa.Date),
    sa.Column("entered_at", MOMENT, nullable=False, server_default=sa.func.now()),
    sa.Column("superseded_at", MOMENT),
    sa.CheckConstraint(
        "(state = 'draft') = (launched_at IS NULL)"
        " AND (state = 'superseded') = (superseded_at IS NOT NULL)",
        name="states_and_dates",
    ),
    sa.Index(
        "uq_movement_adopted",
        "ward",
        "movement",
        unique=True,
        postgresql_where=sa.text("state = 'adopted'"),
    ),
)
"""Versions: draft, adopted (one of a movement), superseded. `number` and `decided_on` are of the
document that adopted it; only a draft's `data` is ever written again.
"""

phase_review = sa.Table(
    "phase_review",
    tables,
    sa.Column("ward", sa.Text, primary_key=True),
    sa.Column("movement", sa.Text, primary_key=True),
    sa.Column("phase", sa.Integer, primary_key=True),
    _code("number"),
    sa.Column("reviewed_on", sa.Date, nullable=False),
    sa.Column("recorded_at", MOMENT, nullable=False),
    _code("recorded_by"),
    _code("acting_for", server_default=""),
)
"""The ward's review of a phase, which ends it (plan V.1)."""

participant = sa.Table(
    "participant",
    tables,
    sa.Column("ward", sa.Text, primary_key=True),
    sa.Column("participant", sa.Text, primary_key=True),
    _code("name"),
    _code("kind"),
    sa.Column("collective", sa.Boolean, nullable=False),
    _code("group_code"),
    _code("block"),
    _code("manner"),
    sa.Column("proposed_by", sa.Text),
    _code("reporter"),
    sa.Column("registered_at", MOMENT, nullable=False),
    sa.Column("head_approves", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("left_on", sa.Date),
    sa.Column("left_into", sa.Text),
    sa.Column("rejoined_at", MOMENT),
)
"""The roll as it is now; what it said before is in `participant_change`. `left_on`: the first day
off the roll, `left_into` the unit that it was merged into; nobody else gets the code.
`rejoined_at`: when whoever had left was last entered again.
"""

participant_change = sa.Table(
    "participant_change",
    tables,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _code("ward"),
    _code("participant"),
    _code("what"),
    sa.Column("since", sa.Date, nullable=False),
    sa.Column("was", JSONB, nullable=False),
    sa.Column("now", JSONB, nullable=False),
    _code("reason"),
    _code("document"),
    sa.Column("done_at", MOMENT, nullable=False),
    _code("done_by"),
    _code("acting_for", server_default=""),
    sa.Index("ix_participant_change_participant", "ward", "participant"),
)
"""What the roll said of a participant until a day (`was`) and says from it on (`now`): its name,
group and khối, who is told, who proposes; rows are only added.
"""

contact = sa.Table(
    "contact",
    tables,
    sa.Column("ward", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    _code("name"),
    _code("email"),
    _code("unit", server_default=""),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("erased_on", sa.Date),
    sa.Index("ix_contact_email", sa.text("lower(email)")),
)
"""The directory of people. `unit`: the participant they belong to, "" for none.

An erased person keeps the code, which nobody else gets, and nothing else.
"""

role_held = sa.Table(
    "role_held",
    tables,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _code("ward"),
    _code("person"),
    _code("role"),
    _code("scope"),
    _code("scope_of"),
    sa.Column("since", sa.Date, nullable=False),
    sa.Column("until", sa.Date),
    _code("document"),
    _code("granted_by"),
    sa.Column("granted_at", MOMENT, nullable=False),
    sa.Column("ended_on", sa.Date),
    sa.Column("ended_by", sa.Text),
    sa.Column("ended_at", MOMENT),
    _code("ended_why", server_default=""),
    sa.Index("ix_role_held_person", "ward", "person"),
    sa.Index("ix_role_held_heads", "ward", "scope_of", postgresql_where=sa.text("role = 'head'")),
)
"""Roles as granted; of a row only its end is ever written. `until` is the last day.

`scope_of` is the unit or session, "" for the ward; `ended_on` the first day without the role.
"""

delegation = sa.Table(
    "delegation",
    tables,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _code("ward"),
    _code("principal"),
    _code("delegate"),
    sa.Column("roles", ARRAY(sa.Text), nullable=False),
    sa.Column("since", sa.Date, nullable=False),
    sa.Column("until", sa.Date, nullable=False),
    _code("document"),
    _code("granted_by"),
    sa.Column("granted_at", MOMENT, nullable=False),
    sa.Column("ended_on", sa.Date),
    sa.Column("ended_by", sa.Text),
    sa.Column("ended_at", MOMENT),
    _code("ended_why", server_default=""),
    sa.Index("ix_delegation_delegate", "ward", "delegate"),
    sa.Index("ix_delegation_principal", "ward", "principal"),
)
"""Who acts for whom; ended like a role."""

correction_request = sa.Table(
    "correction_request",
    tables,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _code("ward"),
    _code("person"),
    _code("text"),
    sa.Column("asked_at", MOMENT, nullable=False),
    sa.Column("outcome", sa.Text),
    _code("reason", server_default=""),
    sa.Column("answered_by", sa.Text),
    sa.Column("answered_at", MOMENT),
    sa.Index("ix_correction_request_person", "ward", "person"),
)
"""What people say is wrong about them, and what an officer made of it; erased with the person."""

period = sa.Table(
    "period",
    tables,
    sa.Column("ward", sa.Text, primary_key=True),
    sa.Column("period", sa.Text, primary_key=True),
    _code("movement"),
    _code("kind"),
    _code("title"),
    sa.Column("year", sa.Integer, nullable=False),
    sa.Column("due", MOMENT, nullable=False),
    _code("due_text"),
    sa.Column("opened_at", MOMENT, nullable=False),
    _code("rule", server_default=""),
    _code("form", server_default=""),
)
"""`rule`: the rule of the movement that laid it, "" where somebody opened it by hand. `form`: what
its reports or plans are written on (`domain/form.py`), "" for any of its kind.
"""

obligation = sa.Table(
    "obligation",
    tables,
    sa.Column("id", UUID(as_uuid=True), primary_key=True),
    _code("ward"),
    _code("participant"),
    _code("kind"),
    _code("period"),
    _code("manner"),
    sa.Column("due", MOMENT, nullable=False),
    _code("due_text"),
    sa.Column("opened_at", MOMENT, nullable=False),
    sa.Column("met_at", MOMENT),
    sa.Column("on_time", sa.Boolean),
    sa.Column("by_hand", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("withdrawn_at", MOMENT),
    _code("withdrawn_why", server_default=""),
    _code("withdrawn_reason", server_default=""),
    sa.CheckConstraint("met_at IS NULL OR withdrawn_at IS NULL", name="met_or_withdrawn"),
    sa.UniqueConstraint("ward", "participant", "kind", "period"),
)
"""`by_hand`: the office has set its date for this one alone, so no rule moves it. Withdrawn: not
asked for any more, `withdrawn_why` as the published language names it.
"""

reminder = sa.Table(
    "reminder",
    tables,
    sa.Column("obligation", UUID(as_uuid=True), primary_key=True),
    sa.Column("deadline", MOMENT, primary_key=True),
    sa.Column("offset_days", sa.Integer, primary_key=True),
    sa.Column("due_at", MOMENT, nullable=False),
    _code("state"),
    sa.Index("ix_reminder_planned", "due_at", postgresql_where=sa.text("state = 'planned'")),
)
"""`deadline`: for which it was planned; of one deadline each offset goes out once at most, however
often the duty is moved away from it and back.
"""

obligation_change = sa.Table(
    "obligation_change",
    tables,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("obligation", UUID(as_uuid=True), nullable=False),
    _code("ward"),
    _code("participant"),
    _code("command"),
    _code("reason"),
    _code("document"),
    sa.Column("was_due", MOMENT, nullable=False),
    sa.Column("due", MOMENT, nullable=False),
    _code("due_text"),
    sa.Column("done_at", MOMENT, nullable=False),
    _code("done_by"),
    _code("acting_for", server_default=""),
    sa.Index("ix_obligation_change_obligation", "obligation"),
)
"""What was ordered for a duty: moved, waived, excused, reopened, withdrawn; rows are only added.

`done_by` "": a rule did it.
"""

calendar_day = sa.Table(
    "calendar_day",
    tables,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _code("ward"),
    sa.Column("day", sa.Date, nullable=False),
    _code("kind"),
    _code("note"),
    _code("document"),
    sa.Column("set_at", MOMENT, nullable=False),
    _code("set_by"),
    _code("acting_for", server_default=""),
    sa.CheckConstraint("kind IN ('off', 'working', 'usual')", name="kind"),
    sa.Index("ix_calendar_day_day", "ward", "day"),
)
"""Days that the ward works, or does not, against the country's calendar; of a day the newest row
holds."""

escalation_rule = sa.Table(
    "escalation_rule",
    tables,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _code("ward"),
    sa.Column("grace", sa.Integer),
    _code("document"),
    sa.Column("set_at", MOMENT, nullable=False),
    _code("set_by"),
    _code("acting_for", server_default=""),
    sa.Index("ix_escalation_rule_ward", "ward"),
)
"""After how many working days the head of a unit is told; None: never. The newest row holds."""

plan = sa.Table(
    "plan",
    tables,
    sa.Column("ward", sa.Text, primary_key=True),
    sa.Column("participant", sa.Text, primary_key=True),
    sa.Column("period", sa.Text, primary_key=True),
    sa.Column("number", sa.Text, primary_key=True),
    sa.Column("issued_on", sa.Date, nullable=False),
    sa.Column("on_time", sa.Boolean, nullable=False),
    sa.Column("recorded_at", MOMENT, nullable=False),
    _code("recorded_by"),
    _code("acting_for", server_default=""),
    sa.Column("evidence", JSONB(none_as_null=True)),
)
"""`evidence`: where the signed plan is to be seen, None while no copy was handed in.

`acting_for` here and below: the person in whose place it was done, "" for nobody's.
"""

report = sa.Table(
    "report",
    tables,
    sa.Column("ward", sa.Text, primary_key=True),
    sa.Column("participant", sa.Text, primary_key=True),
    sa.Column("period", sa.Text, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("report_id", UUID(as_uuid=True), nullable=False),
    sa.Column("body", JSONB, nullable=False),
    _code("digest"),
    sa.Column("received_at", MOMENT, nullable=False),
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Column("days_late", sa.Integer, nullable=False),
    _code("door"),
    sa.Column("publisher", sa.Text),
    _code("submitted_by"),
    _code("movement"),
    sa.Column("movement_version", sa.Integer, nullable=False),
    _code("acting_for", server_default=""),
    sa.Column("taken_at", MOMENT),
)
"""Versions of reports, with the movement's version they were judged by; a row is never changed.

`taken_at`: its receipt, or when the office entered the document; NULL: from before the column.
"""

judgement = sa.Table(
    "judgement",
    tables,
    sa.Column("ward", sa.Text, primary_key=True),
    sa.Column("participant", sa.Text, primary_key=True),
    sa.Column("period", sa.Text, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    _code("outcome"),
    sa.Column("reasons", JSONB, nullable=False),
    sa.Column("correct_by", MOMENT),
    sa.Column("judged_at", MOMENT, nullable=False),
    _code("judged_by"),
    _code("acting_for", server_default=""),
)
"""What the office made of one version: returned or accepted, once."""
