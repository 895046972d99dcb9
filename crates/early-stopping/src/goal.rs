//! Whether small or large values are good.

/// Which values of the watched quantity are better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Goal {
    /// Smaller is better: a loss or an error. The default.
    #[default]
    Minimize,
    /// Larger is better: an accuracy or another score.
    Maximize,
}

impl Goal {
    /// Whether `a` is strictly better than `b`. A non-finite value is worse than every finite one and no
    /// better than another non-finite one.
    pub fn better(self, a: f64, b: f64) -> bool {
        self.error(a) < self.error(b)
    }

    /// The value as an error, the smaller the better: the value itself or its negative, and `+∞` for whatever
    /// is not finite. Every rule works on errors, so that maximizing a series decides exactly as minimizing
    /// its negative does, and neither NaN nor `-∞` can pass for a record.
    pub fn error(self, value: f64) -> f64 {
        match self {
            _ if !value.is_finite() => f64::INFINITY,
            Goal::Minimize => value,
            Goal::Maximize => -value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Goal::{Maximize, Minimize};

    #[test]
    fn a_non_finite_value_is_better_than_nothing() {
        let infinity = f64::INFINITY;
        for goal in [Minimize, Maximize] {
            for bad in [f64::NAN, infinity, -infinity] {
                assert!(!goal.better(bad, 1.0), "{goal:?} {bad}");
                assert!(goal.better(1.0, bad), "{goal:?} {bad}");
                assert!(!goal.better(bad, infinity), "{goal:?} {bad}");
            }
            assert!(!goal.better(1.0, 1.0));
        }
        assert!(Minimize.better(1.0, 2.0) && Maximize.better(2.0, 1.0));
    }
}
