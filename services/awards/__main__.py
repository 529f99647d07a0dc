"""`python -m services.awards serve | migrate`."""

from services.awards.app import service

service.main()
