"""Without a cluster the adapter loads nothing of its client."""

import subprocess
import sys

CODE = """
import sys
from types import SimpleNamespace
from trimtab.infra.settings.sections.kubernetes import KubernetesSettings
from trimtab.kernel.clock import SystemClock
from trimtab.kubernetes.module import build

settings = SimpleNamespace(kubernetes=KubernetesSettings())
module = build(SimpleNamespace(settings=settings, clock=SystemClock(), dependencies=None))
assert len(module.actions) > 20
assert [list(signal.read()) for signal in module.signals] == [[]] * len(module.signals)
loaded = {name.split(".")[0] for name in sys.modules}
print(sorted(loaded & {"lightkube", "lightkube_models", "httpx2", "wsproto", "msgspec"}))
"""


def test_the_client_is_not_imported_while_no_cluster_is_configured():
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=False, timeout=100
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
