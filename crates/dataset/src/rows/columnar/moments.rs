//! Dates, times and durations as ISO 8601 writes them, in the form of Python's `isoformat`.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeZone as _, Timelike as _};
use chrono_tz::Tz;
use polars_arrow::array::{Array, FixedSizeBinaryArray};
use polars_arrow::datatypes::{ArrowDataType, IntervalUnit, TimeUnit};
use polars_arrow::types::{days_ms, months_days_ns};

use super::plain::each;
use super::{Fault, Json};

const SECONDS_OF_DAY: i64 = 86_400;
const NANOSECONDS: i64 = 1_000_000_000;
/// The day 1970-01-01, counted as the calendar does.
const EPOCH: i64 = 719_163;

/// The values of an array of moments or durations; nothing where it is of another type.
pub(super) fn values(array: &dyn Array, of: &ArrowDataType) -> Result<Option<Vec<Json>>, Fault> {
    use ArrowDataType as D;
    let all = match of {
        D::Date32 => each(array, |days: i32| date(i64::from(days))),
        D::Date64 => each(array, |millis: i64| date(millis.div_euclid(SECONDS_OF_DAY * 1000))),
        D::Time32(unit) => each(array, |count: i32| time(i64::from(count), *unit)),
        D::Time64(unit) => each(array, |count: i64| time(count, *unit)),
        D::Timestamp(unit, None) => each(array, |count: i64| timestamp(count, *unit, Zone::None)),
        D::Timestamp(unit, Some(zone)) => {
            let zone = Zone::of(zone);
            each(array, |count: i64| timestamp(count, *unit, zone))
        }
        D::Duration(unit) => each(array, |count: i64| {
            let nanoseconds = i128::from(count) * i128::from(NANOSECONDS / per_second(*unit));
            Json::Text(duration(nanoseconds))
        }),
        D::Interval(IntervalUnit::YearMonth) => {
            each(array, |months: i32| Json::Text(format!("P{months}M")))
        }
        D::Interval(IntervalUnit::DayTime) => each(array, |days: days_ms| {
            interval(0, days.days(), i128::from(days.milliseconds()) * 1_000_000)
        }),
        D::Interval(IntervalUnit::MonthDayNano) => each(array, |all: months_days_ns| {
            interval(all.months(), all.days(), i128::from(all.ns()))
        }),
        _ => return Ok(None),
    };
    all.map(Some)
}

/// What a clock shows beside that of UTC.
#[derive(Clone, Copy, Debug)]
enum Zone {
    /// Nobody says which: the text has none either.
    None,
    /// So many seconds more.
    Fixed(i32),
    /// As a place has it.
    Named(Tz),
}

impl Zone {
    /// A name of the tz database or `+07:30`. A name that nobody knows is taken for UTC, which is how the moment is stored.
    fn of(name: &str) -> Self {
        let fixed = || {
            let (hours, minutes) = name.strip_prefix(['+', '-'])?.split_once(':')?;
            let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
            Some(Self::Fixed(if name.starts_with('-') { -seconds } else { seconds }))
        };
        let named = || name.parse().ok().map(Self::Named);
        fixed().or_else(named).unwrap_or(Self::Fixed(0))
    }

    /// Seconds by which this clock is ahead of UTC at a moment.
    fn offset(self, utc: &NaiveDateTime) -> Option<i32> {
        match self {
            Self::None => None,
            Self::Fixed(seconds) => Some(seconds),
            Self::Named(zone) => Some(zone.offset_from_utc_datetime(utc).fix().local_minus_utc()),
        }
    }
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => NANOSECONDS,
    }
}

/// Whole seconds, and the nanoseconds after them.
fn seconds(count: i64, unit: TimeUnit) -> (i64, u32) {
    let per_second = per_second(unit);
    let rest = count.rem_euclid(per_second) * (NANOSECONDS / per_second);
    (count.div_euclid(per_second), u32::try_from(rest).unwrap_or(0))
}

fn beyond(what: &str) -> Json {
    Json::Foreign(format!("{what} beyond the calendar"))
}

fn day(days: i64) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(i32::try_from(days.checked_add(EPOCH)?).ok()?)
}

fn date(days: i64) -> Json {
    day(days).map_or_else(|| beyond("a date"), |day| Json::Text(day.to_string()))
}

fn time(count: i64, unit: TimeUnit) -> Json {
    let (seconds, rest) = seconds(count, unit);
    let of_day = u32::try_from(seconds).ok();
    let time =
        of_day.and_then(|of_day| NaiveTime::from_num_seconds_from_midnight_opt(of_day, rest));
    time.map_or_else(
        || Json::Foreign("a time beyond the day".to_owned()),
        |time| Json::Text(clock(time)),
    )
}

/// Hours, minutes and seconds, with six digits after them where there is something, or nine.
fn clock(time: NaiveTime) -> String {
    let (hours, minutes, seconds) = (time.hour(), time.minute(), time.second());
    let text = format!("{hours:02}:{minutes:02}:{seconds:02}");
    match time.nanosecond() {
        0 => text,
        rest if rest % 1000 == 0 => format!("{text}.{:06}", rest / 1000),
        rest => format!("{text}.{rest:09}"),
    }
}

fn timestamp(count: i64, unit: TimeUnit, zone: Zone) -> Json {
    let (whole, rest) = seconds(count, unit);
    let local = |whole: i64| {
        let of_day = u32::try_from(whole.rem_euclid(SECONDS_OF_DAY)).ok()?;
        let time = NaiveTime::from_num_seconds_from_midnight_opt(of_day, rest)?;
        Some(NaiveDateTime::new(day(whole.div_euclid(SECONDS_OF_DAY))?, time))
    };
    let text = || {
        let offset = zone.offset(&local(whole)?);
        let moment = local(whole.checked_add(i64::from(offset.unwrap_or(0)))?)?;
        let (date, time) = (moment.date(), clock(moment.time()));
        Some(format!("{date}T{time}{}", offset.map(ahead).unwrap_or_default()))
    };
    text().map_or_else(|| beyond("a moment"), Json::Text)
}

/// How far a clock is ahead of UTC, as `+01:00`.
fn ahead(seconds: i32) -> String {
    let (sign, seconds) = if seconds < 0 { ('-', -seconds) } else { ('+', seconds) };
    let text = format!("{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
    // Clocks before the time of zones had seconds too.
    if seconds % 60 == 0 { text } else { format!("{text}:{:02}", seconds % 60) }
}

/// A length of time as pandas writes it, `P1DT2H3M4.5S`; a negative one has its sign before it.
fn duration(nanoseconds: i128) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let nanoseconds = nanoseconds.unsigned_abs();
    let (whole, rest) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60);
    let seconds = if rest == 0 {
        (whole % 60).to_string()
    } else {
        format!("{}.{rest:09}", whole % 60).trim_end_matches('0').to_owned()
    };
    format!("{sign}P{days}DT{hours}H{minutes}M{seconds}S")
}

/// The intervals of parquet: months, days and milliseconds, each four bytes.
pub(super) fn intervals(array: &FixedSizeBinaryArray) -> Vec<Json> {
    let value = |bytes: &[u8]| {
        let part = |start: usize| {
            let part = bytes.get(start..start + 4).and_then(|part| part.try_into().ok());
            i32::from_le_bytes(part.unwrap_or_default())
        };
        interval(part(0), part(4), i128::from(part(8).cast_unsigned()) * 1_000_000)
    };
    array.iter().map(|bytes| bytes.map_or(Json::Null, value)).collect()
}

/// Months and days, whose lengths differ, and what a clock measures beside them.
fn interval(months: i32, days: i32, nanoseconds: i128) -> Json {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let nanoseconds = nanoseconds.unsigned_abs();
    let (whole, rest) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    let digits = if rest == 0 { String::new() } else { format!(".{rest:09}") };
    let seconds = format!("{sign}{whole}{}", digits.trim_end_matches('0'));
    Json::Text(format!("P{months}M{days}DT{seconds}S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: Json) -> String {
        match json {
            Json::Text(text) | Json::Foreign(text) => text,
            other => format!("{other:?}"),
        }
    }

    /// As Python has them: `datetime.fromtimestamp(…, zone).isoformat()`, `pandas.Timedelta(…).isoformat()`.
    #[test]
    fn moments_are_written_as_python_does() {
        let at = |count, unit, zone: &str| {
            let zone = if zone.is_empty() { Zone::None } else { Zone::of(zone) };
            text(timestamp(count, unit, zone))
        };
        let (ms, ns) = (TimeUnit::Millisecond, TimeUnit::Nanosecond);
        assert_eq!(at(1_721_044_800_000, ms, ""), "2024-07-15T12:00:00");
        assert_eq!(at(1_721_044_800_001, ms, "UTC"), "2024-07-15T12:00:00.001000+00:00");
        assert_eq!(at(1_721_044_800_000, ms, "Europe/Zurich"), "2024-07-15T14:00:00+02:00");
        assert_eq!(at(1_705_320_000_000, ms, "Europe/Zurich"), "2024-01-15T13:00:00+01:00");
        assert_eq!(at(1_721_044_800_000, ms, "-03:30"), "2024-07-15T08:30:00-03:30");
        assert_eq!(at(-1, ns, ""), "1969-12-31T23:59:59.999999999");
        assert_eq!(at(i64::MAX, ms, ""), "a moment beyond the calendar");
        assert_eq!(text(date(-719_162)), "0001-01-01");
        assert_eq!(text(date(i64::MAX)), "a date beyond the calendar");
        assert_eq!(text(time(45_296_789, ms)), "12:34:56.789000");
        assert_eq!(text(time(86_400_000, ms)), "a time beyond the day");
    }

    #[test]
    fn lengths_of_time_are_exact() {
        assert_eq!(duration(93_784_500_000_000), "P1DT2H3M4.5S");
        assert_eq!(duration(0), "P0DT0H0M0S");
        assert_eq!(duration(-1), "-P0DT0H0M0.000000001S");
        assert_eq!(text(interval(14, -3, -1_500_000_000)), "P14M-3DT-1.5S");
    }
}
