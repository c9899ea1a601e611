//! How long to wait before a new try, and what an endpoint asks for.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use forethought_seed::Seed;
use rand::RngExt as _;

/// How often a wait looks whether it has become pointless.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// The wait before try `attempt + 1`: `first · 2^attempt`, at most `longest`, shortened by up to a half at random so that
/// requests that failed together do not come back together.
pub(crate) fn pause(
    [first, longest]: [f64; 2],
    attempt: u32,
    seed: Seed,
    prompt_index: usize,
) -> Duration {
    let whole = (first * 2.0_f64.powi(attempt.min(60).cast_signed())).min(longest);
    let mut random = seed.stream("pause", &[prompt_index as u64, attempt.into()]);
    Duration::from_secs_f64(whole * (1.0 - 0.5 * random.random::<f64>()))
}

/// The wait that a `Retry-After` asks for: seconds, or a date.
pub(crate) fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    }
    let date = httpdate::parse_http_date(header).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

/// A time before which nobody sends: an endpoint that is asked for patience by one request gets it from all.
#[derive(Debug)]
pub(crate) struct Gate(Mutex<Instant>);

impl Gate {
    pub(crate) fn open() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    pub(crate) fn close_for(&self, wait: Duration) {
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *until = (*until).max(Instant::now() + wait);
    }

    fn until(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the gate and for a pause of one's own; false if it has become pointless.
    pub(crate) fn wait(&self, pause: Duration, is_over: &dyn Fn() -> bool) -> bool {
        let own = Instant::now() + pause;
        loop {
            if is_over() {
                return false;
            }
            let left = own.max(self.until()).saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(LOOK));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_are_shortened_by_at_most_a_half() {
        let pauses: Vec<f64> = (0..12)
            .map(|attempt| pause([1.0, 60.0], attempt, Seed::new(1), 3).as_secs_f64())
            .collect();
        for (attempt, pause) in (0..).zip(&pauses) {
            let whole = 2.0_f64.powi(attempt).min(60.0);
            assert!(0.5 * whole <= *pause && *pause <= whole, "{attempt}: {pause}");
        }
        let other = pause([1.0, 60.0], 0, Seed::new(1), 4).as_secs_f64();
        assert!((other - pauses[0]).abs() > 1e-9, "prompts do not come back together");
    }

    #[test]
    fn an_endpoint_asks_for_seconds_or_names_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").expect("a date");
        let asked = |header| retry_after(header, now);
        assert_eq!(asked(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(asked("0.25"), Some(Duration::from_millis(250)));
        assert_eq!(asked("Sun, 06 Nov 1994 08:50:07 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(asked("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(
            (asked("soon"), asked("1e300"), asked("-3")),
            (None, None, Some(Duration::ZERO))
        );
    }

    #[test]
    fn a_gate_that_one_closes_holds_all_and_lets_go_when_it_is_over() {
        let gate = Gate::open();
        gate.close_for(Duration::from_millis(120));
        let started = Instant::now();
        assert!(gate.wait(Duration::ZERO, &|| false));
        assert!(started.elapsed() >= Duration::from_millis(100));
        gate.close_for(Duration::from_hours(1));
        assert!(!gate.wait(Duration::ZERO, &|| true));
    }
}
