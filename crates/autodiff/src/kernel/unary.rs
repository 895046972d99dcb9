//! Functions of one element: value and derivative side by side.

use super::{Write, in_pieces, vectorize};
use crate::real::Real;

/// A function applied to each element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Unary {
    Neg,
    Abs,
    Square,
    Sqrt,
    Exp,
    Ln,
    Power(f64),
    Scale(f64),
    Shift(f64),
    Clamp(f64, f64),
    Relu,
    LeakyRelu(f64),
    Elu(f64),
    Tanh,
    Sigmoid,
    Softsign,
    Softplus,
    Silu,
    Gelu,
    GeluTanh,
}

/// What is done with a function's two rules.
trait Visitor<T> {
    /// `value(x)` is y; `derivative(x, y)` is dy/dx.
    fn visit(self, value: impl Fn(T) -> T, derivative: impl Fn(T, T) -> T);
}

impl Unary {
    #[inline(always)]
    fn rules<T: Real>(self, v: impl Visitor<T>) {
        let (zero, one) = (T::ZERO, T::ONE);
        let real = T::from_f64;
        let when = |condition: bool, a: T, b: T| if condition { a } else { b };
        match self {
            Unary::Neg => v.visit(|x| -x, |_, _| -one),
            Unary::Abs => v.visit(|x| x.abs(), |x, _| when(x > zero, one, when(x < zero, -one, zero))),
            Unary::Square => v.visit(|x| x * x, |x, _| x + x),
            Unary::Sqrt => v.visit(|x| x.sqrt(), |_, y| real(0.5) / y),
            Unary::Exp => v.visit(|x| x.exp(), |_, y| y),
            Unary::Ln => v.visit(|x| x.ln(), |x, _| one / x),
            // x⁰ is 1 everywhere: its derivative is 0 at 0 too.
            Unary::Power(0.0) => v.visit(|_| one, |_, _| zero),
            Unary::Power(p) => v.visit(|x| x.powf(p), |x, _| real(p) * x.powf(p - 1.0)),
            Unary::Scale(k) => v.visit(|x| real(k) * x, |_, _| real(k)),
            Unary::Shift(k) => v.visit(|x| x + real(k), |_, _| one),
            Unary::Clamp(low, high) => {
                let (low, high) = (real(low), real(high));
                v.visit(
                    |x| when(x < low, low, when(x > high, high, x)),
                    |x, _| when(x >= low && x <= high, one, zero),
                )
            }
            // Not `max`: a NaN must stay one.
            Unary::Relu => v.visit(|x| when(x < zero, zero, x), |_, y| when(y > zero, one, zero)),
            Unary::LeakyRelu(k) => {
                v.visit(|x| when(x < zero, real(k) * x, x), |x, _| when(x > zero, one, real(k)))
            }
            Unary::Elu(a) => v.visit(
                |x| when(x > zero, x, real(a) * x.exp_m1()),
                |x, _| when(x > zero, one, real(a) * x.exp()),
            ),
            Unary::Tanh => v.visit(|x| x.tanh(), |_, y| one - y * y),
            Unary::Sigmoid => v.visit(|x| x.sigmoid(), |_, y| y * (one - y)),
            Unary::Softsign => v.visit(
                |x| x / (one + x.abs()),
                |_, y| {
                    let rest = one - y.abs();
                    rest * rest
                },
            ),
            Unary::Softplus => v.visit(|x| x.softplus(), |x, _| x.sigmoid()),
            Unary::Silu => v.visit(
                |x| x * x.sigmoid(),
                |x, _| {
                    let s = x.sigmoid();
                    s * (one + x * (one - s))
                },
            ),
            Unary::Gelu => v.visit(|x| x.gelu(), |x, _| x.gelu_derivative()),
            // Hendrycks & Gimpel 2016, section 2: ½x(1 + tanh(√(2/π)(x + 0.044715x³))), where ½(1 + tanh u) is
            // sigmoid(2u), which does not cancel for x below 0.
            Unary::GeluTanh => {
                let (k, c) = (real(1.595_769_121_605_730_8), real(0.044_715));
                v.visit(
                    |x| x * (k * (x + c * x * x * x)).sigmoid(),
                    |x, _| {
                        let s = (k * (x + c * x * x * x)).sigmoid();
                        s + x * s * (one - s) * k * (one + real(3.0) * c * x * x)
                    },
                )
            }
        }
    }

    /// Whether the derivative is known from the value alone, so that the input need not be kept.
    pub(crate) fn derivative_needs_only_value(self) -> bool {
        use Unary::*;
        match self {
            Neg | Scale(_) | Shift(_) | Sqrt | Exp | Relu | Tanh | Sigmoid | Softsign => true,
            Abs | Square | Ln | Power(_) | Clamp(..) | LeakyRelu(_) | Elu(_) | Softplus | Silu | Gelu
            | GeluTanh => false,
        }
    }

    /// y = f(x).
    pub(crate) fn forward<T: Real>(self, x: &[T], y: &mut [T]) {
        struct Forward<'a, T>(&'a [T], &'a mut [T]);
        impl<T: Real> Visitor<T> for Forward<'_, T> {
            #[inline(always)]
            fn visit(self, value: impl Fn(T) -> T, _: impl Fn(T, T) -> T) {
                for (y, &x) in self.1.iter_mut().zip(self.0) {
                    *y = value(x);
                }
            }
        }
        in_pieces(y, |start, y| {
            vectorize(
                #[inline(always)]
                || self.rules(Forward(&x[start..start + y.len()], y)),
            )
        });
    }

    /// y = f(y + bias), where `bias` repeats along `y`.
    pub(crate) fn forward_biased<T: Real>(self, bias: &[T], y: &mut [T]) {
        struct Biased<'a, T>(&'a [T], &'a mut [T]);
        impl<T: Real> Visitor<T> for Biased<'_, T> {
            #[inline(always)]
            fn visit(self, value: impl Fn(T) -> T, _: impl Fn(T, T) -> T) {
                for y in self.1.chunks_mut(self.0.len()) {
                    for (y, &bias) in y.iter_mut().zip(self.0) {
                        *y = value(*y + bias);
                    }
                }
            }
        }
        vectorize(
            #[inline(always)]
            || self.rules(Biased(bias, y)),
        )
    }

    /// dx = dy · f'(x), or added to dx.
    pub(crate) fn backward<T: Real>(self, x: &[T], y: &[T], dy: &[T], dx: &mut [T], write: Write) {
        struct Backward<'a, T>(&'a [T], &'a [T], &'a [T], &'a mut [T], Write);
        impl<T: Real> Visitor<T> for Backward<'_, T> {
            #[inline(always)]
            fn visit(self, _: impl Fn(T) -> T, derivative: impl Fn(T, T) -> T) {
                let Backward(x, y, dy, dx, write) = self;
                for ((dx, &dy), (&x, &y)) in dx.iter_mut().zip(dy).zip(x.iter().zip(y)) {
                    match write {
                        Write::Set => *dx = dy * derivative(x, y),
                        Write::Add => *dx += dy * derivative(x, y),
                    }
                }
            }
        }
        in_pieces(dx, |start, dx| {
            let piece = start..start + dx.len();
            let (x, y, dy) = (&x[piece.clone()], &y[piece.clone()], &dy[piece]);
            vectorize(
                #[inline(always)]
                || self.rules(Backward(x, y, dy, dx, write)),
            )
        });
    }

    /// dy = dy · f', for a function whose derivative is known from its value alone.
    pub(crate) fn backward_in_place<T: Real>(self, y: &[T], dy: &mut [T]) {
        struct InPlace<'a, T>(&'a [T], &'a mut [T]);
        impl<T: Real> Visitor<T> for InPlace<'_, T> {
            #[inline(always)]
            fn visit(self, _: impl Fn(T) -> T, derivative: impl Fn(T, T) -> T) {
                for (dy, &y) in self.1.iter_mut().zip(self.0) {
                    *dy *= derivative(y, y);
                }
            }
        }
        debug_assert!(self.derivative_needs_only_value());
        in_pieces(dy, |start, dy| {
            let y = &y[start..start + dy.len()];
            vectorize(
                #[inline(always)]
                || self.rules(InPlace(y, dy)),
            )
        });
    }
}
