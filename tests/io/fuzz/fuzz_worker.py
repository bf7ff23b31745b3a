"""Reads hostile files in a process of its own, which may hang or die, and tells what became of each."""

import faulthandler
import gc
import importlib
import json
import os
import pickle
import resource
import select
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

from skiagraph.errors import SkiagraphError
from skiagraph.image import pixels
from skiagraph.io import read_cases

SECONDS = 5.0
MEBIBYTES = 1024
_WALL = (
    2 * MEBIBYTES
)  # of address space for data above what the imports needed: so that no bomb takes the machine along
_PATIENCE = 60.0  # s by the clock for a file whose time on the processor is not over
_SECRET = "Nobody"  # the patient's name in the seeds, which no sentence may hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file.

    `kind` is read, refused, or what is not allowed: error, warning, sentence, hang, memory, death. `where` tells two
    failures apart; `told` is a traceback or a message.
    """

    kind: str
    where: str = ""
    told: str = ""
    seconds: float = 0.0
    mebibytes: float = 0.0

    @property
    def failed(self):
        return self.kind not in ("read", "refused")


def look(path):
    """All that is done with a file: cases, pixels, and what `skiagraph info` shows of it, contact sheet included.

    Gives the sentences that were said of it, and whether there was an image.
    """
    info = importlib.import_module("skiagraph.cli.info").info
    said, found = [], False
    try:
        for case in read_cases(path):
            if isinstance(case, str):
                said.append(case)
                continue
            said += case.problems
            for image in case.images.values():
                try:
                    found = pixels(image) is not None
                except SkiagraphError as error:
                    said.append(str(error))
        info(path, patient=True, pictures=path.parent.parent / "sheet.png")
    except SkiagraphError as error:
        said.append(str(error))
        pickle.loads(pickle.dumps(error))
    return said, found


def judged(path):
    """The outcome of looking at a file in this process; time and memory are not measured."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            said, found = look(path)
        except Exception as error:  # noqa: BLE001  (the one that was not foreseen is looked for)
            told = "".join(traceback.format_exception(error))
            return Outcome(kind="error", where=_where(error), told=told)
    for one in warned:
        if one.category is not ResourceWarning:
            return Outcome(
                kind="warning", where=f"{Path(one.filename).name}:{one.lineno}", told=str(one.message)
            )
    for sentence in said:
        if _SECRET in sentence or "\n" in sentence or not sentence.endswith("."):
            return Outcome(kind="sentence", where=sentence[:60], told=sentence)
    return Outcome(kind="read" if found else "refused", told=" ".join(said)[:500])


def _where(error):
    """The kind of an error, the last line of ours that it went through, and the line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "skiagraph" in f.filename]
    marks = [f"{Path(f.filename).name}:{f.name}" for f in (*ours[-1:], *frames[-1:])]
    return " ".join([type(error).__name__, *dict.fromkeys(marks)])


def _memory(word):
    """VmRSS, VmHWM or VmData of this process, MiB (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(word):
            return int(line.split()[1]) / 1024
    return 0.0


def _processor_seconds(process):
    """What a process used of the processor so far, its own and in the kernel (Linux, proc_pid_stat(5))."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _served(path):
    Path("/proc/self/clear_refs").write_text(
        "5"
    )  # the high water mark begins anew (Linux, proc_pid_clear_refs(5))
    before, begun = _memory("VmRSS"), time.perf_counter()
    found = judged(path)
    seconds, growth = time.perf_counter() - begun, _memory("VmHWM") - before
    if not found.failed and growth > MEBIBYTES:
        found = Outcome(kind="memory", where=f"{growth:.0f} MiB", told=found.told)
    return {
        **{name: getattr(found, name) for name in ("kind", "where", "told")},
        "seconds": seconds,
        "mebibytes": growth,
    }


def _serve():
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    trace = Path(sys.argv[1]).open("w+")  # noqa: SIM115
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)  # decoders write to these by themselves
    os.dup2(nothing, 2)
    faulthandler.enable(trace, all_threads=False)
    for path in sorted(Path(sys.argv[2]).iterdir()):
        judged(path)  # loads the packages that its format needs
    gc.collect()
    gc.freeze()  # what was loaded stays, and is not looked through again
    wall = int((_memory("VmData") + _WALL) * 2**20)
    resource.setrlimit(resource.RLIMIT_DATA, (wall, wall))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print("ready", file=answers)
    for line in sys.stdin:
        trace.seek(0)
        trace.truncate()
        faulthandler.dump_traceback_later(SECONDS * 0.9, repeat=True, file=trace)
        answer = _served(Path(line.rstrip("\n")))
        faulthandler.cancel_dump_traceback_later()
        print(json.dumps(answer), file=answers)


class Reader:
    """A worker that is started when it is needed and replaced when it died.

    Args:
        seeds: Valid files that are read before, so that no package is loaded while the clock runs, by name.
        siblings: Files that lie beside each one that is read, by name.
    """

    def __init__(self, seeds=None, siblings=None):
        self._home = tempfile.TemporaryDirectory(prefix="fuzz-")
        self._folder = Path(self._home.name)
        (self._folder / "files").mkdir()
        self._input, self._trace = self._folder / "files" / "input", self._folder / "trace"
        self._process = None
        beside = {f"files/{name}": data for name, data in (siblings or {}).items()}
        for name, data in {
            "seeds/nothing": b"",
            **{f"seeds/{n}": d for n, d in (seeds or {}).items()},
            **beside,
        }.items():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop()
        self._home.cleanup()

    def read(self, data):
        """The outcome of one file."""
        if self._process is None:
            self._start()
        self._input.write_bytes(data)
        begun, spent = time.perf_counter(), _processor_seconds(self._process.pid)
        answer = self._asked(str(self._input), SECONDS)
        while answer is None and self._may_go_on(begun, spent):
            answer = self._answer(1.0)
        if answer:
            return Outcome(**json.loads(answer))
        kind = "hang" if answer is None else "death"
        self._stop()
        told = self._trace.read_text().split("Timeout (")[-1]
        lines = [line for line in told.splitlines() if line.lstrip().startswith("File")]
        where = next((line for line in lines if "skiagraph" in line), "") or next(iter(lines), "")
        return Outcome(kind=kind, where=where.strip(), told=told, seconds=time.perf_counter() - begun)

    def _may_go_on(self, begun, spent):
        """Whether a worker that is late was only kept waiting: by others on its machine, not by its file."""
        used = _processor_seconds(self._process.pid) - spent
        return used < SECONDS and time.perf_counter() - begun < _PATIENCE

    def _start(self):
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(self._trace), str(self._folder / "seeds")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        if self._answer(120.0) != b"ready\n":
            raise RuntimeError("the worker does not start")

    def _asked(self, line, seconds):
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return b""
        return self._answer(seconds)

    def _answer(self, seconds):
        """One line; nothing where the worker died, None where it did not answer in time."""
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        return self._process.stdout.readline() if ready else None

    def _stop(self):
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        self._process = None


if __name__ == "__main__":
    _serve()
