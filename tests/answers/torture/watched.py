"""The command, with a thread that tells what the process holds whenever it gets SIGUSR1.

python -m tests.answers.torture.watched FILE [words of the command]; each time a line of JSON is added to the file.
"""

import gc
import json
import signal
import sys
import threading
from pathlib import Path

from tests.answers.torture import census
from trimtab.cli import main


def _tell(file, asked):
    while asked.acquire():
        gc.collect()
        row = {**census.memory(), "containers": census.counts()}
        with file.open("a") as stream:
            stream.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    gc.freeze = lambda: None  # Frozen objects are on no list.
    asked = threading.Semaphore(0)
    signal.signal(signal.SIGUSR1, lambda *_: asked.release())
    threading.Thread(target=_tell, args=(Path(sys.argv[1]), asked), daemon=True).start()
    sys.argv = ["trimtab", *sys.argv[2:]]
    main()
