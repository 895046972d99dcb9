//! Counts this thread's allocations.
#![allow(unsafe_code)] // An allocator cannot be wrapped without.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use highwater_optim::{Accumulator, Optimizer, clip_norm, clip_value};

use crate::restore::every_method;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; the counter is a thread-local that never allocates.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises about `layout` are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `alloc` above, with this `layout`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn no_step_allocates_not_even_the_first() {
    let (mut params, mut grads) = (vec![0.5_f32; 1000], vec![0.1_f32; 1000]);
    let mut accumulator = Accumulator::new(1000);
    for method in every_method() {
        let mut optimizer = Optimizer::new(method, 1000).unwrap();
        let before = ALLOCATIONS.get();
        for _ in 0..3 {
            accumulator.add(&grads, 2.0);
            clip_norm(accumulator.mean().unwrap(), 0.5);
            clip_value(&mut grads, 0.05);
            optimizer.step(&mut params, &grads, 0.01);
        }
        assert_eq!(ALLOCATIONS.get(), before, "{method:?}");
    }
}
