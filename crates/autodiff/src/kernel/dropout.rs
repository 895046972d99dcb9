//! Dropout: which elements stay is a function of (key, dropout, element), so there is no generator state.

use super::{Write, vectorize};
use crate::real::Real;

/// Key of the run, number of the dropout in its graph, and number of the first element within the whole batch.
pub(crate) type Place = (u64, usize, usize);

/// y = x / (1 - rate) where the element stays, else 0.
pub(crate) fn forward<T: Real>(x: &[T], rate: f64, place: Place, y: &mut [T]) {
    let stays = Stays::new(rate, place);
    let scale = T::from_f64(1.0 / (1.0 - rate));
    vectorize(
        #[inline(always)]
        move || {
            for (i, (y, &x)) in y.iter_mut().zip(x).enumerate() {
                let kept = scale * x;
                *y = if stays.element(i) { kept } else { T::ZERO };
            }
        },
    )
}

/// dx = dy / (1 - rate) where the element stayed, else 0; or added to dx.
pub(crate) fn backward<T: Real>(dy: &[T], rate: f64, place: Place, dx: &mut [T], write: Write) {
    let stays = Stays::new(rate, place);
    let scale = T::from_f64(1.0 / (1.0 - rate));
    vectorize(
        #[inline(always)]
        move || {
            for (i, (dx, &dy)) in dx.iter_mut().zip(dy).enumerate() {
                let kept = scale * dy;
                let part = if stays.element(i) { kept } else { T::ZERO };
                *dx = if write == Write::Set { part } else { *dx + part };
            }
        },
    )
}

/// Decides by comparing 32 random bits with the rate. Loops own it, and scale what is dropped too: else they would read
/// it anew for each element, and not vectorise.
struct Stays {
    seed: [u32; 2],
    first: u32,
    threshold: u32,
}

impl Stays {
    fn new(rate: f64, (key, number, first): Place) -> Stays {
        let mixed = mix64(key ^ mix64(number as u64 + 1));
        let threshold = (rate * 2f64.powi(32)) as u32;
        Stays { seed: [mixed as u32, (mixed >> 32) as u32], first: first as u32, threshold }
    }

    /// Two rounds of a 32-bit finalizer over the element's number, each keyed: cheap, and it vectorises.
    #[inline(always)]
    fn element(&self, i: usize) -> bool {
        let counter = self.first.wrapping_add(i as u32);
        mix32(mix32(counter ^ self.seed[0]).wrapping_add(self.seed[1])) >= self.threshold
    }
}

/// The finalizer of MurmurHash3 (Appleby 2008), a bijection of 32 bits.
#[inline(always)]
fn mix32(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x85eb_ca6b);
    x ^= x >> 13;
    x = x.wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}

/// The finalizer of SplitMix64 (Steele, Lea & Flood 2014), a bijection of 64 bits.
fn mix64(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
