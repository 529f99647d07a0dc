from tests.component.tiny.app import service

service.main()
