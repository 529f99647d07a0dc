"""Composition root.

event (from intake)      -> handler                         -> what may follow
MovementLaunched         -> take_movements
PeriodOpened             -> take_periods
ParticipantRegistered    -> take_participants               -> ScoreComputed (self)
ParticipantLeft          -> take_departures
ReportReceived           -> take_reports                    -> ScoreComputed (self)
ReportAccepted           -> take_accepted_reports

act of a person          -> command                         -> what follows
proposal of a sheet      -> propose_sheet
adoption of a sheet      -> adopt_sheet                     -> SheetAdopted, ScoreComputed (self)
marks                    -> give_marks                      -> ScoreComputed (verified)
freezing of a period     -> freeze_results                  -> ResultFrozen
"""

from pathlib import Path

from services.scoring import api, handlers
from services.scoring.access import ROUTES
from services.scoring.pages import assessments, freezing, results
from services.scoring.store import own_data
from shared.contracts.scoring import ResultFrozen, ScoreComputed, SheetAdopted
from shared.service import Service
from shared.settings import Settings
from shared.web.own_data import own_data_router

service = Service(
    name="scoring",
    settings=Settings,
    migrations=Path(__file__).parent / "migrations",
    consumer=handlers.consumer,
    publishes=(SheetAdopted, ScoreComputed, ResultFrozen),
    routers=(
        assessments.faces,
        freezing.faces,
        api.router,
        results.router,
        assessments.router,
        freezing.router,
        own_data_router("scoring", lambda c, one: own_data.held_about(c, one.ward, one.id)),
    ),
    routes=ROUTES,
)
