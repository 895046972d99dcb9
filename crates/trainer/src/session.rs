//! The loop: there is one, and `fit` and `resume` both end up in it.

mod going_on;
mod place;

use crate::batches::{self, Batches};
use crate::best::Best;
use crate::config::Config;
use crate::error::Error;
use crate::evaluate::{Evaluator, feeds};
use crate::event::{Audience, Event, Plan, Weights};
use crate::evidence::Evidence;
use crate::fits;
use crate::measured_on::MeasuredOn;
use crate::record::{Record, Signals};
use crate::report::{Ended, Report};
use crate::run::{Checkpoints, Data, Run};
use crate::saving::{Keeper, Saves};
use crate::state::{self, Counters};
use crate::threads::Threads;
use highwater_autodiff::{Buffer, Mode, Program, Workspace};
use highwater_checkpoint::{Array, Section, Snapshot};
use highwater_data::{BatchBuffer, epoch_order_into};
use highwater_early_stopping::{EarlyStopping, GradientEvidence, StopReason};
use highwater_nn::Model;
use highwater_optim::{Accumulator, Optimizer, Plateau, clip_norm, norm};
use std::time::{Duration, Instant};

/// A run in progress.
pub(crate) struct Session<'a> {
    model: &'a mut Model<f32>,
    data: Data<'a>,
    config: &'a Config,
    /// Before training begins; then the keeper has them.
    pub(crate) checkpoints: Option<Checkpoints<'a>>,
    keeper: Option<Keeper>,
    pub(crate) audience: Audience<'a>,
    program: Program,
    ws: Workspace<f32>,
    gradients: Buffer<f32>,
    optimizer: Optimizer<f32>,
    /// If a step is put together from several batches.
    accumulator: Option<Accumulator<f32>>,
    plateau: Option<Plateau>,
    /// If the rule asks for it.
    evidence: Option<Evidence>,
    evaluator: Evaluator,
    buffer: BatchBuffer,
    /// The rows in the order of the epoch in progress; empty until its first step here.
    order: Vec<u32>,
    /// The steps of an epoch, and how many they are.
    steps: Batches,
    steps_per_epoch: u64,
    pub(crate) counters: Counters,
    pub(crate) history: Vec<Record>,
    stopping: EarlyStopping,
    /// What the rules say after the last record.
    stop: Option<StopReason>,
    best: Best,
    /// Sections of other programs that came with the checkpoint.
    foreign: Vec<Section>,
    resumed_at: Option<u64>,
    /// The step that is safe, or on its way to be.
    saved: Option<u64>,
    /// When training began in this process, and what had been trained before, in seconds.
    clock: (Instant, f64),
}

impl<'a> Session<'a> {
    /// Before the first step.
    pub(crate) fn new(run: Run<'a>, data: Data<'a>, config: &'a Config) -> Result<Self, Error> {
        fits::check(&run, data, config)?;
        let Run { model, loss, checkpoints, observers, interrupt } = run;
        let count = model.parameters().len();
        let program = model.compile(|y| loss.record(y));
        let steps = Batches::of(data.train.rows(), config.batch_size, batches::least(model.network()));
        let full = steps.largest();
        let piece = |step| steps.pieces(step, config.micro_batch).largest();
        let rows = piece(0).max(piece(steps.count() - 1));
        let ws = program.workspace(rows);
        let evidence = config.asks_for_evidence().then(|| Evidence::new(&program, rows, full)).transpose()?;
        let rule = config.stop.start(config.monitor.goal(), config.non_finite);
        Ok(Session {
            evaluator: Evaluator::new(model, loss, &config.metrics, data.units),
            checkpoints,
            keeper: None,
            audience: Audience { observers, interrupt, leave: false },
            program,
            ws,
            gradients: Buffer::zeros(count),
            optimizer: config.optimizer_of(model)?,
            accumulator: (rows < full).then(|| Accumulator::new(count)),
            plateau: config.plateau.map(|rule| Plateau::new(rule, config.learning_rate)).transpose()?,
            evidence,
            buffer: BatchBuffer::new(),
            order: Vec::new(),
            steps,
            steps_per_epoch: steps.count() as u64,
            counters: Counters::default(),
            history: Vec::new(),
            stopping: EarlyStopping::with(config.monitor.goal(), rule),
            stop: None,
            best: Best::new(config.select.goal()),
            foreign: Vec::new(),
            resumed_at: None,
            saved: None,
            clock: (Instant::now(), 0.0),
            model,
            data,
            config,
        })
    }

    /// Trains to the end, whatever that is, and leaves the best model behind.
    pub(crate) fn train(mut self) -> Result<Report, Error> {
        let resumed = self.resumed_at.is_some();
        if let Some(checkpoints) = self.checkpoints.take() {
            self.keeper = Some(Keeper::new(checkpoints, state::fingerprint()?, resumed));
        }
        let ended = self.go_on();
        let saves = self.keeper.as_ref().map_or_else(Saves::default, Keeper::saves);
        self.best.restore(self.model);
        let report = Report {
            ended: ended?,
            best: self.best.place(),
            steps: self.counters.step,
            epochs: self.counters.step.div_ceil(self.steps_per_epoch),
            epoch_limit: self.config.epochs,
            elapsed: self.counters.elapsed,
            saves: Saves { training: self.clock.0.elapsed().as_secs_f64(), ..saves },
            history: self.history,
        };
        self.audience.tell(&Event::Ended(&report));
        Ok(report)
    }

    fn go_on(&mut self) -> Result<Ended, Error> {
        let plan = Plan {
            training_rows: self.data.train.rows(),
            validation_rows: self.data.validation.rows(),
            parameters: self.model.parameters().len(),
            steps_per_epoch: self.steps_per_epoch,
            epochs: self.config.epochs,
            steps_per_validation: self.config.validate.steps(self.steps_per_epoch),
            resumed_at: self.resumed_at,
            history: self.history.clone(),
            best: self.best.place(),
        };
        self.audience.tell(&Event::Started(&plan));
        self.clock = (Instant::now(), self.counters.elapsed);
        if self.saved != Some(self.counters.step) {
            self.save(true)?;
        }
        let mut threads = self.ws.shares_work().then(Threads::new).flatten();
        let ended = loop {
            if let Some(keeper) = &mut self.keeper {
                keeper.look(&mut self.audience)?;
            }
            if self.validation_is_due() {
                let Some(record) = self.validate() else { break Ended::Interrupted };
                self.take_in(record)?;
            }
            if let Some(reason) = self.stop.take() {
                break Ended::Stopped(reason);
            }
            if self.counters.step >= self.last_step() {
                break Ended::EpochLimit;
            }
            if self.audience.wants_the_end() {
                break Ended::Interrupted;
            }
            match &mut threads {
                Some(threads) => threads.step(|| self.step()),
                None => self.step(),
            }
        };
        drop(threads);
        if self.saved != Some(self.counters.step) {
            self.save(true)?;
        }
        self.keeper.as_mut().map_or(Ok(()), |keeper| keeper.finish(&mut self.audience))?;
        Ok(ended)
    }

    /// One training step. After the first of an epoch, none allocates. One whose rows are all of classes of weight 0 moves
    /// nothing.
    pub(crate) fn step(&mut self) {
        let step = self.counters.step;
        let (epoch, place) = (step / self.steps_per_epoch, step % self.steps_per_epoch);
        let (learning_rate, is_validated) = (self.learning_rate(step), self.is_validated(step + 1));
        if place == 0 || self.order.is_empty() {
            epoch_order_into(self.config.seed, epoch, self.data.train.rows(), &mut self.order);
        }
        let rows = &self.order[self.steps.range(place as usize)];
        let pieces = self.steps.pieces(place as usize, self.config.micro_batch);
        let whole = pieces.count() == 1;
        let key = self.config.seed ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (mut loss, mut divisor) = (0.0, 0.0);
        for number in 0..pieces.count() {
            let piece = &rows[pieces.range(number)];
            let batch = self.buffer.gather(self.data.train, piece);
            let of_piece = self.evaluator.divisor(&batch);
            // Rows of classes of weight 0 alone have no mean.
            if of_piece == 0.0 {
                continue;
            }
            let feeds = feeds(&batch);
            let parameters = self.model.parameters();
            let key = key ^ (number as u64).wrapping_mul(0xd1b5_4a32_d192_ed03);
            self.program.forward(&mut self.ws, parameters, &feeds, Mode::Train { key });
            self.program.backward(&mut self.ws, parameters, &feeds, &mut self.gradients);
            if let Some(evidence) = &mut self.evidence {
                evidence.take_in(&self.ws, &feeds, piece.len());
            }
            self.model.follow(&self.ws, piece.len());
            loss += f64::from(self.ws.loss()) * of_piece;
            divisor += of_piece;
            if let (false, Some(accumulator)) = (whole, &mut self.accumulator) {
                accumulator.add(&self.gradients, of_piece);
            }
        }
        self.counters.step += 1;
        let mut mean = 0.0;
        if divisor > 0.0 {
            // Of a step of one piece, without another rounding.
            mean = if whole { f64::from(self.ws.loss()) } else { loss / divisor };
            self.counters.loss_sum += mean * rows.len() as f64;
            self.counters.loss_rows += rows.len() as u64;
            self.move_parameters(whole, learning_rate, is_validated);
        }
        let event = Event::Stepped { step: step + 1, epoch: epoch + 1, step_of_epoch: place + 1, loss: mean };
        self.audience.tell(&event);
    }

    /// By the gradient of the step: of its one piece, or the mean over its pieces.
    fn move_parameters(&mut self, whole: bool, learning_rate: f64, is_validated: bool) {
        if let Some(mean) = self.accumulator.as_mut().filter(|_| !whole).and_then(Accumulator::mean) {
            self.gradients.copy_from_slice(mean);
        }
        let gradients = &mut self.gradients;
        if let Some(evidence) = &mut self.evidence {
            evidence.finish_step(gradients, &mut self.counters.evidence);
        }
        if let Some(limit) = self.config.clip_norm {
            self.counters.gradient_norm = clip_norm(gradients, limit);
        } else if is_validated {
            self.counters.gradient_norm = norm(gradients);
        }
        self.optimizer.step(self.model.parameters_mut(), gradients, learning_rate);
    }

    /// Tries the model on the validation rows; `None` if someone wants the end meanwhile.
    pub(crate) fn validate(&mut self) -> Option<Record> {
        let (values, audience) = (self.model.values(), &self.audience);
        let Data { train, validation, .. } = self.data;
        let rows = if validation.rows() == 0 { train } else { validation };
        let scores = self.evaluator.scores(values, rows, || audience.wants_the_end())?;
        let step = self.counters.step;
        let with_errors = self.config.asks_for_standard_errors();
        Some(Record {
            epoch: step / self.steps_per_epoch,
            step,
            training_loss: self.counters.loss_sum / self.counters.loss_rows as f64,
            validation_loss: scores.loss,
            signals: Signals {
                reductions: None,
                evidence: self.counters.evidence.criterion(),
                loss_error: self.evaluator.loss_error().filter(|_| with_errors),
                accuracy_error: scores.accuracy_error().filter(|_| with_errors),
            },
            metrics: scores.metrics,
            learning_rate: self.learning_rate(step - 1),
            gradient_norm: self.counters.gradient_norm,
            elapsed: self.elapsed(),
        })
    }

    /// Lets the rules see a new record, and saves.
    fn take_in(&mut self, record: Record) -> Result<(), Error> {
        let improved = self.note(record);
        self.save(false)?;
        self.audience.tell(&Event::Validated {
            record: &self.history[self.history.len() - 1],
            improved,
            best: self.best.place().map(|place| &self.history[place]),
            earliest_stop: self.stopping.earliest_stop(),
            weights: Weights {
                table: self.model.table(),
                values: self.model.values(),
                gradients: if self.order.is_empty() { &[] } else { &self.gradients },
            },
        });
        Ok(())
    }

    /// Lets the rules see a new record; whether it is the best.
    pub(crate) fn note(&mut self, mut record: Record) -> bool {
        self.counters.loss_sum = 0.0;
        self.counters.loss_rows = 0;
        self.counters.evidence = GradientEvidence::default();
        self.stop = record.show(self.config.monitor, self.plateau.as_mut(), &mut self.stopping);
        let improved = self.best.observe(&record.observation(self.config.select), self.model.values());
        self.history.push(record);
        improved
    }

    /// Has the state saved in the background; if it is the best so far, it is also published. The `last` is not passed
    /// over.
    fn save(&mut self, last: bool) -> Result<(), Error> {
        let began = Instant::now();
        self.counters.elapsed = self.elapsed();
        self.counters.optimizer_steps = self.optimizer.steps();
        let Some(keeper) = &mut self.keeper else { return Ok(()) };
        let place = self.history.iter().rposition(|record| record.step == self.counters.step);
        let is_best = place.is_some() && place == self.best.place();
        if !is_best && !last && keeper.passes_over() {
            return Ok(());
        }
        let mut sections = state::sections(&self.counters, &self.history)?.to_vec();
        sections.extend_from_slice(keeper.sections());
        sections.extend_from_slice(&self.foreign);
        let record = place.map(|place| &self.history[place]);
        let measured_on = MeasuredOn::with(self.data.validation.rows());
        let labels = record.map(|record| record.labels(measured_on)).unwrap_or_default();
        let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        let snapshot = Snapshot {
            step: self.counters.step,
            epoch: self.counters.step / self.steps_per_epoch,
            score: record.map(|record| record.observation(self.config.select).value),
            elapsed: Duration::try_from_secs_f64(self.counters.elapsed).ok(),
            arrays: &state::arrays(self.model, &self.optimizer),
            sections: &sections,
            labels: &labels,
        };
        if keeper.save(began, &snapshot, (is_best, last), &mut self.audience)? {
            self.saved = Some(self.counters.step);
        }
        Ok(())
    }

    /// The parameters, buffers and optimizer's arrays as they would be saved.
    pub(crate) fn arrays(&self) -> Vec<Array<'_>> {
        state::arrays(self.model, &self.optimizer)
    }

    fn elapsed(&self) -> f64 {
        self.clock.1 + self.clock.0.elapsed().as_secs_f64()
    }
}
