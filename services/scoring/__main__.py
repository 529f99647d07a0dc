from services.scoring.app import service

service.main()
