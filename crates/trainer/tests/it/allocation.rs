//! Counts this thread's allocations.
#![allow(unsafe_code)] // An allocator cannot be wrapped without.

use crate::problem::{How, Problem, classification, regression};
use highwater_optim::{Adam, Method};
use highwater_trainer::Event;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::ControlFlow;

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

fn check(problem: &Problem) {
    let mut seen = Vec::with_capacity(problem.steps() as usize);
    let mut count = |event: &Event<'_>| {
        if let Event::Stepped { step_of_epoch, .. } = event {
            seen.push((*step_of_epoch, ALLOCATIONS.get()));
        }
        ControlFlow::Continue(())
    };
    problem.run(How { observer: Some(&mut count), ..How::default() }).0.unwrap();
    assert_eq!(seen.len() as u64, problem.steps());
    // Between the last step of an epoch and the first of the next there is a validation.
    let within_epochs = seen.windows(2).filter(|pair| pair[1].0 > 1);
    let allocated: Vec<usize> = within_epochs.map(|pair| pair[1].1 - pair[0].1).collect();
    assert_eq!(allocated, vec![0; allocated.len()]);
    assert!(allocated.len() > 8, "{allocated:?}");
    assert!(ALLOCATIONS.get() > 0);
}

#[test]
fn a_training_step_allocates_nothing_from_the_batch_to_the_update() {
    for mut problem in [regression(), classification()] {
        problem.mlp.dropout = 0.2;
        problem.config.optimizer = Method::Adam(Adam::default());
        problem.config.clip_norm = Some(0.1);
        check(&problem);
        problem.config.micro_batch = Some(5);
        check(&problem);
        problem.config.stop = "evidence and never".parse().unwrap();
        check(&problem);
        problem.config.micro_batch = None;
        check(&problem);
    }
}
