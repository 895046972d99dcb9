//! A run on the terminal, while it goes on.

use crate::Screen;
use crate::ending::ending;
use crate::figures::is_round;
use crate::gauge::Ink;
use crate::standing::Standing;
use highwater_trainer::{Event, Observer, Record, Score};
use indicatif::ProgressBar;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// A bar is drawn so often at most: a run takes thousands of steps in a second.
const REDRAW: Duration = Duration::from_millis(100);
/// A line is printed at least so often, in seconds of training.
const SILENCE: f64 = 30.0;

/// Shows a run while it goes on.
///
/// On a terminal there is a bar for the whole run and one for the epoch, with rows per second and the time left, both until the
/// stopping rule can fire at the earliest and until the limit of epochs; below them the losses and metrics of the latest
/// validation, the best so far, and the curve of the score that selects. Elsewhere there are lines: of the first ten validations,
/// then of every tenth, from a hundred on of every hundredth and so on, of one after half a minute without any, and of the last.
#[derive(Debug)]
pub struct Progress {
    screen: Screen,
    select: Score,
    standing: Option<Standing>,
    bar: Option<(ProgressBar, Ink)>,
    started: Instant,
    /// When the bar was drawn last.
    drawn: Instant,
    lines: Lines,
    /// Whether the end is told.
    ending: bool,
}

/// Which validations get a line.
#[derive(Debug, Default)]
struct Lines {
    /// Validations so far, and which of them got the latest line, after how many seconds of training.
    seen: u64,
    printed: u64,
    at: f64,
}

impl Lines {
    fn wants(&mut self, record: &Record) -> bool {
        self.seen += 1;
        let wanted = is_round(self.seen) || record.elapsed - self.at >= SILENCE;
        if wanted {
            self.printed = self.seen;
            self.at = record.elapsed;
        }
        wanted
    }
}

impl Progress {
    /// On a screen; `select` is what chooses the best model.
    pub fn new(screen: &Screen, select: Score) -> Progress {
        let now = Instant::now();
        Progress {
            screen: screen.clone(),
            select,
            standing: None,
            bar: None,
            started: now,
            drawn: now,
            lines: Lines::default(),
            ending: true,
        }
    }

    /// Does not show how the run ended, which a [`Summary`](crate::Summary) tells.
    pub fn before_a_summary(mut self) -> Progress {
        self.ending = false;
        self
    }

    fn draw(&mut self) {
        let now = Instant::now();
        if let (Some((bar, ink)), Some(standing)) = (&self.bar, &self.standing)
            && now - self.drawn >= REDRAW
        {
            self.drawn = now;
            let seconds = (now - self.started).as_secs_f64();
            bar.set_message(standing.picture(seconds, *ink, Screen::columns()));
        }
    }
}

/// A run that ends with an error leaves no bar behind.
impl Drop for Progress {
    fn drop(&mut self) {
        self.screen.clear();
    }
}

impl Observer for Progress {
    fn observe(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        match *event {
            Event::Started(plan) => {
                let standing = Standing::new(plan, self.select);
                self.started = Instant::now();
                self.lines = Lines {
                    at: plan.history.last().map_or(0.0, |record| record.elapsed),
                    ..Lines::default()
                };
                self.screen.say(&standing.opening(plan));
                self.bar = self.screen.open_bar();
                self.standing = Some(standing);
            }
            Event::Stepped { step, loss, .. } => {
                if let Some(standing) = &mut self.standing {
                    standing.step = step;
                    standing.loss = loss;
                }
                self.draw();
            }
            Event::Validated { record, improved, earliest_stop, .. } => {
                if let Some(standing) = &mut self.standing {
                    standing.validated(record, improved, earliest_stop);
                    if self.lines.wants(record) && self.bar.is_none() {
                        self.screen.say(&standing.line());
                    }
                }
                self.draw();
            }
            Event::Warning(text) => self.screen.warn(text),
            Event::Ended(report) => {
                self.screen.clear();
                if self.bar.take().is_none() {
                    if let Some(standing) =
                        self.standing.take().filter(|_| self.lines.printed < self.lines.seen)
                    {
                        self.screen.say(&standing.line());
                    }
                    if self.ending {
                        self.screen.say(&ending(report));
                    }
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Look;
    use crate::check::{plan, records, wiggle};
    use crate::screen::tests::Paper;
    use highwater_trainer::{Report, Weights};

    /// What is printed of a run that goes on after `before` records, and has this report in the end.
    fn printed(look: Look, report: &Report, before: usize) -> String {
        let paper = Paper::default();
        let mut progress = Progress::new(&Screen::to(paper.clone(), look), Score::Loss);
        let history = &report.history;
        let mut observe = |event: Event<'_>| assert!(progress.observe(&event).is_continue());
        observe(Event::Started(&plan(&history[..before])));
        let mut best = &history[0];
        for record in &history[before..] {
            observe(Event::Stepped { step: record.step, epoch: record.epoch, step_of_epoch: 36, loss: 0.5 });
            let improved = record.step == best.step || record.validation_loss < best.validation_loss;
            best = if improved { record } else { best };
            observe(Event::Validated {
                record,
                improved,
                best: Some(best),
                earliest_stop: Some(3),
                weights: Weights::default(),
            });
        }
        observe(Event::Warning("the disk is nearly full"));
        observe(Event::Ended(report));
        paper.text()
    }

    #[test]
    fn without_a_terminal_there_are_lines() {
        let text = "\
training 9,610 parameters on 1,149 rows, validating on 288: at most 200 epochs of 36 steps
epoch   1/200  training 0.8100    validation 0.9000    accuracy 0.5500    best so far  [250 ms, 4,596 rows/s, 750 ms to 50 s left]
epoch   2/200  training 0.4500    validation 0.5000    accuracy 0.7500    best so far  [500 ms, 4,596 rows/s, 750 ms to 50 s left]
epoch   3/200  training 0.3600    validation 0.4000    accuracy 0.8000    best so far  [750 ms, 4,596 rows/s, 750 ms to 49 s left]
epoch   4/200  training 0.4050    validation 0.4500    accuracy 0.7750    best loss 0.4000 at epoch 3  [1.0 s, 4,596 rows/s, 750 ms to 49 s left]
epoch   5/200  training 0.3780    validation 0.4200    accuracy 0.7900    best loss 0.4000 at epoch 3  [1.2 s, 4,596 rows/s, 750 ms to 49 s left]
warning: the disk is nearly full
Stopped at epoch 5 of at most 200: no improvement in 2 epochs: best 0.4 at epoch 3
";
        assert_eq!(printed(Look::Plain, &wiggle("patience(2)"), 0), text);
        assert_eq!(printed(Look::Auto, &wiggle("patience(2)"), 0), text);
        assert_eq!(printed(Look::Quiet, &wiggle("patience(2)"), 0), "warning: the disk is nearly full\n");
    }

    #[test]
    fn a_resumed_run_says_so_and_counts_its_own_pace() {
        let text = printed(Look::Plain, &wiggle("patience(2)"), 4);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "resumed after step 144 of at most 7,200, with 4 validations done");
        assert!(lines[1].ends_with("[1.2 s, 4,596 rows/s, 750 ms to 49 s left]"), "{text}");
    }

    #[test]
    fn long_runs_get_few_lines_slow_ones_get_some_and_the_last_is_always_there() {
        let epochs = |text: String| -> Vec<u64> {
            let epoch = |line: &str| line.strip_prefix("epoch ")?.split('/').next()?.trim().parse().ok();
            text.lines().filter_map(epoch).collect()
        };
        let mut report = wiggle("patience(2)");
        report.history = records(&vec![0.5; 1_503]);
        let expected =
            (1..=10).chain((20..=100).step_by(10)).chain((200..=1_000).step_by(100)).chain([1_503]);
        let quick = epochs(printed(Look::Plain, &report, 0));
        assert_eq!(quick[..19], expected.collect::<Vec<u64>>()[..19]);
        assert_eq!((quick.last(), quick.len() < 40), (Some(&1_503), true), "{quick:?}");

        report.history.truncate(15);
        report.history.iter_mut().for_each(|record| record.elapsed *= 200.0);
        assert_eq!(epochs(printed(Look::Plain, &report, 0)), (1..=15).collect::<Vec<u64>>());
    }
}
