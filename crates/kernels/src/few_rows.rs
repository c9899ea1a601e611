//! Products with few rows on the left, as in decoding, on AVX-512: the right operand is read once, where it stands and in
//! the order in which it stands, so that the speed is that of the memory.
//!
//! A general product packs its operands first, which pays when each packed number is used often.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m128, __m512, __mmask16, _MM_HINT_T1, _mm_add_ps, _mm_movehl_ps, _mm_movelh_ps, _mm_prefetch,
    _mm_shuffle_ps, _mm_storeu_ps, _mm512_add_ps, _mm512_castps512_ps128, _mm512_extractf32x4_ps,
    _mm512_fmadd_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_set1_ps,
    _mm512_setzero_ps,
};
use std::ops::Range;

use rayon::prelude::*;

use crate::matrix::{Matrix, Target, Threads, Write};

/// Rows up to which reading the right operand as it stands is faster than packing it.
const MOST_ROWS: usize = 24;
/// Columns of a tile: two registers.
const TILE_COLUMNS: usize = 32;
/// Rows of the right operand that are read together. Each is a stream of its own for the processor's prefetching, and
/// rows a power of two apart share a set of the first-level cache, which holds 8 lines at least; more of them mean that sums
/// are added to the target less often. Measured: 16 beats 8 and 32.
const DEPTH: usize = 16;
/// Columns of one task; its results stay in the second-level cache.
const TASK_COLUMNS: usize = 768;
/// Rows of a transposed right operand that are multiplied with all left rows of a tile at once.
const TRANSPOSED_COLUMNS: usize = 4;
/// Tiles of transposed columns between the one that is multiplied and the one that is fetched into the second-level cache.
const TILES_AHEAD: usize = 4;
/// Multiplications below which a product is not worth waking another thread for.
const SERIAL_PRODUCT: usize = 1 << 18;

/// Calls a method for a constant number of rows, of which there are at most 12.
macro_rules! by_count {
    ($self:ident.$method:ident, $count:expr, ($($argument:expr),*)) => {
        match $count {
            1 => $self.$method::<1>($($argument),*),
            2 => $self.$method::<2>($($argument),*),
            3 => $self.$method::<3>($($argument),*),
            4 => $self.$method::<4>($($argument),*),
            5 => $self.$method::<5>($($argument),*),
            6 => $self.$method::<6>($($argument),*),
            7 => $self.$method::<7>($($argument),*),
            8 => $self.$method::<8>($($argument),*),
            9 => $self.$method::<9>($($argument),*),
            10 => $self.$method::<10>($($argument),*),
            11 => $self.$method::<11>($($argument),*),
            _ => $self.$method::<12>($($argument),*),
        }
    };
}
/// Whether this module computes the product: few rows on the left, and operands whose rows are contiguous, or the rows
/// of the transposed right operand.
pub(crate) fn takes(left: Matrix<'_>, right: Matrix<'_>) -> bool {
    let is_empty = left.rows == 0 || left.columns == 0 || right.columns == 0;
    let is_contiguous = right.column_stride == 1 || right.row_stride == 1;
    left.rows <= MOST_ROWS
        && left.column_stride == 1
        && is_contiguous
        && !is_empty
        && is_x86_feature_detected!("avx512f")
}

/// As [`Target::fill`], for operands that [`takes`] took.
///
/// # Safety
///
/// As there.
pub(crate) unsafe fn multiply(
    target: Target,
    write: Write,
    (left, right): (Matrix<'_>, Matrix<'_>),
    threads: Threads,
) {
    let is_small = left.rows * left.columns * right.columns < SERIAL_PRODUCT;
    let product = Product { target, write, left, right };
    // SAFETY: the columns of the tasks are disjoint ranges of the target's, and `takes` asked the processor.
    let run = |columns: Range<usize>| unsafe { product.columns(&columns) };
    let even = right.columns.div_ceil(4).next_multiple_of(TILE_COLUMNS);
    let length = even.min(TASK_COLUMNS);
    let tasks = (0..right.columns.div_ceil(length))
        .map(move |index| index * length..right.columns.min((index + 1) * length));
    match threads {
        Threads::All if !is_small => {
            tasks.collect::<Vec<_>>().into_par_iter().with_max_len(1).for_each(run);
        }
        _ => tasks.for_each(run),
    }
}

/// One product, of which each task computes some columns.
#[derive(Clone, Copy)]
struct Product<'a> {
    target: Target,
    write: Write,
    left: Matrix<'a>,
    right: Matrix<'a>,
}

// SAFETY: threads share the target's pointer to write to columns of their own.
unsafe impl Sync for Product<'_> {}

impl Product<'_> {
    /// # Safety
    ///
    /// The columns are columns of the target that nobody else uses; the processor has AVX-512.
    unsafe fn columns(&self, columns: &Range<usize>) {
        let rows = self.left.rows;
        // At most 12 rows and two registers of sums for each, or 6 and four: 24 of 32 registers.
        let most = if self.right.column_stride == 1 { 12 } else { 6 };
        let even = rows.div_ceil(rows.div_ceil(most));
        // SAFETY: passed on; the rows are rows of the target.
        unsafe {
            if self.right.column_stride == 1 {
                self.in_rows(columns, even);
            } else {
                self.transposed(columns, even);
            }
        }
    }

    /// A few rows of the right operand after the other, over all columns: they are read in the order of their addresses.
    #[target_feature(enable = "avx512f")]
    unsafe fn in_rows(&self, columns: &Range<usize>, even: usize) {
        for depth in (0..self.left.columns).step_by(DEPTH) {
            let depth = depth..self.left.columns.min(depth + DEPTH);
            for start in columns.clone().step_by(TILE_COLUMNS) {
                let tile = start..columns.end.min(start + TILE_COLUMNS);
                for first in (0..self.left.rows).step_by(even) {
                    let count = even.min(self.left.rows - first);
                    // SAFETY: ranges of the operands and of the target.
                    unsafe { by_count!(self.tile, count, (first, tile.clone(), depth.clone())) };
                }
            }
        }
    }

    #[target_feature(enable = "avx512f")]
    unsafe fn tile<const ROWS: usize>(
        &self,
        first: usize,
        columns: Range<usize>,
        depth: Range<usize>,
    ) {
        let masks = [lanes(columns.len()), lanes(columns.len().saturating_sub(16))];
        let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
        let write = if depth.start > 0 { Write::Add } else { self.write };
        for index in depth {
            // SAFETY: row and first column are those of an element; lanes outside the masks are not read.
            unsafe {
                let right = self.right.data.as_ptr();
                let right = right.add(index * self.right.row_stride + columns.start);
                // What the next pass over the columns reads; an address behind the end does no harm.
                let next = right.wrapping_add(DEPTH * self.right.row_stride).cast();
                _mm_prefetch::<_MM_HINT_T1>(next);
                _mm_prefetch::<_MM_HINT_T1>(next.wrapping_add(64));
                let right = [
                    _mm512_maskz_loadu_ps(masks[0], right),
                    _mm512_maskz_loadu_ps(masks[1], right.wrapping_add(16)),
                ];
                for (row, sums) in sums.iter_mut().enumerate() {
                    let left = _mm512_set1_ps(*self.left(first + row).add(index));
                    sums[0] = _mm512_fmadd_ps(left, right[0], sums[0]);
                    sums[1] = _mm512_fmadd_ps(left, right[1], sums[1]);
                }
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            for (half, (sum, mask)) in sums.into_iter().zip(masks).enumerate() {
                // SAFETY: the masks end with the columns, which are the caller's to write.
                unsafe {
                    let out = self.target.row(first + row).wrapping_add(columns.start + 16 * half);
                    store(out, mask, sum, write);
                }
            }
        }
    }

    /// # Safety
    ///
    /// It is a row of the left operand.
    unsafe fn left(&self, row: usize) -> *const f32 {
        // SAFETY: the caller's promise.
        unsafe { self.left.data.as_ptr().add(row * self.left.row_stride) }
    }

    /// Products of rows with rows, for a right operand that is the transpose of what stands in memory.
    #[target_feature(enable = "avx512f")]
    unsafe fn transposed(&self, columns: &Range<usize>, even: usize) {
        for start in columns.clone().step_by(TRANSPOSED_COLUMNS) {
            let tile = start..columns.end.min(start + TRANSPOSED_COLUMNS);
            for first in (0..self.left.rows).step_by(even) {
                let count = even.min(self.left.rows - first);
                // SAFETY: ranges of the operands and of the target.
                unsafe { by_count!(self.dots, count, (first, tile.clone())) };
            }
        }
    }

    #[target_feature(enable = "avx512f")]
    unsafe fn dots<const ROWS: usize>(&self, first: usize, columns: Range<usize>) {
        let (depth, ahead) = (self.left.columns, TILES_AHEAD * TRANSPOSED_COLUMNS);
        let mut sums = [[_mm512_setzero_ps(); TRANSPOSED_COLUMNS]; ROWS];
        for index in (0..depth).step_by(16) {
            let mask = lanes(depth - index);
            // SAFETY: the masks end with the rows. A column that a last tile lacks repeats its last one, unused.
            unsafe {
                let mut right = [_mm512_setzero_ps(); TRANSPOSED_COLUMNS];
                for (offset, right) in right.iter_mut().enumerate() {
                    let column = (columns.start + offset).min(columns.end - 1);
                    let from = self.right.data.as_ptr().add(column * self.right.column_stride);
                    if first == 0 {
                        let next = ahead * self.right.column_stride + index;
                        _mm_prefetch::<_MM_HINT_T1>(from.wrapping_add(next).cast());
                    }
                    *right = _mm512_maskz_loadu_ps(mask, from.add(index));
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let left = _mm512_maskz_loadu_ps(mask, self.left(first + row).add(index));
                    for (sum, right) in sums.iter_mut().zip(right) {
                        *sum = _mm512_fmadd_ps(left, right, *sum);
                    }
                }
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            let mut totals = [0.0; TRANSPOSED_COLUMNS];
            // SAFETY: four numbers; then elements of the target that are the caller's to write.
            unsafe {
                _mm_storeu_ps(totals.as_mut_ptr(), totals_of(sums));
                for (column, total) in columns.clone().zip(totals) {
                    let out = self.target.row(first + row).add(column);
                    *out = if self.write == Write::Add { *out + total } else { total };
                }
            }
        }
    }
}

/// The sum over the lanes of each of four registers, added in the order of `_mm512_reduce_add_ps`: halves, quarters, pairs.
/// The last two steps are taken for all four at once.
#[target_feature(enable = "avx512f")]
fn totals_of(sums: [__m512; TRANSPOSED_COLUMNS]) -> __m128 {
    let [a, b, c, d] = sums.map(|sum| {
        // Lanes i and i + 8, and then i and i + 4.
        let low = _mm_add_ps(_mm512_castps512_ps128(sum), _mm512_extractf32x4_ps::<2>(sum));
        let high = _mm_add_ps(_mm512_extractf32x4_ps::<1>(sum), _mm512_extractf32x4_ps::<3>(sum));
        _mm_add_ps(low, high)
    });
    // Lanes i and i + 2 of two of them beside each other, and then 0 and 1.
    let pairs = |x, y| _mm_add_ps(_mm_movelh_ps(x, y), _mm_movehl_ps(y, x));
    let (ab, cd) = (pairs(a, b), pairs(c, d));
    _mm_add_ps(_mm_shuffle_ps::<0b10_00_10_00>(ab, cd), _mm_shuffle_ps::<0b11_01_11_01>(ab, cd))
}

/// The first lanes of a register.
fn lanes(count: usize) -> __mmask16 {
    if 16 <= count { u16::MAX } else { (1 << count) - 1 }
}

/// # Safety
///
/// The lanes of the mask are memory that nobody else uses.
#[target_feature(enable = "avx512f")]
unsafe fn store(out: *mut f32, mask: __mmask16, sum: __m512, write: Write) {
    // SAFETY: lanes outside the mask are neither read nor written.
    unsafe {
        let sum = match write {
            Write::Add => _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, out)),
            Write::Overwrite => sum,
        };
        _mm512_mask_storeu_ps(out, mask, sum);
    }
}
