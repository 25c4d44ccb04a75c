//! One run of rcb, for one project.
//!
//! rcb takes the containers that run, makes a worker that has their volumes mounted, and waits for it. So the containers
//! that are to rest are stopped between the making of the worker and its reading: the worker is paused for as long as
//! that takes. They are started again as soon as the volumes are read; rcb then goes on with dumps, forget and check.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::helper::{Helper, HelperError};
use super::left::{is_worker, remove_workers};
use super::repository::{self, Repository};
use super::rest::Rest;
use super::{Outcome, Parts};
use crate::backrest::line::Line;
use crate::backrest::rcb::{Milestone, Transcript};
use crate::docker::{ContainerEngine, EngineEvent};
use crate::domain::names::StackName;
use crate::domain::stack::{Container, ContainerState};
use crate::engine::{chain, pause_point};

/// How often the worker is looked for, and at, when no event tells of it.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A run of rcb.
pub(super) struct RcbRun<'a> {
    pub(super) parts: &'a Parts<'a>,
    pub(super) project: &'a StackName,
    /// Networks of the databases that it dumps.
    pub(super) networks: Vec<String>,
    pub(super) before: Repository,
}

impl RcbRun<'_> {
    /// Runs it; `rest` are those that are to rest meanwhile.
    pub(super) async fn run(&self, mut rest: Rest<'_>) -> Outcome {
        let parts = self.parts;
        let name = parts.helper_name("rcb");
        let spec = parts.request.rcb.one_shot(name, self.project.as_str(), parts.labels(), self.networks.clone());
        let helper = match Helper::make(parts.docker.as_ref(), &spec).await {
            Ok(helper) => helper,
            Err(error) => return Outcome::failed(format!("the container of rcb could not be made: {}", chain(&error))),
        };
        rest.allow(&helper.id, &spec.name);
        pause_point::reach("oneshot.made").await;
        let transcript = Mutex::new(Transcript::default());
        let (ended, mut outcome) = self.supervise(&helper, rest, &transcript).await;
        remove_workers(parts.docker.as_ref(), self.project.as_str(), parts.tell).await;
        if let Err(error) = helper.remove().await {
            (parts.tell)(Line::warning("worker.left").with("message", chain(&error)));
        }
        pause_point::reach("oneshot.removed").await;
        let transcript = transcript.into_inner().unwrap_or_else(PoisonError::into_inner);
        match ended {
            Ok(code) => self.judge(code, &transcript, &mut outcome).await,
            Err(error) => outcome.fail(chain(&error)),
        }
        outcome
    }

    async fn judge(&self, code: i64, transcript: &Transcript, outcome: &mut Outcome) {
        let new = match repository::look(self.parts).await {
            Ok(after) => after.count_new(&self.before),
            Err(why) => return outcome.fail(format!("it is not known whether there is a new snapshot: {why}")),
        };
        match transcript.judge(code, new) {
            Ok(()) => outcome.snapshots += new,
            Err(why) => outcome.fail(why),
        }
        outcome.doubts.extend(transcript.doubts().iter().cloned());
    }

    /// Starts rcb and follows it to its end; keeps who is to rest at rest for the time that the worker reads.
    async fn supervise(
        &self,
        helper: &Helper<'_>,
        rest: Rest<'_>,
        transcript: &Mutex<Transcript>,
    ) -> (Result<i64, HelperError>, Outcome) {
        let parts = self.parts;
        let (is_over, volumes_read) = (CancellationToken::new(), Notify::new());
        let on_line = |_, line: &str| {
            (parts.tell)(Line::info("rcb.output").with("project", self.project.as_str()).with("line", line));
            let marked = transcript.lock().unwrap_or_else(PoisonError::into_inner).read(line);
            if marked == Some(Milestone::VolumesRead) {
                volumes_read.notify_one();
            }
        };
        let mut events = parts.docker.events();
        let follow = async {
            let ended = match parts.docker.start_container(&helper.id).await {
                Ok(()) => helper.follow(parts.request.rcb.time_limit, parts.cancel, &on_line).await,
                Err(error) => Err(error.into()),
            };
            is_over.cancel();
            ended
        };
        let hold = async {
            if rest.is_empty() {
                return Outcome::default();
            }
            let worker = self.find_worker(&mut events, &is_over).await;
            self.hold(worker, rest, &volumes_read, &is_over).await
        };
        tokio::join!(follow, hold)
    }

    /// Waits for the worker, and pauses it as soon as it runs. `None` when rcb is over before.
    async fn find_worker(
        &self,
        events: &mut (impl futures_util::Stream<Item = EngineEvent> + Unpin),
        is_over: &CancellationToken,
    ) -> Option<Container> {
        let docker = self.parts.docker.as_ref();
        loop {
            let all = docker.list_containers().await.unwrap_or_default();
            let worker = all.into_iter().find(|one| is_worker(one, self.project.as_str()));
            match worker {
                Some(worker) if worker.state.is_up() => match docker.pause_container(&worker.id).await {
                    Ok(()) => return Some(worker),
                    Err(error) => self.parts.note(format!("the worker of rcb could not be paused: {}", chain(&error))),
                },
                Some(worker) if worker.state != ContainerState::Created => return None,
                _ => {}
            }
            tokio::select! {
                () = is_over.cancelled() => return None,
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = events.next() => {}
            }
        }
    }

    /// Brings who is to rest to rest, lets the paused worker read, and brings them back.
    async fn hold(
        &self,
        worker: Option<Container>,
        mut rest: Rest<'_>,
        volumes_read: &Notify,
        is_over: &CancellationToken,
    ) -> Outcome {
        let docker = self.parts.docker.as_ref();
        let mut outcome = Outcome::default();
        let Some(worker) = worker else {
            outcome.doubts.push("rcb was over before the containers that were to rest could be stopped".to_owned());
            return outcome;
        };
        rest.allow(&worker.id, &worker.name);
        pause_point::reach("oneshot.paused").await;
        let begun = rest.begin(self.parts.runtime, &is_over.child_token()).await;
        match &begun {
            Ok(()) => {
                pause_point::reach("oneshot.rested").await;
                if let Err(error) = docker.unpause_container(&worker.id).await {
                    outcome.fail(format!("the worker of rcb could not go on: {}", chain(&error)));
                }
                pause_point::reach("oneshot.unpaused").await;
            }
            Err(error) => {
                outcome.fail(format!("not everything could be brought to rest: {}", chain(error)));
                // It would back up what runs.
                self.end_worker(&worker).await;
            }
        }
        if begun.is_ok() && !outcome.is_failed() {
            tokio::select! {
                () = volumes_read.notified() => {}
                () = self.worker_ended(&worker) => {}
                () = is_over.cancelled() => {}
            }
            pause_point::reach("oneshot.read").await;
        }
        let returned = rest.end().await;
        pause_point::reach("oneshot.returned").await;
        outcome.not_back.extend(returned.not_back);
        outcome.doubts.extend(returned.disturbances);
        outcome
    }

    async fn end_worker(&self, worker: &Container) {
        if let Err(error) = self.parts.docker.remove_container(&worker.id).await {
            self.parts.note(format!("the worker of rcb could not be removed: {}", chain(&error)));
        }
    }

    async fn worker_ended(&self, worker: &Container) {
        while self.parts.docker.wait_container(&worker.id).await.is_err() && self.is_there(worker).await {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn is_there(&self, worker: &Container) -> bool {
        let docker: &dyn ContainerEngine = self.parts.docker.as_ref();
        !matches!(docker.inspect_container(&worker.id).await, Err(crate::docker::EngineError::NotFound { .. }))
    }
}
