"""Composition root of awards.

| Event in | Handler | What it means here |
|---|---|---|
| MovementLaunched | take_movements | the forms on offer, the place on certificates |
| PeriodOpened | take_periods | a period whose dossiers may be opened |
| ParticipantRegistered | take_participants | who may be rewarded, and who proposes them |
| ParticipantLeft | take_departures | who may be rewarded no more |
| ReportAccepted | take_accepted_reports | its nominations are proposals |
| ResultFrozen | take_results | a result that a dossier rests on |

Out: DossierOpened, CandidatePublished, DossierConcluded, AwardDecided.
"""

from pathlib import Path

from services.awards import api, handlers
from services.awards.access import ROUTES
from services.awards.pages import approval, board, decision, dossier
from services.awards.routines import routines
from services.awards.settings import AwardsSettings
from services.awards.store import own_data
from shared.contracts.awards import (
    AwardDecided,
    CandidatePublished,
    DossierConcluded,
    DossierOpened,
)
from shared.service import Service
from shared.web.own_data import own_data_router

service = Service(
    name="awards",
    settings=AwardsSettings,
    migrations=Path(__file__).parent / "migrations",
    consumer=handlers.consumer,
    publishes=(DossierOpened, CandidatePublished, DossierConcluded, AwardDecided),
    routers=(
        dossier.faces,
        approval.faces,
        api.router,
        board.router,
        approval.router,
        decision.router,
        own_data_router("awards", lambda c, one: own_data.held_about(c, one.ward, one.id)),
    ),
    routes=ROUTES,
    routines=routines,
)
