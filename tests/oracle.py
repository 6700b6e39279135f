#!/usr/bin/env python3
"""When may a recording lawfully be removed? A second opinion that shares no code with recvault.

It has a calendar of its own, counted year by year and month by month. The standard library tells
it one thing only: how far a zone's clocks are from UTC at an instant. It reads one JSON object a
line and answers with one line each:

    {"zone": "Asia/Shanghai", "months": 3,
     "recorded_end": 1768442400000, "ingests": [1768442400000], "promised": null,
     "examined": true, "attributed": true, "clock_suspect": false,
     "clauses": [{"raised": 1768442400000, "stands_until": null}],
     "holds": [{"placed": 1768442400000, "released": null}],
     "asked": [1776268799999, 1776268800000]}

    {"last": null, "lawful": [false, false]}

`last` is the last millisecond at which it has to be kept, holds aside; null where that is open.
`lawful` says for each instant asked whether it could be removed then. All times are milliseconds
since 1970-01-01T00:00:00Z.
"""

import json
import sys
from datetime import datetime, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS

# China has been at +08:00 all year round since September 1991.
FIXED_MS = {"Asia/Shanghai": 8 * 60 * MINUTE_MS}


def is_leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in(year, month):
    if month == 2:
        return 29 if is_leap(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def date_of(day):
    """Year, month and day of month of a number of days since 1970-01-01."""
    year = 1970
    while day >= 365 + is_leap(year):
        day -= 365 + is_leap(year)
        year += 1
    month = 1
    while day >= days_in(year, month):
        day -= days_in(year, month)
        month += 1
    return year, month, day + 1


def day_of(year, month, day):
    """The number of days since 1970-01-01 of a date."""
    count = sum(365 + is_leap(y) for y in range(1970, year))
    count += sum(days_in(year, m) for m in range(1, month))
    return count + day - 1


def months_on(day, months):
    """So many months after a day; where that day does not exist, the 1st of the next month."""
    year, month, of_month = date_of(day)
    for _ in range(months):
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    if of_month <= days_in(year, month):
        return day_of(year, month, of_month)
    year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return day_of(year, month, 1)


def offset_ms(zone, at):
    if zone in FIXED_MS:
        return FIXED_MS[zone]
    local = datetime.fromtimestamp(at // 1000, timezone.utc).astimezone(ZoneInfo(zone))
    return int(local.utcoffset().total_seconds()) * 1000


def local_day(zone, at):
    """The day that clocks in the zone show at an instant."""
    return (at + offset_ms(zone, at)) // DAY_MS


@lru_cache(maxsize=None)
def end_of(zone, day):
    """The last millisecond at which clocks in the zone show the day, or the next they do show."""
    if zone in FIXED_MS:
        return (day + 1) * DAY_MS - FIXED_MS[zone] - 1
    # Minute by minute through everything that the day can be, east or west, and back again.
    first = (day - 1) * DAY_MS
    minutes = [first + n * MINUTE_MS for n in range(3 * 24 * 60)]
    showing = [at for at in minutes if local_day(zone, at) == day]
    if not showing:
        return end_of(zone, day + 1)
    return showing[-1] + MINUTE_MS - 1


def start_of_retention(recording):
    """The later of recorded end and latest ingest; an end that is in doubt is not believed."""
    latest = max(recording["ingests"])
    end = recording["recorded_end"]
    believed = recording["examined"] and not recording["clock_suspect"]
    return max(latest, end) if believed and end is not None else latest


def last_of_keeping(recording):
    """The last millisecond at which it has to be kept, holds aside; None where that is open."""
    if recording["clock_suspect"] or not (recording["examined"] and recording["attributed"]):
        return None
    zone = recording["zone"]
    began = local_day(zone, start_of_retention(recording))
    last = end_of(zone, months_on(began, recording["months"]))
    if recording["promised"] is not None:
        last = max(last, recording["promised"])
    for clause in recording["clauses"]:
        if clause["stands_until"] is None:
            return None
        last = max(last, clause["stands_until"])
    return last


def is_held(recording, at):
    def open_at(hold):
        return hold["placed"] <= at and (hold["released"] is None or at < hold["released"])

    return any(open_at(hold) for hold in recording["holds"])


def is_lawful(recording, at):
    """Whether the recording could lawfully be removed at an instant."""
    last = last_of_keeping(recording)
    return last is not None and at > last and not is_held(recording, at)


def main():
    for line in sys.stdin:
        recording = json.loads(line)
        lawful = [is_lawful(recording, at) for at in recording["asked"]]
        print(json.dumps({"last": last_of_keeping(recording), "lawful": lawful}))


if __name__ == "__main__":
    main()
