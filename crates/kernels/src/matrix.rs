//! The one door to matrix products: views that are checked against their slices before a pointer is made.
#![allow(unsafe_code)]

use gemm::Parallelism;

#[cfg(target_arch = "x86_64")]
use crate::few_rows;

/// A read-only strided view of a slice as a matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// `rows` rows of `columns` numbers; consecutive rows start `row_stride` apart in `data`.
    pub(crate) fn new(data: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert_rows_fit(data.len(), rows, columns, row_stride);
        Self { data, rows, columns, row_stride, column_stride: 1 }
    }

    /// The same numbers with rows and columns exchanged.
    pub(crate) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// A view of a slice as a matrix to write to; its rows do not overlap.
#[derive(Debug)]
pub(crate) struct MatrixMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
}

impl<'a> MatrixMut<'a> {
    /// `rows` rows of `columns` numbers; consecutive rows start `row_stride` apart in `data`.
    pub(crate) fn new(data: &'a mut [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert_rows_fit(data.len(), rows, columns, row_stride);
        Self { data, rows, columns, row_stride }
    }
}

/// What happens to the numbers that the output holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// They are replaced.
    Overwrite,
    /// The product is added to them.
    Add,
}

/// Which threads share one product.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Threads {
    /// The calling thread alone: for products inside parallel work.
    One,
    /// The threads of the current rayon pool. `gemm` divides rows and columns among them, never the inner dimension,
    /// so the sums have the same order whatever their number.
    All,
}

/// `left @ right` in new memory, on all threads.
///
/// # Panics
///
/// If the inner dimensions differ.
pub(crate) fn product(left: Matrix<'_>, right: Matrix<'_>) -> Vec<f32> {
    assert_eq!(left.columns, right.rows, "inner dimensions differ");
    let (rows, columns) = (left.rows, right.columns);
    if left.columns == 0 {
        return vec![0.0; rows * columns];
    }
    let mut out = Vec::with_capacity(rows * columns);
    // SAFETY: the capacity holds `rows` rows of `columns` numbers; a product that overwrites writes every one of them
    // and reads none, so that all are initialised when the length is set.
    unsafe {
        let target = Target { start: out.as_mut_ptr(), row_stride: columns };
        target.fill(Write::Overwrite, left, right, Threads::All);
        out.set_len(rows * columns);
    }
    out
}

/// `out = left @ right`, or `out += left @ right`.
///
/// # Panics
///
/// If the shapes do not match.
pub(crate) fn multiply(
    out: MatrixMut<'_>,
    write: Write,
    left: Matrix<'_>,
    right: Matrix<'_>,
    threads: Threads,
) {
    let MatrixMut { data, rows, columns, row_stride } = out;
    assert_eq!(left.columns, right.rows, "inner dimensions differ");
    assert_eq!((rows, columns), (left.rows, right.columns), "shape of the product");
    let target = Target { start: data.as_mut_ptr(), row_stride };
    // SAFETY: a `MatrixMut` is only built when its last element lies inside its slice, the shape is that of the product,
    // and `data` is a unique borrow whose rows do not overlap.
    unsafe { target.fill(write, left, right, threads) };
}

/// Where a product goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    start: *mut f32,
    row_stride: usize,
}

impl Target {
    /// Where a row starts.
    ///
    /// # Safety
    ///
    /// It is one of the rows.
    #[cfg(target_arch = "x86_64")]
    pub(crate) unsafe fn row(self, row: usize) -> *mut f32 {
        // SAFETY: the memory reaches at least as far as the last row.
        unsafe { self.start.add(row * self.row_stride) }
    }

    /// # Safety
    ///
    /// Behind the pointer there are as many rows as `left` has, a stride apart, each with room for the columns of
    /// `right`, and nobody else uses them. They are initialised, or `write` overwrites. The inner dimensions agree.
    unsafe fn fill(self, write: Write, left: Matrix<'_>, right: Matrix<'_>, threads: Threads) {
        #[cfg(target_arch = "x86_64")]
        if few_rows::takes(left, right) {
            // SAFETY: the promises of the caller, passed on.
            return unsafe { few_rows::multiply(self, write, (left, right), threads) };
        }
        let parallelism = match threads {
            Threads::One => Parallelism::None,
            Threads::All => Parallelism::Rayon(0),
        };
        // SAFETY: a `Matrix` is only built when its last element lies inside its slice; the caller vouches for the rest.
        unsafe {
            gemm::gemm(
                left.rows,
                right.columns,
                left.columns,
                self.start,
                1,
                signed(self.row_stride),
                write == Write::Add,
                left.data.as_ptr(),
                signed(left.column_stride),
                signed(left.row_stride),
                right.data.as_ptr(),
                signed(right.column_stride),
                signed(right.row_stride),
                1.0,
                1.0,
                false,
                false,
                false,
                parallelism,
            );
        }
    }
}

/// Panics unless the last number of the last row lies inside a slice of `length` numbers and rows do not overlap.
fn assert_rows_fit(length: usize, rows: usize, columns: usize, row_stride: usize) {
    assert!(columns <= row_stride || rows <= 1, "rows of {columns} overlap at stride {row_stride}");
    let end = match rows.checked_sub(1) {
        None => Some(0),
        Some(last) => last.checked_mul(row_stride).and_then(|start| start.checked_add(columns)),
    };
    assert!(end.is_some_and(|end| end <= length), "{rows} rows exceed a slice of {length}");
}

/// A stride as `gemm` wants it; strides are bounded by slice lengths, which never exceed `isize::MAX`.
fn signed(stride: usize) -> isize {
    isize::try_from(stride).unwrap_or(isize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strided_transposed_product_is_the_one_of_hand_arithmetic() {
        let left = [1.0, 2.0, 9.0, 3.0, 4.0, 9.0]; // [[1, 2], [3, 4]] with a stride of 3
        let right = [5.0, 7.0, 6.0, 8.0]; // [[5, 6], [7, 8]] transposed
        let mut out = [1.0; 4];
        multiply(
            MatrixMut::new(&mut out, 2, 2, 2),
            Write::Add,
            Matrix::new(&left, 2, 2, 3),
            Matrix::new(&right, 2, 2, 2).transposed(),
            Threads::One,
        );
        assert_eq!(out.map(f32::to_bits), [20.0, 23.0, 44.0, 51.0].map(f32::to_bits));
    }

    #[test]
    #[should_panic(expected = "3 rows exceed a slice of 5")]
    fn a_view_beyond_its_slice_is_refused() {
        let _ = Matrix::new(&[0.0; 5], 3, 2, 2);
    }

    #[test]
    #[should_panic(expected = "overlap")]
    fn overlapping_rows_are_refused() {
        let _ = MatrixMut::new(&mut [0.0; 8], 3, 3, 2);
    }
}
