//! What programs can do about the memory of tensors: keep it.
#![allow(unsafe_code)]

/// Tells mimalloc, if that is the program's allocator, to keep the memory that tensors give back.
///
/// By default it returns freed pages to the system after a second. A training step frees gigabytes and takes them again
/// in the next step, and the system clears every page that it hands out: a third of the time of a step, measured.
#[cfg(feature = "mimalloc")]
pub fn keep_freed_memory() {
    /// `mi_option_purge_delay` in the `mi_option_e` of mimalloc 3; the bindings have no name for it.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    // SAFETY: setting an option is an atomic store, allowed at any time.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
}

#[cfg(all(test, feature = "mimalloc"))]
mod tests {
    /// The number of the option is that of the C header: its default is a second.
    #[test]
    fn purging_is_on_by_default_and_off_afterwards() {
        // SAFETY: reading an option is an atomic load.
        let delay = || unsafe { libmimalloc_sys::mi_option_get(15) };
        assert_eq!(delay(), 1000);
        super::keep_freed_memory();
        assert_eq!(delay(), -1);
    }
}
