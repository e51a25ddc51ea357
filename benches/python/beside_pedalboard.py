"""What effects cost beside those of pedalboard (JUCE's C++ underneath), in the same run.

    beside_pedalboard.py OSSICLE    the program `ossicle`, built in release

Both sides get stereo noise that goes on like music, at 48 kHz, and give nanoseconds of processor time
for a sample of one channel: of the fastest run, runs of both in turn. Two comparisons are told:

per call    pedalboard is called once for each block, as whoever plays live from Python must: the bars are on
            this. A call costs about a microsecond or two, whatever the effect.
inside      its C++ cuts a long sound into blocks itself, so that no call counts: what the effect costs.

Ours is what `ossicle bench` tells for the chain, called once for each block from Rust.
"""

import json
import subprocess
import sys
import time
from importlib.metadata import version

import numpy
import pedalboard

RATE_HZ = 48_000
CHANNELS = 2
FRAMES = 1 << 15
# Runs of one measurement of theirs, and rounds in which both sides have their turn.
RUNS = 15
ROUNDS = 5
# Frames after which the level takes its next step, and the levels as factors.
STEP_FRAMES = 6000
LEVELS = [1.0, 0.05, 0.4, 0.006, 0.7, 0.2]

# Name, their effect, our chain, and how many times as fast ours is to be, per call, by block length.
EFFECTS = [
    (
        "peak EQ",
        lambda: pedalboard.PeakFilter(cutoff_frequency_hz=1000, gain_db=6, q=0.707),
        "parametric_eq:b1_type=peak,b1_freq=1kHz,b1_gain=6dB,b1_q=0.707",
        {64: 6.0, 512: 2.0},
    ),
    (
        "compressor",
        lambda: pedalboard.Compressor(
            threshold_db=-18, ratio=4, attack_ms=10, release_ms=100
        ),
        "compressor:threshold=-18dBFS,ratio=4,attack=10ms,release=100ms,knee=0dB",
        {64: 3.0, 512: 2.0},
    ),
    (
        "limiter",
        lambda: pedalboard.Limiter(threshold_db=-6, release_ms=100),
        "true_peak_limiter:ceiling=-6dBFS,release=100ms",
        {64: 1.5, 512: 2.0},
    ),
    (
        "gate",
        lambda: pedalboard.NoiseGate(
            threshold_db=-40, ratio=10, attack_ms=1, release_ms=100
        ),
        "gate:threshold=-40dBFS,attack=1ms,release=100ms",
        {},
    ),
]


def programme():
    """Noise as `ossicle bench` makes it: more power in the low, loud and soft in turn."""
    white = numpy.random.default_rng(6).uniform(-1, 1, (CHANNELS, FRAMES))
    low = numpy.zeros(CHANNELS)
    sound = numpy.empty((CHANNELS, FRAMES))
    for frame in range(FRAMES):
        low += 0.05 * (white[:, frame] - low)
        level = LEVELS[frame // STEP_FRAMES % len(LEVELS)]
        sound[:, frame] = level * (0.4 * white[:, frame] + 2.4 * low)
    return sound.astype(numpy.float32)


def fastest(work, samples):
    """Nanoseconds a sample of the fastest run; the first two only warm it."""
    spent = []
    for _ in range(RUNS + 2):
        begin = time.thread_time_ns()
        work()
        spent.append(time.thread_time_ns() - begin)
    return min(spent[2:]) / samples


def in_one_call(effect, sound, block):
    """The library cuts a long sound into blocks itself: what its C++ takes."""
    return fastest(
        lambda: effect(sound, RATE_HZ, buffer_size=block, reset=False), sound.size
    )


def block_by_block(effect, sound, block):
    """A call for each block, as a live host makes them from Python."""
    blocks = [
        numpy.ascontiguousarray(sound[:, at : at + block])
        for at in range(0, FRAMES, block)
    ]

    def work():
        for part in blocks:
            effect(part, RATE_HZ, buffer_size=block, reset=False)

    return fastest(work, sound.size)


def ours(program, chain, block):
    words = ["bench", "--json", "--quiet", "--fx", chain, "--block", str(block)]
    answer = subprocess.run([program, *words], capture_output=True, text=True)
    told = json.loads(answer.stdout) if answer.stdout else {}
    if answer.returncode != 0:
        raise RuntimeError(told.get("error", {}).get("message", answer.stderr))
    return told["ns_min"]


def main(program):
    sound = programme()
    print(f"ns per sample and channel, {RATE_HZ} Hz, {CHANNELS} channels, least of {ROUNDS} rounds")
    print(f"pedalboard {version('pedalboard')}")
    print("per call: a call from Python for each block; inside: blocks cut inside its C++")
    print(
        f"{'':<12}{'block':>6}{'ossicle':>10}{'per call':>10}{'ratio':>9}{'asked':>8}"
        f"{'inside':>10}{'ratio':>9}"
    )
    for name, make, chain, asked in EFFECTS:
        for block in [64, 512]:
            effect = make()
            times = []
            try:
                for _ in range(ROUNDS):
                    mine = ours(program, chain, block)
                    inside = in_one_call(effect, sound, block)
                    times.append((mine, inside, block_by_block(effect, sound, block)))
            except RuntimeError as error:
                print(f"{name:<12}{block:>6}  {error}")
                continue
            mine, inside, by_block = map(min, zip(*times))
            least = asked.get(block)
            bar = "" if least is None else f"{least:.1f}x"
            missed = "  MISSED" if least is not None and by_block / mine < least else ""
            print(
                f"{name:<12}{block:>6}{mine:>10.2f}{by_block:>10.2f}{by_block / mine:>8.2f}x{bar:>8}"
                f"{inside:>10.2f}{inside / mine:>8.2f}x{missed}"
            )


if __name__ == "__main__":
    main(sys.argv[1])
