"""What fetch.py says to its user: errors, progress, sizes in words."""
import sys
import time

BAR_WIDTH = 24
BAR_PAUSE_S, LINE_PAUSE_S = 0.2, 10.0


class FetchError(Exception):
    """The work failed; the message names what, where, what was expected and what was found."""


def in_words(count):
    """A number of bytes with a unit."""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} bytes"


class Progress:
    """A bar with rate and time left on a terminal, plain lines elsewhere, nothing when quiet."""

    def __init__(self, quiet, stream=None):
        self.stream = None if quiet else stream or sys.stderr
        self.on_terminal = not quiet and self.stream.isatty()
        self.label, self.total, self.done, self.before = "", None, 0, 0
        self.began = self.shown = 0.0

    def say(self, text):
        """One line."""
        if self.stream:
            print(text, file=self.stream, flush=True)

    def begin(self, label, total, done=0):
        """Starts to count the bytes of something; total is None where nobody knows it."""
        self.label, self.total, self.done, self.before = label, total, done, done
        self.began = self.shown = time.monotonic()
        if not self.on_terminal:
            of = f" of {in_words(total)}" if total else ""
            self.say(f"{label}: {in_words(done)}{of} are here" if done else f"{label}: begins{of}")

    def advance(self, count):
        """So many bytes more."""
        self.done += count
        if time.monotonic() - self.shown > (BAR_PAUSE_S if self.on_terminal else LINE_PAUSE_S):
            self.show()

    def end(self):
        """The last state, and a line of its own."""
        self.show()
        if self.on_terminal:
            self.say("")

    def show(self):
        """Writes the present state."""
        self.shown = time.monotonic()
        rate = (self.done - self.before) / max(self.shown - self.began, 1e-3)
        text = f"{in_words(self.done)}, {in_words(int(rate))}/s"
        if self.total:
            share = min(1.0, self.done / self.total)
            left = (self.total - self.done) / rate if rate > 0 else 0
            text = f"{100 * share:3.0f} % of {in_words(self.total)}, {in_words(int(rate))}/s"
            if self.on_terminal:
                filled = round(BAR_WIDTH * share)
                text = f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {text}"
            if self.done < self.total:
                text += f", {int(left) // 60}:{int(left) % 60:02d} left"
        if self.on_terminal:
            self.stream.write(f"\r{self.label}: {text}\x1b[K")
            self.stream.flush()
        else:
            self.say(f"{self.label}: {text}")
