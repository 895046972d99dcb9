//! Which vectors of the processor the kernels use.

use pulp::{Arch, Simd};
use std::sync::LazyLock;

/// The widest of this processor or, to see what others would do, those that `HIGHWATER_VECTORS` names.
pub(super) static ARCH: LazyLock<Arch> =
    LazyLock::new(|| match std::env::var("HIGHWATER_VECTORS").as_deref() {
        #[cfg(target_arch = "x86_64")]
        Ok("avx2") => pulp::x86::V3::try_new().map_or_else(Arch::new, Arch::V3),
        Ok("none") => Arch::Scalar,
        _ => Arch::new(),
    });

/// The vectors that kernels use here: `"avx512"`, `"avx2"`, `"neon"` or `"none"`. They are the widest of the processor,
/// unless the environment variable `HIGHWATER_VECTORS` is set to `avx2` or `none` when the first program runs. The results
/// are the same to the bit, see [The same bits](crate#how-a-program-runs).
pub fn vectors() -> &'static str {
    match *ARCH {
        #[cfg(target_arch = "x86_64")]
        Arch::V4(_) => "avx512",
        #[cfg(target_arch = "x86_64")]
        Arch::V3(_) => "avx2",
        Arch::Scalar => "none",
        _ => "neon",
    }
}

/// Whether there are 32 vectors for the sums of a tile and their factors, as with AVX-512 and NEON, or 16.
#[inline(always)]
pub(super) fn has_many_registers<S: Simd>() -> bool {
    S::REGISTER_COUNT >= 32
}

/// Runs `f` compiled for these vectors. That holds for what becomes a part of `f`: loops are written with `for`, as the
/// closure of a `for_each` may end up in a function of its own.
#[inline(always)]
pub(crate) fn vectorize<R>(f: impl FnOnce() -> R) -> R {
    ARCH.dispatch(f)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    #[test]
    fn the_other_tests_pass_with_narrower_vectors() {
        let mut tests = Command::new(std::env::current_exe().unwrap());
        let output = tests.args(["--skip", "arch::"]).env("HIGHWATER_VECTORS", "avx2").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
