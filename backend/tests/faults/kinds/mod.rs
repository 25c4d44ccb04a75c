//! The kinds of faults.
//!
//! A kind is a function of a file here and a line of the table below. It makes a rig, strikes, and ends with
//! [`crate::rig::Rig::conclude`], which asks what must hold after every fault; what must hold after this one it asks
//! itself. It may not assume anything of how the product does it.

use futures_util::future::BoxFuture;
use mainstay::engine::PAUSE_PLACES;

use crate::cx::Cx;
use crate::options::Options;

mod clock;
mod containers;
mod disks;
mod engines;
mod files;
mod kills;
mod links;
mod restores;
mod runs;
mod signals;
mod starts;
mod stores;

/// One run of a kind; it panics when something does not hold.
pub(crate) type Strike = fn(Cx) -> BoxFuture<'static, ()>;

/// How often a kind runs.
#[derive(Clone, Copy)]
enum Runs {
    Once,
    /// At each place of a job; in the part of every test run only at every so manieth.
    EachPlace(usize),
    /// At each of these places of a run for an instance, likewise.
    EachOf(fn() -> Vec<&'static str>, usize),
    /// This often; in a full run as often as the wanted number of kills takes.
    Random(usize),
}

/// A kind of fault.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) strike: Strike,
    /// Whether it is done again for every kind of store.
    pub(crate) is_about_store: bool,
    runs: Runs,
    /// How many kills one run makes.
    kills: usize,
}

impl Kind {
    const fn new(name: &'static str, about: &'static str, strike: Strike) -> Self {
        Self { name, about, strike, is_about_store: false, runs: Runs::Once, kills: 0 }
    }

    const fn kills(self, kills: usize) -> Self {
        Self { kills, ..self }
    }

    const fn runs(self, runs: Runs) -> Self {
        Self { runs, ..self }
    }

    const fn about_store(self) -> Self {
        Self { is_about_store: true, ..self }
    }
}

/// How often `kind` runs. Random kills make up for what the others of `table` leave of the wanted number.
pub(crate) fn runs(kind: &Kind, table: &[Kind], options: &Options) -> usize {
    match (kind.runs, options.kills) {
        (Runs::Once, _) => 1,
        (Runs::EachPlace(_), Some(_)) => PAUSE_PLACES.len(),
        (Runs::EachPlace(every), None) => PAUSE_PLACES.len().div_ceil(every),
        (Runs::EachOf(places, _), Some(_)) => places().len(),
        (Runs::EachOf(places, every), None) => places().len().div_ceil(every),
        (Runs::Random(runs), None) => runs,
        (Runs::Random(least), Some(wanted)) => {
            let is_random = |kind: &&Kind| matches!(kind.runs, Runs::Random(_));
            let others = table.iter().filter(|kind| !is_random(kind));
            let fixed: usize = others.map(|kind| kind.kills * runs(kind, table, options)).sum();
            let a_round: usize = table.iter().filter(is_random).map(|kind| kind.kills).sum();
            wanted.saturating_sub(fixed).div_ceil(a_round).max(least)
        }
    }
}

/// The place of a run that goes through all of them. In the part of every test run the kinds take turns, and so does
/// the beginning, so that all places are met over some runs.
fn place_of(cx: &Cx, every: usize) -> &'static str {
    place_in(cx, PAUSE_PLACES, every)
}

fn place_in(cx: &Cx, places: &[&'static str], every: usize) -> &'static str {
    if cx.is_full() {
        return places[cx.index()];
    }
    let offset = usize::try_from(cx.seed()).expect("a small number") % every;
    places[(cx.index() * every + offset).min(places.len() - 1)]
}

/// The position of a place in a job.
fn position(place: &str) -> usize {
    PAUSE_PLACES.iter().position(|&known| known == place).expect("a place")
}

/// Every kind.
pub(crate) fn all() -> Vec<Kind> {
    [kills(), runs_of_instances(), restores(), signals(), engines(), links(), containers(), disks(), files(), stores()]
        .into_iter()
        .flatten()
        .collect()
}

fn kills() -> Vec<Kind> {
    vec![
        Kind::new("kill-at-place", "kill -9 at each named place of a job", |cx| Box::pin(kills::at_place(cx)))
            .runs(Runs::EachPlace(1))
            .kills(1)
            .about_store(),
        Kind::new("kill-at-random-time", "kill -9 at any moment of a job", |cx| Box::pin(kills::at_random(cx, 1)))
            .runs(Runs::Random(3))
            .kills(1)
            .about_store(),
        Kind::new("kill-twice", "and again at any moment of the recovery", |cx| Box::pin(kills::at_random(cx, 2)))
            .runs(Runs::Random(2))
            .kills(2)
            .about_store(),
        Kind::new("kill-three-times", "and once more", |cx| Box::pin(kills::at_random(cx, 3)))
            .runs(Runs::Random(1))
            .kills(3)
            .about_store(),
        Kind::new("kill-at-die", "kill -9 when the engine tells of an end", |cx| Box::pin(kills::at_die(cx))).kills(1),
        Kind::new("kill-in-stop", "kill -9 while a stop is under way", |cx| Box::pin(kills::in_stop(cx))).kills(1),
        Kind::new("kill-process-group", "kill -9 of the group, as without memory", |cx| Box::pin(kills::group(cx)))
            .kills(1),
        Kind::new("kill-with-a-queue", "kill -9 with a job at work and one queued", |cx| Box::pin(kills::queue(cx)))
            .kills(1)
            .about_store(),
        Kind::new("kill-paused-stack", "kill -9 with containers frozen", |cx| Box::pin(kills::paused(cx))).kills(1),
        Kind::new("kill-command", "kill -9 of `backup` without a service", |cx| Box::pin(kills::command(cx))).kills(1),
        Kind::new("kill-then-resume", "`resume` by hand, without a service", |cx| Box::pin(kills::resume_by_hand(cx)))
            .kills(1),
        Kind::new("kill-then-no-backup-dir", "backup_dir is away at the next start", |cx| Box::pin(kills::away(cx)))
            .kills(1),
    ]
}

fn runs_of_instances() -> Vec<Kind> {
    vec![
        Kind::new("kill-restic-run-at-place", "kill -9 at places of a run with restic", |cx| {
            Box::pin(runs::restic_at_place(cx))
        })
        .runs(Runs::EachOf(runs::places_of_restic, runs::EVERY_OF_RESTIC))
        .kills(1)
        .about_store(),
        Kind::new("kill-while-restic-works", "kill -9 while a restic of ours is at work", |cx| {
            Box::pin(runs::restic_at_work(cx))
        })
        .runs(Runs::EachOf(runs::works_of_restic, runs::ONE))
        .kills(1),
        Kind::new("kill-image-run-at-place", "kill -9 at places of a run with an image", |cx| {
            Box::pin(runs::image_at_place(cx))
        })
        .runs(Runs::EachOf(runs::places_of_images, runs::EVERY_OF_IMAGES))
        .kills(1),
        Kind::new("kill-while-image-works", "kill -9 while the container of an image runs", |cx| {
            Box::pin(runs::image_at_work(cx))
        })
        .kills(1),
        Kind::new("kill-archive-run-at-place", "kill -9 at places of a run that makes an archive", |cx| {
            Box::pin(runs::archive_at_place(cx))
        })
        .runs(Runs::EachOf(runs::places_of_archives, runs::EVERY_OF_ARCHIVES))
        .kills(1),
        Kind::new("kill-dump-at-place", "kill -9 at places of a dump", |cx| Box::pin(runs::dump_at_place(cx)))
            .runs(Runs::EachOf(runs::places_of_dumps, runs::ONE))
            .kills(1),
        Kind::new("kill-run-at-random-time", "kill -9 at any moment of a run for an instance", |cx| {
            Box::pin(runs::at_random(cx))
        })
        .runs(Runs::Random(1))
        .kills(1),
    ]
}

fn restores() -> Vec<Kind> {
    vec![
        Kind::new("kill-restore-at-place", "kill -9 at places of a restore in place", |cx| {
            Box::pin(restores::at_place(cx))
        })
        .runs(Runs::EachOf(restores::places, restores::EVERY))
        .kills(1)
        .about_store(),
        Kind::new("kill-restore-at-random-time", "kill -9 at any moment of a restore", |cx| {
            Box::pin(restores::at_random(cx))
        })
        .runs(Runs::Random(1))
        .kills(1),
        Kind::new("restore-exchange-fails", "the second exchange of a restore fails", |cx| {
            Box::pin(restores::exchange_fails(cx))
        }),
        Kind::new("restore-cancelled", "a cancel between two exchanges", |cx| Box::pin(restores::cancelled(cx))),
    ]
}

fn signals() -> Vec<Kind> {
    vec![
        Kind::new("sigterm-at-place", "SIGTERM at each named place of a job", |cx| Box::pin(signals::at_place(cx)))
            .runs(Runs::EachPlace(signals::EVERY)),
        Kind::new("cancel-at-place", "a cancel at each named place of a job", |cx| Box::pin(signals::cancel(cx)))
            .runs(Runs::EachPlace(signals::EVERY)),
        Kind::new("sigterm-twice", "a second SIGTERM while a stop is under way", |cx| Box::pin(signals::twice(cx))),
        Kind::new("sigint-to-command", "Ctrl-C during `backup`", |cx| Box::pin(signals::interrupt_command(cx))),
        Kind::new("sigterm-to-command", "SIGTERM during `backup`", |cx| Box::pin(signals::terminate_command(cx))),
    ]
}

fn engines() -> Vec<Kind> {
    vec![
        Kind::new("engine-killed", "kill -9 of the engine at rest", |cx| Box::pin(engines::killed(cx))),
        Kind::new("engine-restarted", "an orderly restart of the engine at rest", |cx| {
            Box::pin(engines::restarted(cx))
        }),
        Kind::new("engine-starts-by-itself", "and it starts containers by itself", |cx| {
            Box::pin(engines::restarted_with_policies(cx))
        }),
        Kind::new("power-cut", "kill -9 of both at rest", |cx| Box::pin(engines::power_cut(cx))).kills(1),
        Kind::new("engine-down-at-boot", "the engine comes later than Mainstay", |cx| Box::pin(engines::late(cx)))
            .kills(1),
    ]
}

fn links() -> Vec<Kind> {
    vec![
        Kind::new("engine-hangs", "no answer to anything for a while", |cx| Box::pin(links::hangs(cx))),
        Kind::new("stop-hangs", "no answer to one stop, ever", |cx| Box::pin(links::stop_hangs(cx))),
        Kind::new("stop-reply-lost", "the engine stops, its answer is lost", |cx| Box::pin(links::stop_reply_lost(cx))),
        Kind::new("start-reply-lost", "the engine starts, its answer is lost", |cx| {
            Box::pin(links::start_reply_lost(cx))
        }),
        Kind::new("engine-slow", "every answer is late", |cx| Box::pin(links::slow(cx))),
        Kind::new("events-cut", "the events end again and again", |cx| Box::pin(links::events_cut(cx))),
        Kind::new("events-silent", "the events say nothing", |cx| Box::pin(links::events_silent(cx))),
        Kind::new("socket-away", "the engine's socket is away for a while", |cx| Box::pin(links::socket_away(cx))),
    ]
}

fn containers() -> Vec<Kind> {
    vec![
        Kind::new("deaf-container", "one ignores SIGTERM", |cx| Box::pin(containers::deaf(cx))),
        Kind::new("second-stop-fails", "the stop of the second of three fails", |cx| {
            Box::pin(containers::second_stop_fails(cx))
        }),
        Kind::new("removed-at-rest", "something else removes a container", |cx| Box::pin(containers::removed(cx))),
        Kind::new("recreated-at-rest", "something else makes one anew", |cx| Box::pin(containers::recreated(cx))),
        Kind::new("started-at-rest", "something else starts a container", |cx| Box::pin(containers::started(cx))),
        Kind::new("port-taken", "a start fails: its port is taken", |cx| Box::pin(starts::port_taken(cx))),
        Kind::new("network-gone", "a start fails: its network is gone", |cx| Box::pin(starts::network_gone(cx))),
        Kind::new("mount-in-the-way", "a start fails: its mount is a file", |cx| {
            Box::pin(starts::mount_in_the_way(cx))
        }),
        Kind::new("dies-after-start", "one ends right after its start", |cx| Box::pin(starts::dies(cx))),
        Kind::new("unhealthy-after-start", "one is not healthy again", |cx| Box::pin(starts::unhealthy(cx))),
    ]
}

fn disks() -> Vec<Kind> {
    vec![
        Kind::new("backup-dir-full", "backup_dir fills up in the capture", |cx| Box::pin(disks::backup_full(cx))),
        Kind::new("backup-dir-no-inodes", "backup_dir takes no more files", |cx| Box::pin(disks::backup_inodes(cx))),
        Kind::new("backup-dir-read-only", "backup_dir is read-only", |cx| Box::pin(disks::backup_read_only(cx))),
        Kind::new("staging-full", "staging_dir is full", |cx| Box::pin(disks::staging_full(cx))),
        Kind::new("staging-fills-up", "it fills up while it is copied to", |cx| Box::pin(disks::staging_fills_up(cx))),
        Kind::new("log-dir-full", "log_dir is full", |cx| Box::pin(disks::log_full(cx))),
        Kind::new("store-full", "the store's disk is full before a job", |cx| Box::pin(disks::store_full(cx))),
        Kind::new("store-full-at-rest", "it fills up while the stack is at rest", |cx| {
            Box::pin(disks::store_full_at_rest(cx))
        }),
        Kind::new("store-full-after-kill", "it is full at the next start", |cx| {
            Box::pin(disks::store_full_at_boot(cx))
        })
        .kills(1),
    ]
}

fn files() -> Vec<Kind> {
    vec![
        Kind::new("file-unreadable-disk", "a file on a broken disk (EIO)", |cx| Box::pin(files::broken_disk(cx))),
        Kind::new("file-unreadable-access", "a file of somebody else (EACCES)", |cx| Box::pin(files::no_access(cx))),
        Kind::new("file-vanishing", "files vanish while they are read", |cx| Box::pin(files::vanishing(cx))),
        Kind::new("file-growing", "a file grows while it is read", |cx| Box::pin(files::growing(cx))),
        Kind::new("file-truncated", "a file is cut while it is read", |cx| Box::pin(files::truncated(cx))),
        Kind::new("clock-ahead", "the clock jumps 400 days ahead", |cx| Box::pin(clock::ahead(cx))),
        Kind::new("clock-back", "the clock jumps two days back", |cx| Box::pin(clock::back(cx))),
    ]
}

fn stores() -> Vec<Kind> {
    vec![
        Kind::new("two-services", "a second service on the same store", |cx| Box::pin(stores::two(cx))).about_store(),
        Kind::new("store-locked", "somebody locks the store for 30 s at rest", |cx| Box::pin(stores::locked(cx)))
            .about_store(),
        Kind::new("store-locked-at-boot", "and while the next one starts", |cx| Box::pin(stores::locked_at_boot(cx)))
            .kills(1),
        Kind::new("store-deleted", "the store's file is gone at a start", |cx| Box::pin(stores::deleted(cx))),
        Kind::new("store-corrupt", "the store's file is garbage at a start", |cx| Box::pin(stores::corrupt(cx))),
    ]
}
