//! Classes of thinking length.

use std::num::NonZeroU32;

/// The class of a thinking length: `floor(tokens / width)`.
///
/// ```
/// use std::num::NonZeroU32;
///
/// use forethought_dataset::think_class;
///
/// let width = NonZeroU32::new(25).expect("25 is not 0");
/// assert_eq!([0, 24, 25, 5000, 5024].map(|tokens| think_class(tokens, width)), [0, 0, 1, 200, 200]);
/// ```
#[must_use]
pub fn think_class(tokens: u32, width: NonZeroU32) -> u32 {
    tokens / width
}
