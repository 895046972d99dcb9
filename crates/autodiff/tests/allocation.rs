//! A step allocates nothing after the first. A program of its own, because the allocator that counts is everybody's.
#![allow(unsafe_code)] // An allocator cannot be wrapped without.

use highwater_autodiff::{Feed, Graph, Mode, Program, Var, Workspace};
use ndarray::Array2;
use rayon::ThreadPoolBuilder;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Whether this thread takes steps. Where the machine is busy, that of the test harness still allocates meanwhile.
    static TAKES_STEPS: Cell<bool> = const { Cell::new(false) };
}

// SAFETY: every call goes to the system's allocator unchanged; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if TAKES_STEPS.get() {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        }
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

/// A multi-layer perceptron with cross-entropy.
fn classifier(sizes: &[usize]) -> Program {
    let g = Graph::new();
    let mut x: Var<'_> = g.input(sizes[0]);
    for (layer, sides) in sizes.windows(2).enumerate() {
        let weight = g.param(format!("{layer}.weight"), [sides[1], sides[0]]);
        x = x.matmul_t(weight) + g.param_vector(format!("{layer}.bias"), sides[1]);
        if layer + 2 < sizes.len() {
            x = x.tanh();
        }
    }
    g.compile(-x.log_softmax().pick(g.indices()).mean(), &[])
}

struct Run {
    program: Program,
    ws: Workspace<f32>,
    params: Vec<f32>,
    gradients: Vec<f32>,
    values: Array2<f32>,
    classes: Vec<u32>,
}

impl Run {
    fn new(program: &Program, columns: usize, rows: usize) -> Run {
        let count = program.parameter_count();
        Run {
            program: program.clone(),
            ws: program.workspace(rows),
            params: (0..count).map(|i| (i as f32).sin() * 0.1).collect(),
            gradients: vec![0.0; count],
            values: Array2::from_shape_fn((rows, columns), |(r, c)| ((r * columns + c) as f32).cos()),
            classes: (0..rows as u32).map(|r| r % 3).collect(),
        }
    }

    fn step(&mut self) {
        let feeds: [Feed<'_, f32>; 2] = [(&self.values).into(), self.classes.as_slice().into()];
        self.program.forward(&mut self.ws, &self.params, &feeds, Mode::Train { key: 1 });
        self.program.backward(&mut self.ws, &self.params, &feeds, &mut self.gradients);
    }
}

#[test]
fn a_step_allocates_nothing_after_the_first() {
    for threads in [1, 2] {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for (sizes, rows) in [
            (&[10, 20, 3][..], 16),
            (&[10, 20, 3], 2000),
            (&[64, 128, 64, 10], 300),
            (&[100, 700, 600, 10], 160),
        ] {
            let program = classifier(sizes);
            // Each thread makes its buffer for matrix products once.
            pool.broadcast(|_| {
                TAKES_STEPS.set(true);
                Run::new(&program, sizes[0], rows).step();
            });
            let mut run = Run::new(&program, sizes[0], rows);
            let before_and_after = pool.install(|| {
                run.step();
                let before = ALLOCATIONS.load(Ordering::Relaxed);
                (0..100).for_each(|_| run.step());
                (before, ALLOCATIONS.load(Ordering::Relaxed))
            });
            assert!(run.gradients.iter().any(|&g| g != 0.0));
            let (before, after) = before_and_after;
            // A thread that takes work from another for the first time registers itself, at whatever step that is.
            let registrations = if threads > 1 { threads } else { 0 };
            let count = after - before;
            assert!(count <= registrations, "{count}: {sizes:?}, {rows} rows, {threads} threads");
        }
    }
}
