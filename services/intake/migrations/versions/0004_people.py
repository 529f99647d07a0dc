"""The directory of people: roles held, delegation, requests for correction."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ROLES = (
    "'reporter', 'head', 'officer', 'substitute-officer', 'assessor', 'inspector', 'council',"
    " 'council-secretary', 'chairman', 'clerk', 'communications-officer', 'operator', 'auditor'"
)
_GRANT_KNOWN_REPORTERS = """
    INSERT INTO role_held
        (ward, person, role, scope, scope_of, since, document, granted_by, granted_at)
    SELECT p.ward, p.reporter, 'reporter', 'unit', p.participant,
        CAST(p.registered_at AT TIME ZONE 'Asia/Ho_Chi_Minh' AS date), '', 'migration',
        p.registered_at
    FROM participant AS p
    LEFT JOIN participant AS u ON u.ward = p.ward AND u.participant = p.proposed_by
    WHERE u.reporter IS DISTINCT FROM p.reporter
    ORDER BY p.ward, p.participant
"""
_PLACE_KNOWN_REPORTERS = """
    UPDATE contact SET unit = first.participant
    FROM (
        SELECT DISTINCT ON (ward, reporter) ward, reporter, participant
        FROM participant ORDER BY ward, reporter, collective DESC, participant
    ) AS first
    WHERE first.ward = contact.ward AND first.reporter = contact.person
"""


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _identity() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False)


def upgrade() -> None:
    _widen_contact()
    _roles()
    _delegations()
    _corrections()
    op.execute(_GRANT_KNOWN_REPORTERS)
    op.execute(_PLACE_KNOWN_REPORTERS)


def _widen_contact() -> None:
    op.add_column("contact", sa.Column("unit", sa.Text, nullable=False, server_default=""))
    op.add_column("contact", sa.Column("version", sa.Integer, nullable=False, server_default="1"))
    op.add_column("contact", sa.Column("erased_on", sa.Date))
    op.create_check_constraint(
        "ck_contact_erased_is_blank",
        "contact",
        "erased_on IS NULL OR (name = '' AND email = '' AND unit = '')",
    )
    op.create_index("ix_contact_email", "contact", [sa.text("lower(email)")])


def _granted() -> tuple[sa.Column[Any], ...]:
    return (
        _text("document"),
        _text("granted_by"),
        _moment("granted_at"),
        sa.Column("ended_on", sa.Date),
        _text("ended_by", nullable=True),
        _moment("ended_at", nullable=True),
        sa.Column("ended_why", sa.Text, nullable=False, server_default=""),
    )


def _roles() -> None:
    op.create_table(
        "role_held",
        _identity(),
        _text("ward"),
        _text("person"),
        _text("role"),
        _text("scope"),
        _text("scope_of"),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("until", sa.Date),
        *_granted(),
        sa.PrimaryKeyConstraint("id", name="pk_role_held"),
        sa.CheckConstraint(f"role IN ({_ROLES})", name="ck_role_held_role_known"),
        sa.CheckConstraint("scope IN ('ward', 'unit', 'session')", name="ck_role_held_scope_known"),
        sa.CheckConstraint(
            "(scope = 'ward') = (scope_of = '')", name="ck_role_held_scope_names_its_own"
        ),
        sa.CheckConstraint("until >= since", name="ck_role_held_days_in_order"),
        sa.CheckConstraint(
            "num_nulls(ended_on, ended_by, ended_at) IN (0, 3)",
            name="ck_role_held_ended_by_somebody",
        ),
    )
    op.create_index("ix_role_held_person", "role_held", ["ward", "person"])


def _delegations() -> None:
    op.create_table(
        "delegation",
        _identity(),
        _text("ward"),
        _text("principal"),
        _text("delegate"),
        sa.Column("roles", ARRAY(sa.Text), nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("until", sa.Date, nullable=False),
        *_granted(),
        sa.PrimaryKeyConstraint("id", name="pk_delegation"),
        sa.CheckConstraint("principal <> delegate", name="ck_delegation_is_to_another"),
        sa.CheckConstraint("cardinality(roles) > 0", name="ck_delegation_names_roles"),
        sa.CheckConstraint(f"roles <@ ARRAY[{_ROLES}]", name="ck_delegation_roles_known"),
        sa.CheckConstraint("until >= since", name="ck_delegation_days_in_order"),
        sa.CheckConstraint("document <> ''", name="ck_delegation_has_its_document"),
        sa.CheckConstraint(
            "num_nulls(ended_on, ended_by, ended_at) IN (0, 3)",
            name="ck_delegation_ended_by_somebody",
        ),
    )
    op.create_index("ix_delegation_delegate", "delegation", ["ward", "delegate"])
    op.create_index("ix_delegation_principal", "delegation", ["ward", "principal"])


def _corrections() -> None:
    op.create_table(
        "correction_request",
        _identity(),
        _text("ward"),
        _text("person"),
        _text("text"),
        _moment("asked_at"),
        _text("outcome", nullable=True),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        _text("answered_by", nullable=True),
        _moment("answered_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_correction_request"),
        sa.CheckConstraint(
            "outcome IN ('corrected', 'refused')", name="ck_correction_request_outcome_known"
        ),
        sa.CheckConstraint(
            "num_nulls(outcome, answered_by, answered_at) IN (0, 3)",
            name="ck_correction_request_answered_by_somebody",
        ),
    )
    op.create_index("ix_correction_request_person", "correction_request", ["ward", "person"])


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
