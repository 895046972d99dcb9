//! Squares of a matrix, transposed in registers: a vector of each of as many rows as it has elements.

/// Transposes a matrix as [`turn`](super::pack::turn) does, if it has as many columns as a vector has elements and this
/// processor's vectors can; returns whether it has.
pub(crate) fn squares(
    source: &[f32],
    stride: usize,
    shape: [usize; 2],
    target: &mut [f32],
    width: usize,
) -> bool {
    #[cfg(target_arch = "x86_64")]
    match *super::ARCH {
        pulp::Arch::V4(simd) => {
            return simd.vectorize(x86::Transposed::<_, 16> { simd, source, stride, shape, target, width });
        }
        pulp::Arch::V3(simd) => {
            return simd.vectorize(x86::Transposed::<_, 8> { simd, source, stride, shape, target, width });
        }
        _ => {}
    }
    let _ = (source, stride, shape, target, width);
    false
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "one check for a square, not one for each of its rows")]
mod x86 {
    use pulp::x86::{V3, V4};
    use pulp::{NullaryFnOnce, cast, f32x8, f32x16};

    /// Vectors of N elements.
    pub(super) trait Squares<const N: usize>: Copy {
        type Vector: Copy;
        fn vector(row: [f32; N]) -> Self::Vector;
        fn row(vector: Self::Vector) -> [f32; N];
        /// Columns of the rows.
        fn transpose(self, rows: [Self::Vector; N]) -> [Self::Vector; N];
    }

    pub(super) struct Transposed<'a, S, const N: usize> {
        pub(super) simd: S,
        pub(super) source: &'a [f32],
        pub(super) stride: usize,
        pub(super) shape: [usize; 2],
        pub(super) target: &'a mut [f32],
        pub(super) width: usize,
    }

    impl<S: Squares<N>, const N: usize> NullaryFnOnce for Transposed<'_, S, N> {
        type Output = bool;

        #[inline(always)]
        fn call(self) -> bool {
            let Transposed { simd, source, stride, shape: [rows, columns], target, width } = self;
            if columns < N {
                return false;
            }
            // The last square overlaps the one before it, if it would be narrower.
            let squares = (0..columns / N * N).step_by(N);
            let last = (!columns.is_multiple_of(N)).then(|| columns - N);
            // A few rows at a time, whose lines the processor fetches ahead, and not all of them side by side.
            for row in (0..rows).step_by(N) {
                let count = (rows - row).min(N);
                // Vectors beyond the end of a row of the target are overwritten by its next row.
                let over = count == N || rows < N;
                for column in squares.clone().chain(last) {
                    let source = &source[row * stride + column..];
                    let target = &mut target[column * width + row..];
                    // In both branches: transposed before them, each square would go through the stack for the second's sake.
                    if over && target.len() >= (N - 1) * width + N {
                        store::<S, N>(simd.transpose(load::<S, N>(source, stride, count)), target, width);
                    } else {
                        let square = simd.transpose(load::<S, N>(source, stride, count));
                        for (target, vector) in target.chunks_mut(width).zip(square) {
                            target[..count].copy_from_slice(&S::row(vector)[..count]);
                        }
                    }
                }
            }
            true
        }
    }

    /// The first elements of `count` rows; instead of rows beyond the last, that one again.
    #[inline(always)]
    fn load<S: Squares<N>, const N: usize>(source: &[f32], stride: usize, count: usize) -> [S::Vector; N] {
        assert!(source.len() >= (count - 1) * stride + N);
        std::array::from_fn(|r| {
            // SAFETY: the last of the rows has as many elements as are read.
            let row = unsafe { source.as_ptr().add(r.min(count - 1) * stride).cast::<[f32; N]>().read() };
            S::vector(row)
        })
    }

    /// Writes rows that begin `width` after one another.
    #[inline(always)]
    fn store<S: Squares<N>, const N: usize>(rows: [S::Vector; N], target: &mut [f32], width: usize) {
        assert!(target.len() >= (N - 1) * width + N);
        for (r, &row) in rows.iter().enumerate() {
            // SAFETY: the last of the rows has as many elements as are written.
            unsafe { target.as_mut_ptr().add(r * width).cast::<[f32; N]>().write(S::row(row)) };
        }
    }

    impl Squares<16> for V4 {
        type Vector = f32x16;

        #[inline(always)]
        fn vector(row: [f32; 16]) -> f32x16 {
            cast(row)
        }
        #[inline(always)]
        fn row(vector: f32x16) -> [f32; 16] {
            cast(vector)
        }
        /// Pairs and fours of rows are woven within each quarter of the vectors, then the quarters change places.
        #[inline(always)]
        fn transpose(self, rows: [f32x16; 16]) -> [f32x16; 16] {
            let avx = self.avx512f;
            let low = |a: f32x16, b: f32x16| cast(avx._mm512_unpacklo_ps(cast(a), cast(b)));
            let high = |a: f32x16, b: f32x16| cast(avx._mm512_unpackhi_ps(cast(a), cast(b)));
            let low_pairs = |a: f32x16, b: f32x16| cast(avx._mm512_unpacklo_pd(cast(a), cast(b)));
            let high_pairs = |a: f32x16, b: f32x16| cast(avx._mm512_unpackhi_pd(cast(a), cast(b)));
            let even =
                |a: f32x16, b: f32x16| cast(avx._mm512_shuffle_f32x4::<0b10_00_10_00>(cast(a), cast(b)));
            let odd =
                |a: f32x16, b: f32x16| cast(avx._mm512_shuffle_f32x4::<0b11_01_11_01>(cast(a), cast(b)));
            let mut fours = rows;
            for four in (0..16).step_by(4) {
                let [a, b, c, d] = [rows[four], rows[four + 1], rows[four + 2], rows[four + 3]];
                let (ab, cd): (f32x16, f32x16) = (low(a, b), low(c, d));
                (fours[four], fours[four + 1]) = (low_pairs(ab, cd), high_pairs(ab, cd));
                let (ab, cd): (f32x16, f32x16) = (high(a, b), high(c, d));
                (fours[four + 2], fours[four + 3]) = (low_pairs(ab, cd), high_pairs(ab, cd));
            }
            let mut columns = rows;
            for c in 0..4 {
                let [a, b, c_, d] = [fours[c], fours[4 + c], fours[8 + c], fours[12 + c]];
                let (ab, cd): (f32x16, f32x16) = (even(a, b), even(c_, d));
                (columns[c], columns[8 + c]) = (even(ab, cd), odd(ab, cd));
                let (ab, cd): (f32x16, f32x16) = (odd(a, b), odd(c_, d));
                (columns[4 + c], columns[12 + c]) = (even(ab, cd), odd(ab, cd));
            }
            columns
        }
    }

    impl Squares<8> for V3 {
        type Vector = f32x8;

        #[inline(always)]
        fn vector(row: [f32; 8]) -> f32x8 {
            cast(row)
        }
        #[inline(always)]
        fn row(vector: f32x8) -> [f32; 8] {
            cast(vector)
        }
        /// Pairs and fours of rows are woven within each half of the vectors, then the halves change places.
        #[inline(always)]
        fn transpose(self, rows: [f32x8; 8]) -> [f32x8; 8] {
            let avx = self.avx;
            let low = |a: f32x8, b: f32x8| cast(avx._mm256_unpacklo_ps(cast(a), cast(b)));
            let high = |a: f32x8, b: f32x8| cast(avx._mm256_unpackhi_ps(cast(a), cast(b)));
            let low_pairs = |a: f32x8, b: f32x8| cast(avx._mm256_unpacklo_pd(cast(a), cast(b)));
            let high_pairs = |a: f32x8, b: f32x8| cast(avx._mm256_unpackhi_pd(cast(a), cast(b)));
            let first = |a: f32x8, b: f32x8| cast(avx._mm256_permute2f128_ps::<0b10_0000>(cast(a), cast(b)));
            let second = |a: f32x8, b: f32x8| cast(avx._mm256_permute2f128_ps::<0b11_0001>(cast(a), cast(b)));
            let mut fours = rows;
            for four in [0, 4] {
                let [a, b, c, d] = [rows[four], rows[four + 1], rows[four + 2], rows[four + 3]];
                let (ab, cd): (f32x8, f32x8) = (low(a, b), low(c, d));
                (fours[four], fours[four + 1]) = (low_pairs(ab, cd), high_pairs(ab, cd));
                let (ab, cd): (f32x8, f32x8) = (high(a, b), high(c, d));
                (fours[four + 2], fours[four + 3]) = (low_pairs(ab, cd), high_pairs(ab, cd));
            }
            let mut columns = rows;
            for c in 0..4 {
                columns[c] = first(fours[c], fours[4 + c]);
                columns[4 + c] = second(fours[c], fours[4 + c]);
            }
            columns
        }
    }
}
