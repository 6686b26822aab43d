"""What a language has to have: every word that a story, a picture or a page shows.

A language is one Words, written down in a module of its own; a field that one of them lacks
is an error of types. Names in braces are filled in by whoever tells: numbers with their unit,
names of lanes, bytes. How numbers are written belongs to the language too.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Plural", "Words"]

Plural: TypeAlias = tuple[str, str]
"""For one of them, and for any other {count}."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words of one language."""

    code: str
    """The language's own code, for whoever reads aloud: en, es."""
    thousands: str
    decimal: str

    # -- things that are counted -----------------------------------------------------
    bytes: Plural
    turns: Plural
    events: Plural
    times: str
    per_second: str
    and_: str

    # -- lanes -----------------------------------------------------------------------
    lane_listener: str
    lane_client: str
    lane_to: str
    lane_socket: str
    lane_udp: str
    lane_udp_in: str
    lane_udp_out: str
    lane_wakeup: str
    lane_wakeup_rung_from: str
    lane_other: str
    lane_timers: str
    lane_timers_below: str
    lane_more: str
    lane_more_below: str

    # -- heads of columns ------------------------------------------------------------
    before: str
    after: str
    turn: str
    turns_from_to: str
    slept: str
    did_not_sleep: str
    nothing_done: str
    waited: str
    waited_up_to: str

    # -- cells: 16 columns each ------------------------------------------------------
    cell_accepted: str
    cell_here: str
    cell_watched: str
    cell_end: str
    cell_kept: str
    cell_partly: str
    cell_to: str
    cell_shutdown: str
    cell_shutdown_reading: str
    cell_peeked: str
    cell_connected: str
    cell_wait_bytes: str
    cell_wait_room: str
    cell_dropped: str
    cell_closed: str
    cell_detached: str
    cell_collected: str
    cell_late: str
    cell_not_served: str
    cell_ready_again: str
    cell_per_second: str
    cell_more: str

    # -- the last line of a program that was recorded --------------------------------
    run_cut_short: str
    run_drawing: str
    run_drawn: str
    run_not_drawn: str
    run_not_drawn_for: str
    run_recorded: str
    run_no_loop: str
    run_again: str
    run_ended: str
    standard_output: str

    # -- the text for a terminal -----------------------------------------------------
    text_ready: Plural
    text_nobody: str
    text_queue: str
    # -- the picture and its page ----------------------------------------------------
    true_time: str
    time_in_all: str
    time_of_all: str
    queue_up_to: str
    key_column: str
    key_short: str
    key_long: str
    key_heavy: str
    key_waited: str
    key_in: str
    key_out: str
    key_reading: str
    key_writing: str
    key_queue: str
    key_gone: str
    key_asleep: str
    key_finding: str
    page_title: str
    page_picture: str
    page_part: str
    page_earlier: str
    page_later: str
    page_findings: str
    page_story: str
    page_hint: str
    page_whole: str
    page_scriptless: str

    # -- the story: how a turn begins ------------------------------------------------
    told_before: str
    told_after: str
    told_turn: str
    told_turns: str
    told_only_looked: str
    told_without_selector: str
    told_calls_waited: str
    told_did_not_sleep: str
    told_slept: str
    told_ready: Plural
    told_nobody_ready: str
    told_time_was_up: str
    told_more: str
    told_each: str
    ready_to_accept: str
    ready_to_read: str
    ready_datagram: str
    ready_rung: str
    ready_room: str

    # -- the story: what was done ----------------------------------------------------
    told_came: Plural
    told_went: Plural
    told_data: str
    told_data_beginning: str
    told_data_to: str
    told_data_from: str
    told_end: str
    told_kept: str
    told_partly: str
    told_shutdown: str
    told_shutdown_reading: str
    told_peeked: str
    told_connected: str
    told_error: str
    told_error_unknown: str
    told_nothing_there: str
    told_nobody_waits: str
    told_no_room: str
    told_connecting: str
    told_accepted: str
    told_accepted_from: str
    told_made: str
    told_listens: str
    told_bound: str
    told_called: str
    told_wait_bytes: str
    told_wait_clients: str
    told_stop_bytes: str
    told_wait_room: str
    told_stop_room: str
    told_unwatched: str
    told_queue: Plural
    told_queue_empty: str
    told_dropped: Plural
    told_blocked: str
    told_loop_within: str
    told_closed: str
    told_detached: str
    told_collected: str
    told_timer: str
    told_call: str
    told_nothing: str
    told_late: str
    told_raised: str
    told_unfinished: str
    told_times: str
    told_to: str
    told_in_all: str

    # -- the story: who waited, and what is left to say ------------------------------
    told_alone: str
    told_waited: str
    told_waited_up_to: str
    told_not_served: Plural
    told_thread: str
    told_again: str
    told_again_calls: str
    told_again_ready: Plural
    told_again_nobody: str
    told_again_rate: str
    told_again_slept: str
    told_cut_short: str
    told_left_out: str
    told_unreadable: Plural

    # -- the sequence diagram --------------------------------------------------------
    sequence: str
    sequence_program: str
    sequence_last: str
    sequence_connects: str
    sequence_closes: str
    sequence_to: str
    sequence_queued: str
    sequence_listens: str
    sequence_timer: str
    sequence_timer_late: str
    sequence_busy: str
    sequence_alone: str
    sequence_stuck: str
    sequence_asleep: str
    sequence_silent: str
    sequence_lanes_left_out: str
    sequence_rows_left_out: str

    errors: Mapping[str, str]

    # -- the command -----------------------------------------------------------------
    command: str
    options_title: str
    options: Mapping[str, str]
    """What each option of the command is for."""
    wrong_hint: str
    wrong_program_too: str
    wrong_no_program: str
    wrong_order: str
    wrong_number: str
    wrong_itself: str
    """What an errno means to a program with sockets, by its name."""

    def number(self, value: int) -> str:
        """A whole number, its thousands set apart."""
        return f"{value:,}".replace(",", self.thousands)

    def count(self, value: int, things: Plural) -> str:
        """What is said of so many things."""
        return things[value != 1].format(count=self.number(value))

    def duration(self, seconds: float) -> str:
        """Seconds with the unit that suits them, to three digits or so."""
        if round(seconds * 1e6) < 1000:
            return f"{seconds * 1e6:.0f} µs"
        if round(seconds * 1e3, 1) < 100:
            return f"{self._decimals(seconds * 1e3, 1)} ms"
        if round(seconds * 1e3) < 1000:
            return f"{seconds * 1e3:.0f} ms"
        return f"{self._decimals(seconds, 2 if seconds < 9.995 else 1)} s"

    def size(self, value: int) -> str:
        """So many bytes with the unit that suits them, short enough for a cell."""
        if value < 10_000:
            return f"{value} B"
        if value < 9_999_500:
            return f"{self.number(round(value / 1e3))} kB"
        return f"{self.number(round(value / 1e6))} MB"

    def moment(self, seconds: float, step: float) -> str:
        """A round time on a scale with such steps, both in seconds."""
        factor, unit = (1e6, "µs") if seconds < 0.001 else (1e3, "ms") if seconds < 10 else (1, "s")
        digits = max(0, math.ceil(-math.log10(step * factor) - 1e-6))
        return f"{self._decimals(seconds * factor, digits)} {unit}" if seconds else "0"

    def _decimals(self, value: float, digits: int) -> str:
        whole, point, rest = f"{value:,.{digits}f}".partition(".")
        return whole.replace(",", self.thousands) + point.replace(".", self.decimal) + rest
