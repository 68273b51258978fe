"""DATE, TIMESTAMP and INTERVAL on the wire."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

_ZONE_HOUR = 20
_ZONE_MINUTE = 60
_MIDDLE = 0x80000000
_OFFSET = 60


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A time as Oracle has it: nanoseconds, years before 1 AD (negative), and of a zoned one the offset in minutes.

    ``year`` to ``nanosecond`` are the time on the clock at that offset."""

    year: int
    month: int = 1
    day: int = 1
    hour: int = 0
    minute: int = 0
    second: int = 0
    nanosecond: int = 0
    offset: int | None = None

    @classmethod
    def of(cls, value: datetime.date | Moment) -> Moment:
        if isinstance(value, Moment):
            return value
        if not isinstance(value, datetime.datetime):
            return cls(value.year, value.month, value.day)
        zone = value.utcoffset()
        offset = None if zone is None else int(zone.total_seconds()) // 60
        time = (value.hour, value.minute, value.second, value.microsecond * 1000)
        return cls(value.year, value.month, value.day, *time, offset)

    def at(self, offset: int) -> Moment:
        """The same moment on the clock of another offset; one without an offset counts as UTC."""
        shift = datetime.timedelta(minutes=offset - (self.offset or 0))
        clock = (
            datetime.datetime(self.year, self.month, self.day, self.hour, self.minute, self.second) + shift
        )
        time = (clock.hour, clock.minute, clock.second, self.nanosecond)
        return Moment(clock.year, clock.month, clock.day, *time, offset)


def encode_date(value: datetime.date | Moment) -> bytes:
    """Seven bytes, to the second."""
    moment = Moment.of(value)
    century, year = divmod(abs(moment.year), 100)
    sign = -1 if moment.year < 0 else 1
    date = (100 + sign * century, 100 + sign * year, moment.month, moment.day)
    return bytes([*date, moment.hour + 1, moment.minute + 1, moment.second + 1])


def encode_timestamp(value: datetime.date | Moment) -> bytes:
    """Eleven bytes, or seven where no fraction of a second is."""
    moment = Moment.of(value)
    return encode_date(moment) + (moment.nanosecond.to_bytes(4, "big") if moment.nanosecond else b"")


def encode_zoned(value: datetime.date | Moment) -> bytes:
    """Thirteen bytes: the time in UTC and the offset."""
    moment = Moment.of(value)
    offset = moment.offset or 0
    sign = -1 if offset < 0 else 1
    hours, minutes = divmod(abs(offset), 60)
    zone = bytes([_ZONE_HOUR + sign * hours, _ZONE_MINUTE + sign * minutes])
    return encode_date(moment.at(0)) + moment.nanosecond.to_bytes(4, "big") + zone


def encode_local(value: datetime.date | Moment) -> bytes:
    """TIMESTAMP WITH LOCAL TIME ZONE: on the clock of the session, here always UTC, without the zone."""
    return encode_timestamp(Moment.of(value).at(0))


def decode_time(value: bytes) -> datetime.datetime:
    """A time that a client bound, without a zone where it has none."""
    year = (value[0] - 100) * 100 + value[1] - 100
    micros = int.from_bytes(value[7:11], "big") // 1000 if len(value) >= 11 else 0
    time = datetime.datetime(year, value[2], value[3], value[4] - 1, value[5] - 1, value[6] - 1, micros)
    if len(value) < 13:
        return time
    offset = datetime.timedelta(hours=value[11] - _ZONE_HOUR, minutes=value[12] - _ZONE_MINUTE)
    return time.replace(tzinfo=datetime.UTC).astimezone(datetime.timezone(offset))


def encode_day_interval(value: datetime.timedelta) -> bytes:
    """INTERVAL DAY TO SECOND: all parts have the sign of the whole."""
    sign = -1 if value < datetime.timedelta() else 1
    whole = abs(value)
    hours, rest = divmod(whole.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    clock = bytes(_OFFSET + sign * part for part in (hours, minutes, seconds))
    days = (_MIDDLE + sign * whole.days).to_bytes(4, "big")
    return days + clock + (_MIDDLE + sign * whole.microseconds * 1000).to_bytes(4, "big")


def encode_month_interval(months: int) -> bytes:
    """INTERVAL YEAR TO MONTH, given in months."""
    sign = -1 if months < 0 else 1
    years, rest = divmod(abs(months), 12)
    return (_MIDDLE + sign * years).to_bytes(4, "big") + bytes([_OFFSET + sign * rest])
