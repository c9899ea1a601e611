//! Numbers as a reader wants them.

use crate::Interval;

/// `0.4412` as `44.1%`; a value that does not exist as a dash.
pub(crate) fn percent(share: f64) -> String {
    if share.is_nan() { "–".to_owned() } else { format!("{:.1}%", 100.0 * share) }
}

/// Both ends of an interval of shares, in percent without the sign: `42.0–46.2`.
pub(crate) fn percent_interval(Interval { low, high }: Interval) -> String {
    format!("{:.1}–{:.1}", 100.0 * low, 100.0 * high)
}

/// `12345` as `12,345`.
pub(crate) fn grouped(number: usize) -> String {
    group(&number.to_string())
}

/// A measured number with one decimal below 1,000, none above, and as a power of ten where it is absurdly large.
pub(crate) fn measured(value: f64) -> String {
    match value.abs() {
        size if size < 999.95 => format!("{value:.1}"),
        size if size < 999_999_999.5 => {
            let digits = format!("{size:.0}");
            format!("{}{}", if value < 0.0 { "-" } else { "" }, group(&digits))
        }
        _ => format!("{value:.1e}"),
    }
}

/// Both ends of an interval: `28.1–31.4`.
pub(crate) fn measured_interval(Interval { low, high }: Interval) -> String {
    format!("{}–{}", measured(low), measured(high))
}

/// Four significant digits, for the values of a curve.
pub(crate) fn significant(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if !(1e-3..1e6).contains(&size) => format!("{value:.2e}"),
        size if size < 1.0 => format!("{value:.4}"),
        size if size < 10.0 => format!("{value:.3}"),
        size if size < 100.0 => format!("{value:.2}"),
        size if size < 1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// A prediction: whole numbers without decimals.
pub(crate) fn plain(value: f64) -> String {
    if value.abs() < 1e9 { value.to_string() } else { format!("{value:.1e}") }
}

/// `3 min 12 s`, `1 h 04 min`, or `0.8 s`.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = format!("{seconds:.0}").parse::<u64>().unwrap_or(u64::MAX);
    let (hours, minutes) = (whole / 3600, whole / 60 % 60);
    if hours > 0 {
        format!("{hours} h {minutes:02} min")
    } else {
        format!("{minutes} min {:02} s", whole % 60)
    }
}

fn group(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_lose_their_size() {
        assert_eq!(percent(0.4412), "44.1%");
        assert_eq!(percent(f64::NAN), "–");
        assert_eq!(percent_interval(Interval { low: 0.0, high: 0.0419 }), "0.0–4.2");
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        let values = [31.249, 999.96, 12_345.6, -4321.0, 1e12];
        assert_eq!(values.map(measured), ["31.2", "1,000", "12,346", "-4,321", "1.0e12"]);
        assert_eq!([3.0, 2.5, -1.0, 1e20].map(plain), ["3", "2.5", "-1", "1.0e20"]);
        let values = [0.0, 2e-5, 0.123_45, 1.5, 42.0, 812.34, 5e7];
        let expected = ["0", "2.00e-5", "0.1235", "1.500", "42.00", "812.3", "5.00e7"];
        assert_eq!(values.map(significant), expected);
    }

    #[test]
    fn durations_carry_their_minutes() {
        let seconds = [0.84, 59.96, 192.4, 3599.7, 3840.0];
        let expected = ["0.8 s", "1 min 00 s", "3 min 12 s", "1 h 00 min", "1 h 04 min"];
        assert_eq!(seconds.map(duration), expected);
    }
}
