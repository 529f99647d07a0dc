"""What a person sees while the cycle plays: a live board on a terminal, else plain lines."""

import sys
import threading
import time
from collections import Counter, deque
from datetime import datetime
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from shared.calendar import vietnamese_time

TOPICS = [f"thidua.{name}.v1" for name in ("intake", "scoring", "awards", "notify")]
LAST = 8

WORDS = {
    "movement-launched": "phát động phong trào",
    "participant-registered": "đăng ký tham gia",
    "participant-left": "thôi tham gia",
    "period-opened": "mở kỳ báo cáo",
    "summary-due": "báo việc chờ phòng",
    "obligation-opened": "giao nhiệm vụ",
    "reminder-due": "nhắc việc",
    "obligation-overdue": "quá hạn",
    "obligation-escalated": "báo người đứng đầu",
    "obligation-moved": "đổi hạn",
    "obligation-withdrawn": "miễn, rút nhiệm vụ",
    "obligation-met": "hoàn thành nhiệm vụ",
    "plan-recorded": "ghi nhận kế hoạch",
    "report-received": "nhận báo cáo",
    "report-returned": "trả lại báo cáo",
    "report-accepted": "tiếp nhận chính thức",
    "approval-asked": "trình người đứng đầu duyệt",
    "approval-settled": "người đứng đầu trả lời",
    "sheet-adopted": "thông qua bảng điểm",
    "score-computed": "tính điểm",
    "result-frozen": "chốt kết quả",
    "dossier-opened": "lập hồ sơ",
    "candidate-published": "công khai đề nghị",
    "dossier-concluded": "kiểm phiếu",
    "award-decided": "quyết định khen thưởng",
    "mail-sent": "gửi thư",
    "mail-failed": "thư không gửi được",
}


class Tail:
    """Listens in on the fact topics: how many events of each kind, and the last of them."""

    def __init__(self, kafka: str) -> None:
        self.counts: Counter[str] = Counter()
        self.last: deque[str] = deque(maxlen=LAST)
        self._stop = threading.Event()
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka,
                "group.id": f"view-{time.time_ns()}",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
            }
        )
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def start(self) -> None:
        self._consumer.subscribe(TOPICS)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5)
        self._consumer.close()

    def _listen(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(500, 0.2):
                if message.error():
                    continue
                kind = dict(message.headers() or [])["ce_type"]
                text = kind.decode() if isinstance(kind, bytes) else str(kind)
                name = text.split(".")[-2]
                key = (message.key() or b"").decode()
                self.counts[name] += 1
                self.last.append(f"{WORDS.get(name, name)} – {key.partition('/')[2]}")


class View:
    """Shows step after step. `steps` is how many there are in all."""

    def __init__(self, tail: Tail, steps: int) -> None:
        self._tail = tail
        self._steps = steps
        self._step = 0
        self._title = ""
        self._clock = ""
        self._began = time.monotonic()
        self._console = Console()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        self._tail.start()
        if sys.stdout.isatty():
            self._live = Live(self, console=self._console, refresh_per_second=8)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
        self._tail.stop()

    def begin(self, number: int, at: datetime, title: str) -> None:
        self._step, self._title, self._clock = number, title, vietnamese_time(at)

    def end(self, seconds: float) -> None:
        """A step is behind us, and all that follows from it."""
        if self._live is not None:
            return
        events = sum(self._tail.counts.values())
        mails = self._tail.counts["mail-sent"]
        print(
            f"[{self._step:>2}/{self._steps}] {self._clock} – {self._title}"
            f" (sự kiện {events}, thư {mails}, {seconds:.1f} s)",
            flush=True,
        )

    def __rich__(self) -> Group:
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text(f"{self._step}/{self._steps}", style="bold"),
            ProgressBar(total=self._steps, completed=self._step, width=40),
            Text(f"{time.monotonic() - self._began:.0f} s"),
        )
        counts = Table(title="Sự kiện", title_justify="left", box=None)
        counts.add_column("loại")
        counts.add_column("số", justify="right")
        for name, count in self._tail.counts.most_common():
            counts.add_row(WORDS.get(name, name), str(count))
        last = Table(title="Vừa xảy ra", title_justify="left", box=None, show_header=False)
        for line in list(self._tail.last):
            last.add_row(line)
        body = Table.grid(padding=(0, 4))
        body.add_row(counts, last)
        now = Text(f"{self._clock} – {self._title}", style="bold")
        return Group(head, now, body)
