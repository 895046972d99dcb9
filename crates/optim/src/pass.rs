//! One pass over flat slices: an elementwise rule, vectorised, on as many threads as pay.

use std::array;

use pulp::{Arch, NullaryFnOnce};

use crate::real::Real;

/// Below this many elements a second thread costs more than it brings.
const PARALLEL_FROM: usize = 1 << 16;
/// What a thread takes at a time, at most.
const PIECE: usize = 1 << 15;

/// What a pass does at one place: the new values of the arrays it writes, out of their old ones and of those it reads.
pub(crate) trait Rule<T, const WRITTEN: usize, const READ: usize>: Copy + Send + Sync {
    fn update(self, written: [T; WRITTEN], read: [T; READ]) -> [T; WRITTEN];
}

/// Applies `rule` at every place of slices of one length. The places share nothing, so the bits depend neither on the
/// number of threads nor on the width of the vectors.
pub(crate) fn apply<T: Real, const WRITTEN: usize, const READ: usize>(
    rule: impl Rule<T, WRITTEN, READ>,
    written: [&mut [T]; WRITTEN],
    read: [&[T]; READ],
) {
    let count = written[0].len();
    let pass = Pass { rule, count, written, read };
    if pays_to_share(count) { pass.split() } else { pass.run() }
}

/// Whether threads should share the work on this many elements. A small model never starts a pool of threads.
pub(crate) fn pays_to_share(count: usize) -> bool {
    count >= PARALLEL_FROM && rayon::current_num_threads() > 1
}

struct Pass<'a, T, R, const WRITTEN: usize, const READ: usize> {
    rule: R,
    count: usize,
    written: [&'a mut [T]; WRITTEN],
    read: [&'a [T]; READ],
}

impl<T: Real, R: Rule<T, WRITTEN, READ>, const WRITTEN: usize, const READ: usize>
    Pass<'_, T, R, WRITTEN, READ>
{
    fn run(self) {
        Arch::new().dispatch(self);
    }

    fn split(self) {
        if self.count <= PIECE {
            return self.run();
        }
        let Self { rule, count, written, read } = self;
        let middle = count.div_ceil(2).next_multiple_of(64);
        let mut halves = written.map(|slice| slice.split_at_mut(middle));
        let right = Pass {
            rule,
            count: count - middle,
            written: halves.each_mut().map(|(_, right)| std::mem::take(right)),
            read: read.map(|slice| &slice[middle..]),
        };
        let left = Pass {
            rule,
            count: middle,
            written: halves.map(|(left, _)| left),
            read: read.map(|slice| &slice[..middle]),
        };
        highwater_threads::join(|| left.split(), || right.split());
    }
}

impl<T: Real, R: Rule<T, WRITTEN, READ>, const WRITTEN: usize, const READ: usize> NullaryFnOnce
    for Pass<'_, T, R, WRITTEN, READ>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let count = self.count;
        let written = self.written.map(|slice| &mut slice[..count]);
        let read = self.read.map(|slice| &slice[..count]);
        for place in 0..count {
            let updated = self.rule.update(
                array::from_fn(|array| written[array][place]),
                array::from_fn(|array| read[array][place]),
            );
            for array in 0..WRITTEN {
                written[array][place] = updated[array];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pulp::{Scalar, Simd};

    use super::*;

    #[derive(Clone, Copy)]
    struct Mixed;

    impl Rule<f32, 2, 1> for Mixed {
        #[inline(always)]
        fn update(self, [a, b]: [f32; 2], [c]: [f32; 1]) -> [f32; 2] {
            let b = b * 0.9 + 0.1 * c * c;
            [a - 0.3 * c / (b.sqrt() + 1e-3), b]
        }
    }

    #[test]
    fn the_bits_do_not_depend_on_the_width_of_the_vectors() {
        let values = |salt: f32| (1..1004).map(|place| (place as f32 * salt).sin()).collect::<Vec<f32>>();
        let c = values(0.7);
        let run = |on: fn(Pass<'_, f32, Mixed, 2, 1>)| {
            let (mut a, mut b) = (values(0.3), vec![0.0; 1003]);
            for _ in 0..3 {
                on(Pass { rule: Mixed, count: 1003, written: [&mut a, &mut b], read: [&c] });
            }
            a.extend(b);
            a.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        assert_eq!(run(|pass| pass.run()), run(|pass| Scalar::new().vectorize(pass)));
    }
}
