"""One PostgreSQL database a service, reached with SQLAlchemy Core."""

from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def metadata() -> MetaData:
    """Metadata with named constraints, so that the database's refusals can be read."""
    return MetaData(naming_convention=NAMING)


def connect(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """An engine in READ COMMITTED (the inbox relies on each statement seeing what is committed)."""
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=5,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        connect_args={"timeout": 10, "server_settings": {"application_name": "thidua"}},
    )
