//! Threads that stay awake between the many short parallel parts of one step.

use std::cell::Cell;
use std::hint;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rayon::Yield;

/// Looks for work after which a thread offers its processor to other programs: about a tenth of a millisecond.
const LOOKS: u32 = 1000;

/// Offers after which it goes to sleep as rayon does. A thread may begin to look in the middle of a part of the very work
/// whose end it waits for, where that part waits for another thread: only by giving up does it let the part go on.
const OFFERS: u32 = 100;

thread_local! {
    /// Whether this thread runs the work of an [`awake`]: it must not wait for that of another one.
    static IS_WORKING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` in the thread pool, whose other threads look for its parallel parts all the while instead of going to
/// sleep in the gaps between them.
///
/// A step of decoding is hundreds of products of some ten microseconds each; to send a thread to sleep and to wake it
/// takes longer than most of them. Results are those of `work()`.
///
/// # Panics
///
/// If `work` does.
pub fn awake<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    if rayon::current_num_threads() == 1 {
        return work();
    }
    let is_done = AtomicBool::new(false);
    rayon::scope(|scope| {
        scope.spawn_broadcast(|_, _| look_for_work(&is_done));
        let _working = Working::new(&is_done);
        work()
    })
}

/// Says that a thread is at work; its end, also by a panic, ends the looking of the others.
struct Working<'a> {
    is_done: &'a AtomicBool,
    was_working: bool,
}

impl<'a> Working<'a> {
    fn new(is_done: &'a AtomicBool) -> Self {
        Self { is_done, was_working: IS_WORKING.replace(true) }
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        IS_WORKING.set(self.was_working);
        self.is_done.store(true, Ordering::Release);
    }
}

fn look_for_work(is_done: &AtomicBool) {
    let mut looks = 0;
    while !IS_WORKING.get() && !is_done.load(Ordering::Acquire) {
        match rayon::yield_now() {
            Some(Yield::Executed) => looks = 0,
            _ if looks < LOOKS => {
                looks += 1;
                hint::spin_loop();
            }
            _ if looks < LOOKS + OFFERS => {
                looks += 1;
                thread::yield_now();
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{self, AssertUnwindSafe};

    use rayon::prelude::*;

    use super::*;

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool")
    }

    fn sum(length: u64) -> u64 {
        (0..length).into_par_iter().sum()
    }

    #[test]
    fn parallel_parts_run_on_any_number_of_threads() {
        for threads in [1, 2, 5] {
            let sums: Vec<u64> = pool(threads).install(|| awake(|| (0..50).map(sum).collect()));
            assert_eq!(sums[49], 48 * 49 / 2, "{threads} threads");
        }
    }

    /// Each of two works would wait for the other if a thread at work looked for the other's parts.
    #[test]
    fn works_within_and_beside_each_other_end() {
        let nested = || awake(|| awake(|| sum(1000)) + sum(1000));
        let (left, right) = pool(2).install(|| rayon::join(nested, nested));
        assert_eq!(left, right);
        let pool = pool(2);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| assert_eq!(pool.install(nested), 999_000)));
            }
        });
    }

    /// A part that waits for its other half may begin to look, on top of itself: rarely, so that this does not show every time
    /// what goes wrong where it looks for ever.
    #[test]
    fn a_thread_that_looks_within_a_part_of_the_work_lets_it_end() {
        let part = |length| rayon::join(|| sum(length), || sum(length)).0;
        let work = || awake(|| (0..64_u64).into_par_iter().map(part).sum::<u64>());
        let expected: u64 = (0..64_u64).map(|length| length * length.saturating_sub(1) / 2).sum();
        pool(2).install(|| (0..2000).for_each(|_| assert_eq!(work(), expected)));
    }

    #[test]
    fn a_panic_passes_through_and_leaves_a_pool_that_works() {
        let pool = pool(2);
        let broken = AssertUnwindSafe(|| pool.install(|| awake(|| panic!("broken"))));
        panic::catch_unwind(broken).expect_err("the panic passes through");
        assert_eq!(pool.install(|| awake(|| sum(10))), 45);
    }
}
