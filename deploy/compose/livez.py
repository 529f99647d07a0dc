"""Container health check: exit 0 when the service in this container answers its livez with 200."""

import http.client
import os
import sys


def alive(service: str, port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", f"/{service}/livez")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not alive(os.environ["SERVICE"], int(os.environ["THIDUA_HTTP_PORT"])))
