"""The same reading that the bin `files` of this package does, by audioio and soundfile.

    files.py sequential FILE BUFFER_S BLOCK_FRAMES    prints ns per frame (audioio)
    files.py random FILE WINDOW_FRAMES COUNT          prints us per window (soundfile)

Both print processor time of this process, system calls included, opening the file excluded.
"""

import sys
import time

import soundfile
from audioio.audioloader import AudioLoader


def sequential(path, buffer_s, block_frames):
    with AudioLoader(path, float(buffer_s)) as data:
        frames = 0
        begin = time.process_time()
        for block in data.blocks(int(block_frames)):
            frames += len(block)
        spent = time.process_time() - begin
        assert frames == data.frames, (frames, data.frames)
    return spent / frames * 1e9


def random(path, window_frames, count):
    window_frames, count = int(window_frames), int(count)
    with soundfile.SoundFile(path) as file:
        places = file.frames - window_frames
        state = 1
        begin = time.process_time()
        for _ in range(count):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            file.seek((state >> 33) % places)
            window = file.read(window_frames, dtype="float32")
            assert len(window) == window_frames
        spent = time.process_time() - begin
    return spent / count * 1e6


if __name__ == "__main__":
    print({"sequential": sequential, "random": random}[sys.argv[1]](*sys.argv[2:]))
