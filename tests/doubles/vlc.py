"""VLC and ffmpeg, as those use them who watch and stream: a clip, a player, what came of it."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

__all__ = ["RTP", "RTP_HEADER", "STANDARD", "decode", "make_clip", "needs_vlc", "vlc"]

STANDARD: Final = "#standard{access=udp,mux=ts,dst=127.0.0.1:%d}"
RTP: Final = "#rtp{dst=127.0.0.1,port=%d,mux=ts}"
RTP_HEADER: Final = 12
_CLIP_SECONDS: Final = 4
_MISSING: Final = [tool for tool in ("cvlc", "ffmpeg") if shutil.which(tool) is None]

needs_vlc: Final = [
    pytest.mark.thorough,
    pytest.mark.skipif(
        bool(_MISSING) and "CI" not in os.environ, reason=f"not installed: {', '.join(_MISSING)}"
    ),
]


def make_clip(path: Path) -> None:
    picture = f"testsrc2=size=640x360:rate=25:duration={_CLIP_SECONDS}"
    sound = f"sine=frequency=440:duration={_CLIP_SECONDS}"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound]
    command += ["-c:v", "mpeg2video", "-b:v", "2M", "-g", "12", "-c:a", "mp2", str(path)]
    subprocess.run(command, check=True, timeout=60)


def vlc(folder: Path, *arguments: str, log: Path | None = None) -> subprocess.Popen[bytes]:
    with open(os.devnull if log is None else log, "wb") as output:
        return subprocess.Popen(
            ["cvlc", *arguments],
            user="nobody" if os.geteuid() == 0 else None,
            env={**os.environ, "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def whole_pictures(stream: bytes) -> bytes:
    """The stream without its last picture: VLC stops in the middle of it when a clip ends."""
    start_of_last = stream.rfind(b"\x00\x00\x01\xe0")  # ISO/IEC 13818-1, 2.4.3.7: a video PES
    return stream[: start_of_last // 188 * 188]


def decode(folder: Path, datagrams: list[bytes], header: int) -> tuple[str, int]:
    """What ffmpeg complains of, and how many pictures it found."""
    path = folder / "received.ts"
    path.write_bytes(whole_pictures(b"".join(datagram[header:] for datagram in datagrams)))
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "null", "-"]
    complaints = subprocess.run(command, capture_output=True, text=True, timeout=60).stderr
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-count_frames"]
    command += ["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", str(path)]
    counted = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    return complaints, int(counted.split()[0].rstrip(","))
