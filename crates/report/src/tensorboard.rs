//! Event files for TensorBoard.

mod histogram;
mod proto;
mod record;

use crate::ending::ending;
use crate::figures::is_round;
use crate::{About, Screen};
use highwater_trainer::{Ended, Event, Observer, Plan, Record, Report, Score, Weights};
use histogram::histogram;
use prost::Message;
use proto::{
    Content, HyperParameters, Metadata, Plugin, Session, Setting, SettingValue, Summary, Value, What,
};
use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Writes a run as an event file that TensorBoard reads: `tensorboard --logdir runs`.
///
/// There are scalars of each validation (`loss/training`, `loss/validation`, `validation/<metric>`, `learning_rate`,
/// `gradient_norm`, `epoch`), at the training step, with `training_rows` in place of `validation` if there are no
/// validation rows; histograms of each parameter and its gradient, of the first ten
/// validations, then of every tenth, from a hundred on of every hundredth and so on, so that they cost next to nothing;
/// the settings as hyper-parameters, with the scores of the kept model (`kept/<score>`) as their metrics; and as text the
/// command, the configuration and why the run ended.
///
/// A run that is resumed gets a further file, which tells TensorBoard to forget what an earlier one had after the step
/// that the run goes on from. A file that cannot be written does not end a run: there is a warning.
#[derive(Debug)]
pub struct TensorBoard<'a> {
    about: About<'a>,
    folder: PathBuf,
    screen: Screen,
    /// Seconds since 1970 at the start, and the training time then.
    started: f64,
    trained: f64,
    /// Made when the first validation is done: a run that had ended leaves nothing new.
    file: Option<File>,
    /// After something went wrong nothing more is written.
    failed: bool,
    buffer: Vec<u8>,
    validations: u64,
}

impl<'a> TensorBoard<'a> {
    /// Of a run that begins at `started`. The file, and `folder` if there is none, is made at the first validation. The times of
    /// later events are that of the beginning and the training time since.
    pub fn new(folder: impl Into<PathBuf>, started: SystemTime, about: About<'a>, screen: &Screen) -> Self {
        let since_1970 = started.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        TensorBoard {
            about,
            folder: folder.into(),
            screen: screen.clone(),
            started: since_1970.as_secs_f64(),
            trained: 0.0,
            file: None,
            failed: false,
            buffer: Vec::new(),
            validations: 0,
        }
    }

    fn begin(&mut self, plan: &Plan) {
        self.trained = plan.history.last().map_or(0.0, |record| record.elapsed);
        self.validations = plan.history.len() as u64;
        self.add(self.started, 0, What::FileVersion(proto::VERSION.to_owned()));
        if let Some(step) = plan.resumed_at {
            let start = proto::SessionLog { status: proto::START };
            self.add(self.started, step + 1, What::SessionLog(start));
        }
        let step = plan.resumed_at.unwrap_or(0);
        let About { command, configuration, .. } = self.about;
        let mut values = Vec::new();
        if !command.is_empty() {
            values.push(text("run/command", &format!("`{command}`")));
        }
        if !configuration.is_empty() {
            values.push(text("run/configuration", &format!("```toml\n{configuration}\n```")));
        }
        values.push(session("experiment", Session::Experiment(self.experiment())));
        values.push(session("session_start_info", Session::Start(self.start())));
        self.summary(self.started, step, values);
    }

    /// A new file. Its name begins as TensorBoard wants it, and sorts by time.
    fn create(&self) -> io::Result<File> {
        std::fs::create_dir_all(&self.folder)?;
        let mut number = 0;
        loop {
            let name = format!("events.out.tfevents.{:010}.highwater.{number}", self.started as u64);
            match File::create_new(self.folder.join(name)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                other => return other,
            }
        }
    }

    fn experiment(&self) -> proto::Experiment {
        let hparam = self.about.settings.iter().map(|(name, value)| proto::HyperParameter {
            name: name.clone(),
            kind: match setting(value) {
                SettingValue::Text(_) => 1,
                SettingValue::Flag(_) => 2,
                SettingValue::Number(_) => 3,
            },
        });
        let metric = self
            .scores()
            .into_iter()
            .map(|score| proto::Metric { name: Some(proto::MetricName { tag: format!("kept/{score}") }) });
        proto::Experiment { hparam: hparam.collect(), metric: metric.collect() }
    }

    fn start(&self) -> proto::SessionStart {
        let settings = self.about.settings.iter();
        let setting =
            |(name, value): &(String, String)| (name.clone(), Setting { value: Some(setting(value)) });
        proto::SessionStart { hparams: settings.map(setting).collect(), start_time_secs: self.started }
    }

    fn scores(&self) -> Vec<Score> {
        let metrics = self.about.config.metrics.iter().copied().map(Score::Metric);
        [Score::Loss].into_iter().chain(metrics).collect()
    }

    fn validated(&mut self, record: &Record, weights: Weights<'_>) {
        self.validations += 1;
        let measured_on = self.about.measured_on.key();
        let mut values = vec![
            scalar("loss/training", record.training_loss),
            scalar(&format!("loss/{measured_on}"), record.validation_loss),
            scalar("learning_rate", record.learning_rate),
            scalar("gradient_norm", record.gradient_norm),
            scalar("epoch", record.epoch as f64),
        ];
        let metrics = record.metrics.iter();
        values.extend(metrics.map(|(metric, value)| scalar(&format!("{measured_on}/{metric}"), *value)));
        if is_round(self.validations) {
            for parameter in weights.table {
                for (kind, all) in [("weights", weights.values), ("gradients", weights.gradients)] {
                    let found = all.get(parameter.range()).and_then(histogram);
                    values.extend(found.map(|found| Value {
                        tag: format!("{kind}/{}", parameter.name),
                        metadata: None,
                        content: Some(Content::Histogram(found)),
                    }));
                }
            }
        }
        self.summary(self.time(record.elapsed), record.step, values);
        self.write();
    }

    fn end(&mut self, report: &Report) {
        let (time, failed) = (
            self.time(report.elapsed),
            matches!(&report.ended, Ended::Stopped(reason) if reason.is_failure()),
        );
        if let Some(best) = report.best() {
            let kept = self.scores().into_iter();
            let kept = kept.map(|score| scalar(&format!("kept/{score}"), best.score(score))).collect();
            self.summary(time, best.step, kept);
        }
        let status = if failed { proto::FAILURE } else { proto::SUCCESS };
        let end = proto::SessionEnd { status, end_time_secs: time };
        let values = vec![
            text("run/ended", &format!("{}.", ending(report))),
            session("session_end_info", Session::End(end)),
        ];
        self.summary(time, report.steps, values);
        self.write();
    }

    /// Seconds since 1970 after so much training.
    fn time(&self, elapsed: f64) -> f64 {
        self.started + (elapsed - self.trained).max(0.0)
    }

    fn summary(&mut self, wall_time: f64, step: u64, value: Vec<Value>) {
        self.add(wall_time, step, What::Summary(Summary { value }));
    }

    fn add(&mut self, wall_time: f64, step: u64, what: What) {
        let event = proto::Event { wall_time, step: step as i64, what: Some(what) };
        record::append(&mut self.buffer, &event.encode_to_vec());
    }

    fn write(&mut self) {
        let file = self.file.take().map_or_else(|| self.create(), Ok);
        match file.and_then(|mut file| file.write_all(&self.buffer).map(|()| file)) {
            Ok(file) => self.file = Some(file),
            Err(error) => {
                self.failed = true;
                let folder = self.folder.display();
                self.screen
                    .warn(&format!("the event file for TensorBoard in {folder} is not complete: {error}"));
            }
        }
        self.buffer.clear();
    }
}

impl Observer for TensorBoard<'_> {
    fn observe(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        match *event {
            Event::Started(plan) => self.begin(plan),
            Event::Validated { record, weights, .. } if !self.failed => self.validated(record, weights),
            Event::Ended(report) if self.file.is_some() => self.end(report),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn scalar(tag: &str, value: f64) -> Value {
    Value { tag: tag.to_owned(), metadata: None, content: Some(Content::Scalar(value as f32)) }
}

fn text(tag: &str, text: &str) -> Value {
    let tensor = proto::Tensor {
        dtype: proto::STRING,
        shape: Some(proto::Shape { dim: vec![proto::Dimension { size: 1 }] }),
        string_val: vec![text.as_bytes().to_vec()],
    };
    let plugin = Plugin { name: "text".to_owned(), content: Vec::new() };
    Value {
        tag: tag.to_owned(),
        metadata: Some(Metadata { plugin: Some(plugin) }),
        content: Some(Content::Tensor(tensor)),
    }
}

/// What TensorBoard's page of hyper-parameters reads.
fn session(tag: &str, session: Session) -> Value {
    let content = HyperParameters { session: Some(session) }.encode_to_vec();
    let plugin = Plugin { name: "hparams".to_owned(), content };
    Value {
        tag: format!("_hparams_/{tag}"),
        metadata: Some(Metadata { plugin: Some(plugin) }),
        content: None,
    }
}

fn setting(text: &str) -> SettingValue {
    match (text.parse(), text.parse()) {
        (Ok(flag), _) => SettingValue::Flag(flag),
        (_, Ok(number)) => SettingValue::Number(number),
        _ => SettingValue::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Look;
    use crate::check::{Text, plan, validated, wiggle};
    use crate::screen::tests::Paper;
    use std::path::Path;

    const STARTED: u64 = 1_700_000_000;

    /// Shows a run of six epochs, which goes on after `before` of them, with a model of two parameters.
    fn run(folder: &Path, before: usize, paper: &Paper) {
        let text = Text::new("patience(3)");
        let settings = [("training.epochs", "200"), ("data.refit", "true"), ("training.stop", "patience(3)")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let about = About { settings: &settings, ..text.about() };
        let started = UNIX_EPOCH + Duration::from_secs(STARTED);
        let mut board = TensorBoard::new(folder, started, about, &Screen::to(paper.clone(), Look::Quiet));
        let report = wiggle("patience(3)");
        _ = board.observe(&Event::Started(&plan(&report.history[..before])));
        let network = highwater_nn::Mlp {
            inputs: 1,
            hidden: vec![],
            outputs: 1,
            activation: highwater_nn::Activation::Relu,
            dropout: 0.0,
        };
        let init = highwater_nn::Init::Constant { value: 0.5 };
        let model = highwater_nn::Model::<f32>::new(network.network(), init, 0).unwrap();
        let weights = Weights { table: model.table(), values: model.values(), gradients: &[f32::NAN, 2.0] };
        for record in &report.history[before..] {
            let Event::Validated { best, improved, earliest_stop, .. } = validated(record) else {
                unreachable!()
            };
            _ = board.observe(&Event::Validated { record, improved, best, earliest_stop, weights });
        }
        assert!(board.observe(&Event::Ended(&report)).is_continue());
    }

    fn events(path: &Path) -> Vec<proto::Event> {
        let records = record::read(&std::fs::read(path).unwrap());
        records.iter().map(|data| proto::Event::decode(&data[..]).unwrap()).collect()
    }

    fn values(event: &proto::Event) -> &[Value] {
        let Some(What::Summary(summary)) = &event.what else { panic!("{event:?}") };
        &summary.value
    }

    #[test]
    fn a_file_has_every_validation_the_settings_and_the_end() {
        let (dir, paper) = (tempfile::tempdir().unwrap(), Paper::default());
        run(dir.path(), 0, &paper);
        let events = events(&dir.path().join("events.out.tfevents.1700000000.highwater.0"));
        assert_eq!(events.len(), 2 + 6 + 2);
        assert_eq!(events[0].what, Some(What::FileVersion("brain.Event:2".into())));
        let tags: Vec<&str> = values(&events[1]).iter().map(|value| &*value.tag).collect();
        let expected = "run/command run/configuration _hparams_/experiment _hparams_/session_start_info";
        assert_eq!(tags.join(" "), expected);
        assert_eq!((events[4].step, events[4].wall_time), (108, STARTED as f64 + 0.75));
        let scalar = |value: &Value| match value.content {
            Some(Content::Scalar(scalar)) => Some(format!("{} {scalar}", value.tag)),
            _ => None,
        };
        let found: Vec<String> = values(&events[4]).iter().filter_map(scalar).collect();
        let expected = "loss/training 0.36, loss/validation 0.4, learning_rate 0.01, gradient_norm 1.5, epoch 3, \
                        validation/accuracy 0.8";
        assert_eq!(found.join(", "), expected);
        // The gradient of one of the parameters is NaN, and has no histogram.
        let histograms = values(&events[4]).iter().map(|value| &*value.tag).filter(|tag| tag.contains("0."));
        let expected = ["weights/0.weight", "weights/0.bias", "gradients/0.bias"];
        assert_eq!(histograms.collect::<Vec<_>>(), expected);
        assert_eq!((events[8].step, values(&events[8])[0].tag.as_str()), (108, "kept/loss"));
        let Some(Content::Tensor(text)) = &values(&events[9])[0].content else { panic!("no text") };
        let ended = String::from_utf8(text.string_val[0].clone()).unwrap();
        assert!(
            ended.starts_with("Stopped at epoch 6 of at most 200: no improvement in 3 epochs"),
            "{ended}"
        );
        assert_eq!(paper.text(), "");
    }

    #[test]
    fn settings_have_their_types() {
        for (text, value) in [
            ("true", SettingValue::Flag(true)),
            ("1e-3", SettingValue::Number(1e-3)),
            ("-4", SettingValue::Number(-4.0)),
            ("patience(3)", SettingValue::Text("patience(3)".into())),
            ("", SettingValue::Text(String::new())),
        ] {
            assert_eq!(setting(text), value);
        }
    }

    #[test]
    fn a_resumed_run_gets_a_further_file_that_takes_back_later_steps() {
        let (dir, paper) = (tempfile::tempdir().unwrap(), Paper::default());
        run(dir.path(), 0, &paper);
        run(dir.path(), 2, &paper);
        let events = events(&dir.path().join("events.out.tfevents.1700000000.highwater.1"));
        let start = proto::SessionLog { status: proto::START };
        assert_eq!((events[1].step, &events[1].what), (73, &Some(What::SessionLog(start))));
        // What was trained before took no time of this process.
        assert_eq!((events[3].step, events[3].wall_time), (108, STARTED as f64 + 0.25));
    }

    #[test]
    fn a_folder_that_is_not_there_is_made_and_one_that_cannot_be_is_warned_of_once() {
        let (dir, paper) = (tempfile::tempdir().unwrap(), Paper::default());
        run(&dir.path().join("runs/7"), 0, &paper);
        assert!(dir.path().join("runs/7/events.out.tfevents.1700000000.highwater.0").exists());
        assert_eq!(paper.text(), "");
        std::fs::write(dir.path().join("file"), "").unwrap();
        run(&dir.path().join("file/below"), 0, &paper);
        assert_eq!(paper.text().matches("warning: the event file for TensorBoard").count(), 1);
    }
}
