//! How often values of each size occur.

use super::proto::Histogram;

const BUCKETS: usize = 32;

/// Of the finite ones among these values: buckets of equal width from the least to the largest. `None` if there are none.
pub(crate) fn histogram(values: &[f32]) -> Option<Histogram> {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (min, max) = finite().fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    if min > max {
        return None;
    }
    let (low, high) = (f64::from(min), f64::from(max));
    // Values that are all the same have one bucket around them.
    let width = if low < high { (high - low) / BUCKETS as f64 } else { low.abs().max(1.0) * 1e-6 };
    let per_width = 1.0 / width;
    let mut bucket = vec![0.0; BUCKETS];
    let (mut num, mut sum, mut sum_squares) = (0.0, 0.0, 0.0);
    for value in finite().map(f64::from) {
        bucket[(((value - low) * per_width) as usize).min(BUCKETS - 1)] += 1.0;
        num += 1.0;
        sum += value;
        sum_squares += value * value;
    }
    let bucket_limit = (1..=BUCKETS).map(|edge| low + edge as f64 * width).collect();
    Some(Histogram { min: low, max: high, num, sum, sum_squares, bucket_limit, bucket })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_value_is_in_one_bucket() {
        let values: Vec<f32> = (0..64).map(|i| i as f32 / 63.0).chain([f32::NAN, f32::INFINITY]).collect();
        let found = histogram(&values).unwrap();
        assert_eq!((found.min, found.max, found.num), (0.0, 1.0, 64.0));
        assert_eq!(found.bucket, [2.0; 32]);
        assert!((found.sum - 32.0).abs() < 1e-5 && (found.bucket_limit[31] - 1.0).abs() < 1e-12);
        for values in [[5.0; 3], [0.0; 3], [-f32::MAX, 0.0, f32::MAX]] {
            let found = histogram(&values).unwrap();
            assert_eq!(found.bucket.iter().sum::<f64>(), 3.0, "{values:?}");
            assert!(found.bucket_limit.windows(2).all(|pair| pair[0] < pair[1]), "{values:?}");
        }
        assert_eq!(histogram(&[f32::NAN]), None);
        assert_eq!(histogram(&[]), None);
    }
}
