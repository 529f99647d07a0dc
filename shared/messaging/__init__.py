"""The messaging kernel: what stands between a service's handlers and Kafka.

A service author uses `Consumer` (declare handlers), `UnitOfWork` (read, write, publish) and
`Works` (begin a unit of work for an HTTP request). The rest runs underneath.
"""

from shared.messaging.consumer import Consumer, Inbound, Received
from shared.messaging.errors import Permanent, Transient
from shared.messaging.unit_of_work import UnitOfWork, Works

__all__ = ["Consumer", "Inbound", "Permanent", "Received", "Transient", "UnitOfWork", "Works"]
