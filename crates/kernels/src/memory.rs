//! What programs can do about the memory of tensors: keep it while it is wanted again, give it back between.
#![allow(unsafe_code)]

/// `mi_option_purge_delay` in the `mi_option_e` of mimalloc 3; the bindings have no name for it.
#[cfg(feature = "mimalloc")]
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// A day, in milliseconds.
#[cfg(feature = "mimalloc")]
const KEPT: std::ffi::c_long = 24 * 60 * 60 * 1000;

/// Tells mimalloc, if that is the program's allocator, to keep the memory that tensors give back.
///
/// By default it returns freed pages to the system after a second. A training step frees gigabytes and takes them again
/// in the next step, and the system clears every page that it hands out: a third of the time of a step, measured.
///
/// What is kept can be [given back](give_back_freed_memory): a delay of -1, which keeps it too, keeps it for good.
#[cfg(feature = "mimalloc")]
pub fn keep_freed_memory() {
    // SAFETY: setting an option is an atomic store, allowed at any time.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, KEPT) };
}

/// Returns freed memory to the system, as far as the allocator knows of it: what is resident then is about what is used.
#[cfg(feature = "mimalloc")]
pub fn give_back_freed_memory() {
    // SAFETY: a thread may collect its own heap and the arenas at any time.
    unsafe { libmimalloc_sys::mi_collect(true) };
}

/// Without mimalloc the allocator is that of the system, which gives memory back by itself.
#[cfg(not(feature = "mimalloc"))]
pub fn give_back_freed_memory() {}

#[cfg(all(test, feature = "mimalloc"))]
mod tests {
    /// The number of the option is that of the C header: its default is a second.
    #[test]
    fn purging_is_on_by_default_and_late_afterwards() {
        // SAFETY: reading an option is an atomic load.
        let delay = || unsafe { libmimalloc_sys::mi_option_get(15) };
        assert_eq!(delay(), 1000);
        super::keep_freed_memory();
        assert_eq!(delay(), 24 * 60 * 60 * 1000);
        super::give_back_freed_memory();
    }
}
