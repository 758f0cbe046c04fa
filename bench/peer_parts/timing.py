"""Interleaved timing: every round runs each candidate for one window, in a shuffled order."""

import math
import random
import statistics
import threading
import time

import torch

SLOW_CALL_MS = 2000  # above this the median of SLOW_ROUNDS single calls has to do
SLOW_ROUNDS = 5


def clock_for(arguments):
    slow_rounds = arguments.rounds or SLOW_ROUNDS
    if arguments.device == "cpu":
        clock, rounds, window_ms = CpuClock, 7, 200
    else:
        clock, rounds, window_ms = CudaClock, 11, 150
    return clock(arguments.rounds or rounds, slow_rounds, arguments.window_ms or window_ms,
                 arguments.limit_s)


class CpuClock:
    def __init__(self, rounds, slow_rounds, window_ms, limit_s):
        self.rounds, self.slow_rounds, self.window_ms = rounds, slow_rounds, window_ms
        self.end = time.monotonic() + limit_s

    def window(self, run, calls):
        """Milliseconds of one call, over `calls` of them."""
        begin = time.perf_counter()
        for _ in range(calls):
            run()
        return (time.perf_counter() - begin) * 1e3 / calls

    def calls_of_window(self, candidate):
        if candidate.call_s * 1e3 > SLOW_CALL_MS:
            return 1  # and warm from its check
        candidate.run()  # packed and warm
        once = self.window(candidate.run, 1)
        return max(1, math.ceil(self.window_ms / max(once, 1e-3)))

    def time_all(self, candidates):
        order, samples, calls = list(candidates), {}, {}
        for name in order:
            calls[name] = self.calls_of_window(candidates[name])
            samples[name] = []
        shuffler = random.Random(1)
        for done in range(self.rounds):
            if time.monotonic() > self.end and done >= 3:
                break
            shuffler.shuffle(order)
            for name in order:
                if done >= self.slow_rounds and statistics.median(samples[name]) > SLOW_CALL_MS:
                    continue
                samples[name].append(self.window(candidates[name].run, calls[name]))
        return {name: self.summary(samples[name], calls[name]) for name in candidates}

    def summary(self, samples, calls):
        return {"ms": statistics.median(samples), "ms_min": min(samples), "ms_max": max(samples),
                "windows": len(samples), "calls": calls}


class CudaClock(CpuClock):
    """Windows between events, a device spin before each so that the host's launching is hidden;
    then bursts (one launch after 60 ms of idling); clock and power by NVML beside both. Of calls so
    short that many may wait on the device, also what one costs the host (nothing waits for it)."""

    HOST_CALLS, HOST_REPEATS = 100, 7  # 100 calls fit in the launch queue of about 1,000 kernels
    SHORT_CALL_MS = 0.5
    IDLE_S = 0.06
    SPIN_CYCLES = 1_500_000
    BURSTS = 5

    def __init__(self, *settings):
        super().__init__(*settings)
        self.monitor = Monitor()
        self.spans = []

    def window(self, run, calls):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda._sleep(self.SPIN_CYCLES)
        started = time.monotonic()
        begin.record()
        for _ in range(calls):
            run()
        end.record()
        torch.cuda.synchronize()
        self.spans.append((run, started, time.monotonic()))
        return begin.elapsed_time(end) / calls

    def time_all(self, candidates):
        self.spans = []
        results = super().time_all(candidates)
        for name, candidate in candidates.items():
            hot = [(a, b) for run, a, b in self.spans if run is candidate.run]
            results[name]["hot"] = self.monitor.over(hot)
        for name, candidate in candidates.items():
            self.spans, samples = [], []
            for _ in range(self.BURSTS):
                time.sleep(self.IDLE_S)
                samples.append(self.window(candidate.run, 1))
            spans = [(a, b) for _, a, b in self.spans]
            results[name]["burst_ms"] = statistics.median(samples)
            results[name]["burst"] = self.monitor.over(spans)
            if results[name]["ms"] < self.SHORT_CALL_MS:
                results[name]["host_us"] = self.host_us(candidate.repeat)
        return results

    def host_us(self, repeat):
        """Microseconds of host time of one call, the median of a few series; the allocator is warm,
        and a spin on the device first keeps it from taking part in the host's time."""
        samples = []
        for _ in range(self.HOST_REPEATS):
            torch.cuda.synchronize()
            torch.cuda._sleep(self.SPIN_CYCLES)
            begin = time.perf_counter()
            repeat(self.HOST_CALLS)
            samples.append((time.perf_counter() - begin) * 1e6 / self.HOST_CALLS)
        torch.cuda.synchronize()
        return statistics.median(samples)


class Monitor:
    """Samples the first GPU's clock and power every 5 ms; empty without pynvml."""

    def __init__(self):
        self.rows = []
        try:
            import pynvml
        except ImportError:
            return
        pynvml.nvmlInit()
        uuid = f"GPU-{torch.cuda.get_device_properties(0).uuid}"  # NVML numbers GPUs otherwise
        self.nvml, self.gpu = pynvml, pynvml.nvmlDeviceGetHandleByUUID(uuid)
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self):
        while True:
            self.rows.append((
                time.monotonic(),
                self.nvml.nvmlDeviceGetClockInfo(self.gpu, self.nvml.NVML_CLOCK_SM),
                self.nvml.nvmlDeviceGetPowerUsage(self.gpu) / 1e3,
            ))
            time.sleep(0.005)

    def over(self, spans):
        """Median clock and mean power while any of the spans ran."""
        rows = [row for row in list(self.rows) if any(a <= row[0] <= b for a, b in spans)]
        if not rows:
            return {}
        return {"mhz": statistics.median(row[1] for row in rows),
                "watts": round(statistics.mean(row[2] for row in rows), 1)}
