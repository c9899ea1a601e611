//! Memory of tensors, which is used again as soon as it is free.
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
