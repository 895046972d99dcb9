//! The page of a run while it goes on.

use crate::{About, Error, Outcome, Page, Screen, reconstruct};
use highwater_trainer::{Event, Observer, Plan, Record, Report};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// At most this share of a run's time goes into its page.
const SHARE: f64 = 0.01;
/// What the first page is taken to cost, in seconds; of later ones it is known.
const GUESS: f64 = 0.01;
/// Seconds from one loading of the page to the next: at the least, and at the most.
const RENEWAL: (f64, f64) = (2.0, 60.0);

/// Keeps a [`Page`] of a run up to date while it goes on.
///
/// The page is written anew after a validation, as often as takes no more than a hundredth of the run's time: not at all
/// during the first second, and every second or so later on. In a browser it loads itself again until the run ends.
/// [`finish`](LivePage::finish) writes the last version; a run that ends with an error gets one that says where it was.
#[derive(Debug)]
pub struct LivePage<'a> {
    about: About<'a>,
    path: PathBuf,
    screen: Screen,
    history: Vec<Record>,
    /// Place of the best record whose model is there.
    best: Option<usize>,
    began: Instant,
    /// Seconds that writing took, all together and the last time, and when that was.
    spent: f64,
    cost: f64,
    written: Option<Instant>,
    /// A warning was given.
    warned: bool,
    /// The page on the disk says that the run goes on.
    open: bool,
}

impl<'a> LivePage<'a> {
    /// Of a run that is about to begin. If the page cannot be written, there is one warning on the screen.
    pub fn new(path: impl Into<PathBuf>, about: About<'a>, screen: &Screen) -> LivePage<'a> {
        LivePage {
            about,
            path: path.into(),
            screen: screen.clone(),
            history: Vec::new(),
            best: None,
            began: Instant::now(),
            spent: 0.0,
            cost: GUESS,
            written: None,
            warned: false,
            open: false,
        }
    }

    /// Writes the page of the run that has ended.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self, report: &Report, outcome: &Outcome<'_>) -> Result<(), Error> {
        self.open = false;
        Page { about: &self.about, report, outcome, refresh: None }.write(&self.path)
    }

    fn begin(&mut self, plan: &Plan) {
        self.history.clone_from(&plan.history);
        self.best = plan.best;
        self.began = Instant::now();
        (self.spent, self.cost, self.written) = (0.0, GUESS, None);
    }

    /// Writes the page if it is time.
    fn write(&mut self) {
        let now = Instant::now();
        if self.spent + self.cost > SHARE * (now - self.began).as_secs_f64() {
            return;
        }
        let since = self.written.map_or(Duration::ZERO, |written| now - written).as_secs_f64();
        let seconds = since.clamp(RENEWAL.0, RENEWAL.1).round() as u64;
        self.put(Some(seconds));
        self.cost = now.elapsed().as_secs_f64();
        self.spent += self.cost;
        self.written = Some(now);
    }

    fn put(&mut self, refresh: Option<u64>) {
        let report = Report { best: self.best, ..reconstruct(self.history.clone(), self.about.config) };
        let page = Page { about: &self.about, report: &report, outcome: &Outcome::default(), refresh };
        match page.write(&self.path) {
            Ok(()) => self.open = refresh.is_some(),
            Err(error) if !self.warned => {
                self.warned = true;
                self.screen.warn(&error.to_string());
            }
            Err(_) => {}
        }
    }
}

/// A run that ends with an error leaves no page behind that waits for more.
impl Drop for LivePage<'_> {
    fn drop(&mut self) {
        if self.open {
            self.put(None);
        }
    }
}

impl Observer for LivePage<'_> {
    fn observe(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        match event {
            Event::Started(plan) => self.begin(plan),
            Event::Validated { record, improved, .. } => {
                if *improved {
                    self.best = Some(self.history.len());
                }
                self.history.push((*record).clone());
                self.write();
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
    use crate::check::{Text, plan, records, validated, wiggle};
    use crate::screen::tests::Paper;
    use std::fs;

    /// A validation that is the best so far.
    fn best(record: &Record) -> Event<'_> {
        let Event::Validated { earliest_stop, weights, .. } = validated(record) else { unreachable!() };
        Event::Validated { record, improved: true, best: Some(record), earliest_stop, weights }
    }

    /// As if the run had begun so many seconds ago.
    fn age(page: &mut LivePage<'_>, seconds: u64) {
        page.began = Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
    }

    #[test]
    fn a_page_waits_until_it_costs_a_hundredth_and_renews_itself_until_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.html");
        let (text, paper) = (Text::new("patience(3)"), Paper::default());
        let mut live = LivePage::new(&path, text.about(), &Screen::to(paper.clone(), Look::Quiet));
        let report = wiggle("patience(3)");
        _ = live.observe(&Event::Started(&plan(&[])));
        _ = live.observe(&best(&report.history[0]));
        assert!(!path.exists(), "in the first second nothing is written");

        age(&mut live, 1_000);
        _ = live.observe(&best(&report.history[1]));
        let html = fs::read_to_string(&path).unwrap();
        for part in
            ["In progress: epoch 2 of at most 200.", "Kept so far: the model of epoch 2", "location.reload"]
        {
            assert!(html.contains(part), "{part}: {html}");
        }
        // What was written has cost something, so that the next is not yet due.
        live.cost = 100.0;
        _ = live.observe(&validated(&report.history[2]));
        assert_eq!(fs::read_to_string(&path).unwrap(), html);

        live.finish(&report, &Outcome::default()).unwrap();
        let html = fs::read_to_string(&path).unwrap();
        assert!(html.contains("Stopped at epoch 6 of at most 200"), "{html}");
        assert!(!html.contains("<script") && !html.contains("http-equiv=\"refresh\""), "{html}");
        assert_eq!(paper.text(), "");
    }

    #[test]
    fn a_model_that_is_lost_is_not_the_kept_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.html");
        let text = Text::new("never");
        let mut live = LivePage::new(&path, text.about(), &Screen::to(std::io::sink(), Look::Quiet));
        let records = records(&[0.5, 0.4, f64::NAN]);
        _ = live.observe(&Event::Started(&Plan { best: None, ..plan(&records[..2]) }));
        age(&mut live, 1_000);
        _ = live.observe(&validated(&records[2]));
        let html = fs::read_to_string(&path).unwrap();
        assert!(!html.contains("the model of epoch") && !html.contains("class=\"kept\""), "{html}");
    }

    #[test]
    fn a_run_that_ends_with_an_error_leaves_a_page_that_stands_still() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.html");
        let text = Text::new("never");
        let screen = Screen::to(std::io::sink(), Look::Quiet);
        let mut live = LivePage::new(&path, text.about(), &screen);
        let records = records(&[0.5, 0.4]);
        _ = live.observe(&Event::Started(&plan(&records[..1])));
        age(&mut live, 1_000);
        _ = live.observe(&validated(&records[1]));
        drop(live);
        let html = fs::read_to_string(&path).unwrap();
        assert!(
            html.contains("Interrupted at epoch 2 of at most 200.") && !html.contains("<script"),
            "{html}"
        );
    }

    #[test]
    fn a_page_that_cannot_be_written_is_warned_of_once() {
        let (text, paper) = (Text::new("never"), Paper::default());
        let screen = Screen::to(paper.clone(), Look::Quiet);
        let mut live = LivePage::new("no/such/folder/report.html", text.about(), &screen);
        age(&mut live, 100_000);
        for record in &records(&[0.5, 0.4]) {
            assert!(live.observe(&validated(record)).is_continue());
            age(&mut live, 100_000);
        }
        assert_eq!(paper.text().matches("no/such/folder/report.html").count(), 1, "{}", paper.text());
        live.finish(&wiggle("patience(3)"), &Outcome::default()).unwrap_err();
    }
}
